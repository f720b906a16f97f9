import { createRequire } from "node:module";
import type { InferenceSession, Tensor as OrtTensor } from "onnxruntime-node";

/**
 * The native half of onnxruntime-node, called directly.
 *
 * @remarks
 * `InferenceSession.run` of the public API is this same synchronous call inside a `setImmediate` and a promise,
 * which cost as much as a small model itself (measured: 19–21 µs against 11–13 µs for an identity model). In a
 * worker thread that does nothing else, both are waste. The module is internal to the package, so the package's
 * version is pinned and the unit test "ort-binding" fails when the shape of it changes.
 */
export interface OrtBinding {
  readonly InferenceSession: new () => OrtSession;
  listSupportedBackends(): { readonly name: string; readonly bundled: boolean }[];
}

/** A session of the native binding. All calls block. */
export interface OrtSession {
  loadModel(modelPath: string, options: InferenceSession.SessionOptions): void;
  readonly inputMetadata: readonly OrtValueMetadata[];
  readonly outputMetadata: readonly OrtValueMetadata[];
  /**
   * @param feeds - Every input of the model by name.
   * @param fetches - The outputs to compute: a tensor to write into, or `null` to get a new one.
   */
  run(feeds: OrtValues, fetches: Record<string, OrtValue | null>, options: object): Record<string, OrtTensor>;
  dispose(): void;
}

/** An input or output that the model declares. */
export interface OrtValueMetadata {
  readonly name: string;
  readonly isTensor: boolean;
  /** ONNX element type number. */
  readonly type: number;
  /** -1 for symbolic dimensions. Empty for scalars and, indistinguishably, for an unknown rank. */
  readonly shape: readonly number[];
}

/** What the binding takes for a tensor: it reads these four members and nothing else. */
export interface OrtValue {
  readonly type: string;
  readonly data: ArrayBufferView | string[];
  readonly dims: readonly number[];
  readonly location: "cpu";
}

export type OrtValues = Record<string, OrtValue>;

const require = createRequire(import.meta.url);

let loaded: OrtBinding | null = null;

/** The binding, loaded at first use: only worker threads and the GPU probe pay for it. */
export function ortBinding(): OrtBinding {
  if (loaded === null) {
    const module = require("onnxruntime-node/dist/binding.js") as { binding: OrtBinding; initOrt(): void };
    module.initOrt();
    loaded = module.binding;
  }
  return loaded;
}
