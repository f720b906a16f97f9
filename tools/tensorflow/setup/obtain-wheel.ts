import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { stat, writeFile } from "node:fs/promises";
import path from "node:path";
import { pipeline } from "node:stream/promises";
import type { Progress } from "./progress.ts";
import { lastLines, runCommand } from "./run-command.ts";
import { SetupError } from "./setup-error.ts";
import type { SetupOptions } from "./setup-options.ts";
import { type TensorFlowWheel, tensorFlowVersion, wheelPython } from "./tensorflow-wheel.ts";
import { checkSum, defaultIndexUrl, downloadFromIndex } from "./wheel-index.ts";

/**
 * Gets the wheel into a folder: the given file, through pip with its configuration and its cache, or from an index. Its
 * SHA-256 is checked each time.
 *
 * @returns The file.
 */
export async function obtainWheel(
  wheel: TensorFlowWheel,
  options: Pick<SetupOptions, "wheelFile" | "python" | "indexUrl">,
  folder: string,
  progress: Progress,
): Promise<string> {
  if (options.wheelFile !== null) {
    await checkFile(wheel, options.wheelFile);
    return options.wheelFile;
  }
  const target = path.join(folder, wheel.file);
  const size = `${Math.round(wheel.sizeBytes / 1024 / 1024)} MiB`;
  const pip = await findPip(options.python);
  if (pip === null) {
    const index = options.indexUrl ?? defaultIndexUrl;
    progress.step(
      `there is no Python with pip: downloading ${wheel.file} (${size}) from ${new URL(index).host}`,
    );
    await downloadFromIndex(wheel, index, target, progress);
    return target;
  }
  progress.step(`downloading ${wheel.file} (${size}) with ${pip}'s pip, unless its cache has it`);
  await downloadWithPip(wheel, pip, options.indexUrl, folder);
  await checkFile(wheel, target);
  return target;
}

/** The interpreter whose pip works, or `null`. @throws SetupError when the one that was asked for has none. */
async function findPip(asked: string | null): Promise<string | null> {
  for (const python of asked === null ? ["python3", "python"] : [asked]) {
    const { exitStatus } = await runCommand(python, ["-m", "pip", "--version"]);
    if (exitStatus === 0) return python;
  }
  if (asked !== null) throw new SetupError(`'${asked} -m pip' does not run: give another --python, or none`);
  return null;
}

async function downloadWithPip(
  wheel: TensorFlowWheel,
  python: string,
  indexUrl: string | null,
  folder: string,
): Promise<void> {
  const requirements = path.join(folder, "requirements.txt");
  await writeFile(requirements, `${wheel.project}==${tensorFlowVersion} --hash=sha256:${wheel.sha256}\n`);
  const { exitStatus, output } = await runCommand(python, [
    "-m",
    "pip",
    "download",
    "--disable-pip-version-check",
    "--progress-bar=off",
    "--no-deps",
    "--only-binary=:all:",
    `--platform=${wheel.pipPlatform}`,
    `--python-version=${wheelPython.version}`,
    "--implementation=cp",
    `--abi=${wheelPython.tag}`,
    "--require-hashes",
    `--requirement=${requirements}`,
    `--dest=${folder}`,
    ...(indexUrl === null ? [] : [`--index-url=${indexUrl}`]),
  ]);
  if (exitStatus === 0) return;
  throw new SetupError(
    `pip could not download ${wheel.file}. It said:\n${lastLines(output)}\n  Another index: --index-url=URL; a wheel that is here already: --wheel=FILE`,
  );
}

async function checkFile(wheel: TensorFlowWheel, file: string): Promise<void> {
  try {
    await stat(file);
  } catch (thrown) {
    throw new SetupError(`there is no wheel '${file}'`, { cause: thrown });
  }
  const hash = createHash("sha256");
  await pipeline(createReadStream(file, { highWaterMark: 1 << 20 }), hash);
  checkSum(wheel, hash.digest("hex"), `'${file}'`);
}
