import { cp, mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { addonPlace } from "../../../backends/tensorflow/native/native-package.ts";
import { addonRepairs, repairSource } from "./addon-repairs.ts";
import type { LibraryFiles } from "./library-files.ts";
import type { Progress } from "./progress.ts";
import { lastLines, runCommand } from "./run-command.ts";
import { SetupError } from "./setup-error.ts";

/** What the addon is built from. */
export interface AddonSources {
  /** Of the installed package, whose `binding` folder has the source. */
  readonly packageDirectory: string;
  /** The folder with `node_api.h`. */
  readonly nodeHeaders: string;
  readonly library: LibraryFiles;
  readonly platform: string;
}

const sourceFiles = ["tfjs_backend.cc", "tfjs_binding.cc"] as const;

/** The compilers to try, by the names that systems give them. */
const compilerNames = ["c++", "g++", "clang++"] as const;

/** Where the addon finds the libraries: two folders above itself. */
const libraryPlace = path.posix.join("..", "..", "deps", "lib");

const platformArguments: Readonly<Record<string, readonly string[]>> = {
  linux: ["-shared", `-Wl,-rpath,$ORIGIN/${libraryPlace}`, "-Wl,--as-needed"],
  darwin: ["-bundle", "-undefined", "dynamic_lookup", `-Wl,-rpath,@loader_path/${libraryPlace}`],
};

/** Finds a C++ compiler. @throws SetupError that says how to install one. */
export async function findCompiler(asked: string | null): Promise<string> {
  for (const name of asked === null ? compilerNames : [asked]) {
    const { exitStatus } = await runCommand(name, ["--version"]);
    if (exitStatus === 0) return name;
  }
  throw new SetupError(
    asked === null
      ? "there is no C++ compiler. On Debian or Ubuntu: 'sudo apt-get install g++'; on macOS: 'xcode-select --install'"
      : `the C++ compiler '${asked}' of the variable CXX does not run`,
  );
}

/**
 * Compiles the addon of the package, with the repairs, in a copy of its source: what npm installed stays as it is. The
 * addon appears at its place when it is complete.
 *
 * @throws SetupError with the compiler's words.
 */
export async function buildAddon(sources: AddonSources, compiler: string, progress: Progress): Promise<void> {
  const { packageDirectory, nodeHeaders, library, platform } = sources;
  const folder = path.join(packageDirectory, "build-nereid");
  await rm(folder, { recursive: true, force: true });
  await cp(path.join(packageDirectory, "binding"), folder, { recursive: true });
  for (const file of new Set(addonRepairs.map((repair) => repair.file))) {
    const source = path.join(folder, file);
    await writeFile(source, repairSource(file, await readFile(source, "utf8")));
  }
  const target = path.join(packageDirectory, addonPlace);
  const unfinished = path.join(folder, path.basename(target));
  progress.step(`compiling the addon with ${compiler} and ${addonRepairs.length} repairs of its source`);
  const { exitStatus, output } = await runCommand(
    compiler,
    [
      "-std=c++17",
      "-O2",
      "-fPIC",
      "-DNAPI_VERSION=8",
      `-I${library.includeDirectory}`,
      `-I${nodeHeaders}`,
      ...sourceFiles,
      "-o",
      unfinished,
      ...library.libraries,
      ...(platformArguments[platform] ?? []),
    ],
    { directory: folder },
  );
  if (exitStatus !== 0)
    throw new SetupError(`the addon does not compile. ${compiler} said:\n${lastLines(output, 25)}`);
  await mkdir(path.dirname(target), { recursive: true });
  await rename(unfinished, target);
  await rm(folder, { recursive: true });
}
