import { rm } from "node:fs/promises";
import path from "node:path";
import type { Progress } from "./progress.ts";
import { SetupError } from "./setup-error.ts";
import { WheelArchive } from "./wheel-archive.ts";

/** File names of libtensorflow's two parts in a wheel. */
interface LibraryNames {
  readonly api: string;
  readonly framework: string;
}

const libraryNames: Readonly<Record<string, LibraryNames>> = {
  linux: { api: "libtensorflow_cc.so.2", framework: "libtensorflow_framework.so.2" },
  darwin: { api: "libtensorflow_cc.2.dylib", framework: "libtensorflow_framework.2.dylib" },
};

/** The headers that the addon's source needs, and those that they include. */
const neededHeaders =
  /^tensorflow\/include\/((tensorflow\/c|tensorflow\/core\/platform|tsl\/platform|xla\/tsl\/c)\/(eager\/)?[\w.]+\.h)$/;

/** Libraries in `deps`, as the package's addon looks for them. */
export interface LibraryFiles {
  readonly includeDirectory: string;
  /** Absolute, in the order in which a linker wants them. */
  readonly libraries: readonly string[];
}

/** Where a package's libraries lie. */
export function libraryDirectory(packageDirectory: string): string {
  return path.join(packageDirectory, "deps", "lib");
}

/**
 * Takes libtensorflow and its headers out of a wheel into the package's `deps`. What was there before is gone, also when
 * this fails.
 */
export async function unpackLibraries(
  wheelFile: string,
  packageDirectory: string,
  platform: string,
  progress: Progress,
): Promise<LibraryFiles> {
  const names = libraryNames[platform];
  if (names === undefined) throw new SetupError(`the libraries of a wheel for ${platform} are not known`);
  const deps = path.join(packageDirectory, "deps");
  const includeDirectory = path.join(deps, "include");
  const libraries = [names.api, names.framework].map((name) =>
    path.join(libraryDirectory(packageDirectory), name),
  );
  await rm(deps, { recursive: true, force: true });
  const archive = await WheelArchive.open(wheelFile);
  try {
    let headerCount = 0;
    for (const entry of archive.entries) {
      const header = neededHeaders.exec(entry.name)?.[1];
      if (header === undefined) continue;
      await archive.extract(entry, path.join(includeDirectory, header));
      headerCount++;
    }
    if (headerCount === 0) throw new SetupError(`'${wheelFile}' has no headers of TensorFlow's C API`);
    for (const library of libraries) {
      const name = path.basename(library);
      const entry = archive.entries.find((candidate) => candidate.name === `tensorflow/${name}`);
      if (entry === undefined) throw new SetupError(`'${wheelFile}' has no ${name}`);
      progress.step(`unpacking ${name} (${Math.round(entry.sizeBytes / 1024 / 1024)} MiB)`);
      await archive.extract(entry, library, 0o755);
    }
  } finally {
    await archive.close();
  }
  return { includeDirectory, libraries };
}
