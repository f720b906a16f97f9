import { existsSync, readFileSync, readdirSync, rmSync } from "node:fs";
import path from "node:path";
import type { NativePackageName } from "../../../backends/tensorflow/native/native-package.ts";
import { addonPlace } from "../../../backends/tensorflow/native/native-package.ts";
import { runNpm } from "./install-packages.ts";
import { type LibraryFiles, libraryDirectory } from "./library-files.ts";
import type { Progress } from "./progress.ts";
import { lastLines } from "./run-command.ts";

/** How long the host of the downloads gets to answer at all. */
const answerTimeoutMs = 5000;

/** How long the whole installer gets: some hundred megabytes. */
const installerTimeoutMs = 15 * 60_000;

/** The variables with which a user names another host for the package's downloads. */
const hostVariables = ["TFJS_NODE_CDN_STORAGE", "npm_config_TFJS_NODE_CDN_STORAGE", "CDN_STORAGE"] as const;

/**
 * Runs the package's own installer, which downloads libtensorflow and a prebuilt addon from its maintainers' storage.
 * Where that cannot be reached, it is not even started.
 *
 * @returns The libraries, or why there are none. Nothing of a failed installation stays.
 */
export async function runPackageInstaller(
  name: NativePackageName,
  packageDirectory: string,
  directory: string,
  progress: Progress,
): Promise<LibraryFiles | string> {
  const host = downloadHost(packageDirectory);
  const unreachable = await whyUnreachable(host);
  if (unreachable !== null) return `${host} cannot be reached: ${unreachable}`;
  progress.step(`running the installer of ${name}, which downloads from ${host}`);
  const { exitStatus, output } = await runNpm(
    ["rebuild", name, "--ignore-scripts=false", "--foreground-scripts"],
    directory,
    installerTimeoutMs,
  );
  const libraries = librariesIn(packageDirectory);
  if (exitStatus === 0 && libraries.length > 0 && existsSync(path.join(packageDirectory, addonPlace)))
    return { includeDirectory: path.join(packageDirectory, "deps", "include"), libraries };
  rmSync(path.join(packageDirectory, "deps"), { recursive: true, force: true });
  rmSync(path.join(packageDirectory, "lib"), { recursive: true, force: true });
  return `it failed:\n${lastLines(output, 6)}`;
}

function downloadHost(packageDirectory: string): string {
  for (const name of hostVariables) {
    const value = process.env[name];
    if (value !== undefined && URL.canParse(value)) return new URL(value).origin;
  }
  const { binary } = JSON.parse(readFileSync(path.join(packageDirectory, "package.json"), "utf8")) as {
    readonly binary: { readonly host: string };
  };
  return new URL(binary.host).origin;
}

/** @returns `null` when the host answers anything. Behind a proxy, which only the installer knows, it is not asked. */
async function whyUnreachable(host: string): Promise<string | null> {
  const isBehindProxy = ["HTTPS_PROXY", "https_proxy"].some((name) => (process.env[name] ?? "") !== "");
  if (isBehindProxy) return null;
  try {
    await fetch(host, { method: "HEAD", signal: AbortSignal.timeout(answerTimeoutMs), redirect: "manual" });
    return null;
  } catch (thrown) {
    if (!(thrown instanceof Error)) return String(thrown);
    return thrown.cause instanceof Error ? thrown.cause.message : thrown.message;
  }
}

function librariesIn(packageDirectory: string): string[] {
  const folder = libraryDirectory(packageDirectory);
  if (!existsSync(folder)) return [];
  const names = readdirSync(folder);
  return ["libtensorflow", "libtensorflow_framework"].flatMap((stem) => {
    const name = [`${stem}.so`, `${stem}.2.dylib`, `${stem}.dylib`].find((file) => names.includes(file));
    return name === undefined ? [] : [path.join(folder, name)];
  });
}
