import { existsSync } from "node:fs";
import { mkdtemp, rm, statfs } from "node:fs/promises";
import path from "node:path";
import {
  describeNativeEngine,
  isNativeEngine,
  type NativeEngine,
  probeNativePackage,
  writeProbeRecord,
} from "../../../backends/tensorflow/native/native-engine.ts";
import { addonPlace, type NativePackage } from "../../../backends/tensorflow/native/native-package.ts";
import { buildAddon, findCompiler } from "./build-addon.ts";
import { arePackagesInstalled, installPackages } from "./install-packages.ts";
import { type LibraryFiles, unpackLibraries } from "./library-files.ts";
import { obtainWheel } from "./obtain-wheel.ts";
import { runPackageInstaller } from "./package-installer.ts";
import type { Progress } from "./progress.ts";
import { SetupError } from "./setup-error.ts";
import type { SetupOptions } from "./setup-options.ts";
import { wheelFor } from "./tensorflow-wheel.ts";

/** npm's packages, the wheel while it is unpacked, and the libraries. */
const neededBytes = 2.5 * 1024 ** 3;

/**
 * Installs native TensorFlow into a directory of its own, unless it is there and loads.
 *
 * @param root - Of this repository.
 * @throws SetupError that says which step failed and what helps.
 */
export async function setUpTensorFlow(
  options: SetupOptions,
  root: string,
  progress: Progress,
): Promise<NativeEngine> {
  const { directory, packageName } = options;
  const installed: NativePackage = {
    name: packageName,
    directory: path.join(directory, "node_modules", packageName),
    addonFile: path.join(directory, "node_modules", packageName, addonPlace),
  };
  const present = options.isForced ? null : presentEngine(installed);
  if (present !== null) {
    progress.step(`${directory} has it already; --force installs it again`);
    writeProbeRecord(directory, present);
    return present;
  }
  // What will be missing in the end is asked for before hundreds of megabytes come.
  if (options.source === "pypi") await prepareWheel(options);
  await checkSpace(directory);
  // The other package may be in use: npm would take its addon away.
  if (options.isForced || !arePackagesInstalled(root, directory))
    await installPackages(root, directory, progress);
  await installLibraries(options, installed, progress);
  progress.step("loading it in a process of its own");
  const engine = probeNativePackage(installed);
  if (!isNativeEngine(engine)) {
    await rm(installed.addonFile, { force: true });
    throw new SetupError(engine.reason);
  }
  writeProbeRecord(directory, engine);
  return engine;
}

function presentEngine(installed: NativePackage): NativeEngine | null {
  if (!existsSync(installed.addonFile)) return null;
  const engine = probeNativePackage(installed);
  return isNativeEngine(engine) ? engine : null;
}

async function installLibraries(
  options: SetupOptions,
  installed: NativePackage,
  progress: Progress,
): Promise<void> {
  const { directory: packageDirectory, name } = installed;
  if (options.source !== "pypi") {
    const fromPackage = await runPackageInstaller(name, packageDirectory, options.directory, progress);
    if (typeof fromPackage !== "string") {
      await replacePrebuilt(options, installed, fromPackage, progress);
      return;
    }
    if (options.source === "package")
      throw new SetupError(`the installer of ${name} cannot be used: ${fromPackage}`);
    progress.step(`the installer of ${name} cannot be used, going on with PyPI: ${fromPackage}`);
  }
  const { wheel, compiler } = await prepareWheel(options);
  const folder = await mkdtemp(path.join(options.directory, "wheel-"));
  try {
    const file = await obtainWheel(wheel, options, folder, progress);
    const library = await unpackLibraries(file, packageDirectory, process.platform, progress);
    await buildAddon(addonSources(options, installed, library), compiler, progress);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function prepareWheel({ packageName }: SetupOptions): Promise<{
  readonly wheel: ReturnType<typeof wheelFor>;
  readonly compiler: string;
}> {
  const wheel = wheelFor(packageName, process.platform, process.arch);
  return { wheel, compiler: await findCompiler(process.env["CXX"] ?? null) };
}

/** The prebuilt addon lacks the repairs: where there is a compiler, it gives way to one that has them. */
async function replacePrebuilt(
  options: SetupOptions,
  installed: NativePackage,
  library: LibraryFiles,
  progress: Progress,
): Promise<void> {
  try {
    const compiler = await findCompiler(process.env["CXX"] ?? null);
    await buildAddon(addonSources(options, installed, library), compiler, progress);
  } catch (thrown) {
    if (!(thrown instanceof SetupError)) throw thrown;
    progress.step(
      `keeping the prebuilt addon, which runs SavedModels and frozen graphs with plain numbers only: ${thrown.message}`,
    );
  }
}

function addonSources(
  { directory }: SetupOptions,
  installed: NativePackage,
  library: LibraryFiles,
): Parameters<typeof buildAddon>[0] {
  return {
    packageDirectory: installed.directory,
    nodeHeaders: path.join(directory, "node_modules", "node-api-headers", "include"),
    library,
    platform: process.platform,
  };
}

/** @throws SetupError when the disk has too little room. */
async function checkSpace(directory: string): Promise<void> {
  let existing = directory;
  while (!existsSync(existing)) existing = path.dirname(existing);
  const { bavail, bsize } = await statfs(existing);
  const freeBytes = bavail * bsize;
  if (freeBytes >= neededBytes) return;
  const gib = (bytes: number): string => (bytes / 1024 ** 3).toFixed(1);
  throw new SetupError(
    `'${existing}' has ${gib(freeBytes)} GiB free, and the installation needs ${gib(neededBytes)} GiB for a while: choose another --directory`,
  );
}

/** One line for people: what was installed. */
export function describeSetup(engine: NativeEngine): string {
  return `${engine.package.name} with ${describeNativeEngine(engine)} is ready in ${engine.package.directory}`;
}
