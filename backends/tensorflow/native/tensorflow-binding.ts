import { createRequire } from "node:module";
import { StatusError } from "../../../server/core/status.ts";

/** A tensor that the addon made. Whoever gets one deletes it. */
export interface NativeTensor {
  readonly id: number;
  readonly shape: readonly number[];
  /** TensorFlow's number of the type. */
  readonly dtype: number;
}

/** An attribute of an operation. */
export interface NativeAttribute {
  readonly name: string;
  /** One of the binding's `TF_ATTR_…` numbers. */
  readonly type: number;
  readonly value: number;
}

/** What a tensor holds: numbers, or for strings one array of bytes for each element. */
export type NativeValues = ArrayBufferView | readonly Uint8Array[];

/**
 * The addon of TensorFlow's package for Node.js, of which each thread has its own instance with its own tensors and
 * models. Every call blocks until it is done and throws an Error with TensorFlow's message when it fails.
 */
export interface TensorFlowBinding {
  /** libtensorflow's version. */
  readonly TF_Version: string;
  readonly TF_ATTR_TYPE: number;
  /** There when the set-up of this server built the addon with its repairs; see tools/tensorflow/setup/README.md. */
  readonly NEREID_ADDON_REPAIRS?: number;
  isUsingGpuDevice(): boolean;
  createTensor(shape: readonly number[], dtype: number, values: NativeValues): number;
  deleteTensor(id: number): void;
  tensorDataSync(id: number): NativeValues;
  executeOp(
    name: string,
    attributes: readonly NativeAttribute[],
    inputs: readonly number[],
    outputCount: number,
  ): readonly NativeTensor[];
  /** @param tags - Separated by commas: all that the graph has, and no other. */
  loadSavedModel(directory: string, tags: string): number;
  deleteSavedModel(model: number): void;
  /** @param inputNames - Tensors of the graph, separated by commas, in the order of `inputs`. */
  runSavedModel(
    model: number,
    inputs: readonly number[],
    inputNames: string,
    outputNames: string,
  ): readonly NativeTensor[];
  /** Tensors of this thread that are not deleted. */
  getNumOfTensors(): number;
  getNumOfSavedModels(): number;
}

/**
 * Loads the addon into this thread.
 *
 * @throws StatusError UNAVAILABLE that says why it does not load and what to do.
 */
export function loadTensorFlowBinding(addonFile: string): TensorFlowBinding {
  try {
    return createRequire(import.meta.url)(addonFile) as TensorFlowBinding;
  } catch (thrown) {
    const message = thrown instanceof Error ? thrown.message : String(thrown);
    throw new StatusError(
      "UNAVAILABLE",
      `native TensorFlow does not load: ${message}. 'npm run setup:tensorflow' builds it for this machine; parameters["engine"] "wasm" does without`,
      { cause: thrown },
    );
  }
}
