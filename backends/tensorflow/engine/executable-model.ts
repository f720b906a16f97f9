import type { Tensor } from "@tensorflow/tfjs-core";
import type { ModelSignature } from "../../backend.ts";

/** A model that the engine of this thread holds. */
export interface ExecutableModel {
  readonly signature: ModelSignature;
  /**
   * Computes outputs.
   *
   * @param inputs - By the signature's names. Not disposed.
   * @param outputs - Names of the wanted outputs.
   * @returns New tensors in the order of `outputs`; the caller disposes them.
   */
  run(
    inputs: ReadonlyMap<string, Tensor>,
    outputs: readonly string[],
  ): readonly Tensor[] | Promise<readonly Tensor[]>;
  dispose(): void;
}
