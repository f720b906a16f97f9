import { existsSync, readFileSync } from "node:fs";
import { copyFile, mkdir } from "node:fs/promises";
import path from "node:path";
import type { Progress } from "./progress.ts";
import { lastLines, runCommand } from "./run-command.ts";
import { SetupError } from "./setup-error.ts";

/** The package list and its lock file, relative to the repository's root. */
export const packageListPlace = path.join("tools", "tensorflow", "native-packages");

/**
 * Installs the packages from the npm registry, exactly those of the lock file, without their install scripts.
 *
 * @throws SetupError with npm's words.
 */
export async function installPackages(root: string, directory: string, progress: Progress): Promise<void> {
  progress.step(`installing the npm packages into ${directory}`);
  await mkdir(directory, { recursive: true });
  for (const file of ["package.json", "package-lock.json"]) {
    await copyFile(path.join(root, packageListPlace, file), path.join(directory, file));
  }
  const { exitStatus, output } = await runNpm(
    ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"],
    directory,
  );
  if (exitStatus !== 0)
    throw new SetupError(`npm could not install the packages. It said:\n${lastLines(output)}`);
}

/** Whether npm finished an installation of exactly these packages. */
export function arePackagesInstalled(root: string, directory: string): boolean {
  // npm writes its own list into node_modules at the very end.
  if (!existsSync(path.join(directory, "node_modules", ".package-lock.json"))) return false;
  const lockIn = (folder: string): string => readFileSync(path.join(folder, "package-lock.json"), "utf8");
  return lockIn(directory) === lockIn(path.join(root, packageListPlace));
}

/** Runs npm: the one that runs this script, where it was started through npm. */
export function runNpm(
  args: readonly string[],
  directory: string,
  timeoutMs?: number,
): ReturnType<typeof runCommand> {
  const options = timeoutMs === undefined ? { directory } : { directory, timeoutMs };
  const script = process.env["npm_execpath"];
  return script !== undefined && /npm-cli\.[cm]?js$/.test(script)
    ? runCommand(process.execPath, [script, ...args], options)
    : runCommand(process.platform === "win32" ? "npm.cmd" : "npm", args, options);
}
