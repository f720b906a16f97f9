import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";

/** TensorFlow's own packages for Node.js; the one that can use a GPU comes first. */
export const nativePackageNames = ["@tensorflow/tfjs-node-gpu", "@tensorflow/tfjs-node"] as const;
export type NativePackageName = (typeof nativePackageNames)[number];

/** An installed package whose addon is there. Survives structured cloning. */
export interface NativePackage {
  readonly name: NativePackageName;
  /** Absolute directory of the package. */
  readonly directory: string;
  /** Absolute file of the addon, which loads libtensorflow. */
  readonly addonFile: string;
}

/**
 * Where the package wants its addon. It names the newest Node-API that it knows, which is 8, and each Node that this
 * server runs on has that one.
 */
export const addonPlace = path.join("lib", "napi-v8", "tfjs_binding.node");

/** Where `npm run setup:tensorflow` installs unless it is told another place: beside package.json, ignored by git. */
export const defaultNativeDirectory = path.resolve(import.meta.dirname, "../../../../.tensorflow");

/**
 * Looks for a package with its addon: what `npm run setup:tensorflow` made, or what is installed as a package of this
 * server usually is.
 *
 * @param setupDirectory - Of the set-up.
 */
export function findNativePackage(setupDirectory: string): NativePackage | null {
  for (const name of nativePackageNames) {
    for (const directory of [path.join(setupDirectory, "node_modules", name), installedDirectory(name)]) {
      if (directory === null) continue;
      const addonFile = path.join(directory, addonPlace);
      if (existsSync(addonFile)) return { name, directory, addonFile };
    }
  }
  return null;
}

function installedDirectory(name: NativePackageName): string | null {
  try {
    return path.dirname(createRequire(import.meta.url).resolve(`${name}/package.json`));
  } catch {
    return null;
  }
}
