import { createRequire } from "node:module";
import { StatusError } from "../../../server/core/status.ts";
import { tf } from "../engine/tensorflow-js.ts";
import type { NativePackage } from "./native-package.ts";

const require = createRequire(import.meta.url);

/** Name under which the package registers its engine. */
const engineName = "tensorflow";

/**
 * Makes native TensorFlow the engine of TensorFlow.js in this thread: each operation of a TensorFlow.js model runs as one
 * of TensorFlow's. The package brings its own copy of TensorFlow.js' core, of the same version: engine and kernels are
 * global to the thread, so that both copies use the same.
 *
 * @throws StatusError UNAVAILABLE that says why it does not start.
 */
export async function startNativeTensorFlowJs(installed: NativePackage): Promise<void> {
  restoreRemovedFunctions();
  tf.enableProdMode();
  let isStarted: boolean;
  try {
    require(installed.directory);
    isStarted = await tf.setBackend(engineName);
  } catch (thrown) {
    const message = thrown instanceof Error ? thrown.message : String(thrown);
    throw new StatusError("UNAVAILABLE", `${installed.name} does not start: ${message}`, { cause: thrown });
  }
  if (!isStarted) throw new StatusError("UNAVAILABLE", `${installed.name} did not start its engine`);
  await tf.ready();
}

/**
 * The package calls two functions of `node:util` that Node 23 removed. They are put back in this thread only, and only
 * where they are missing.
 */
export function restoreRemovedFunctions(util: Record<string, unknown> = require("node:util") as never): void {
  util["isNullOrUndefined"] ??= (value: unknown): boolean => value === null || value === undefined;
  util["isArray"] ??= Array.isArray;
}
