import type { Tensor } from "@tensorflow/tfjs-core";
import { tf } from "./tensorflow-js.ts";

/**
 * The time in which the executor runs a graph with loops.
 *
 * After each turn of a loop it disposes all tensors of the turn, those in tensor lists included, which are marked as kept;
 * and at the end it does not free all that it kept. Within this scope kept tensors stay, and its end frees all but the
 * results.
 */
export class KeepingScope {
  readonly #own: PropertyDescriptor;

  constructor() {
    const own = Object.getOwnPropertyDescriptor(tf.Tensor.prototype, "dispose");
    if (own === undefined) throw new Error("Tensors cannot be disposed. This is a bug.");
    this.#own = own;
    const original = own.value as (this: Tensor) => void;
    tf.engine().startScope("loops");
    tf.Tensor.prototype.dispose = function dispose(this: Tensor): void {
      if (!this.kept) original.call(this);
    };
  }

  end(results: readonly Tensor[]): void {
    Object.defineProperty(tf.Tensor.prototype, "dispose", this.#own);
    const { state } = tf.engine() as unknown as { readonly state: EngineState };
    const made = [...(state.activeScope?.track ?? [])];
    tf.engine().endScope([...results]);
    const isResult = new Set(results);
    for (const tensor of made) {
      if (!isResult.has(tensor) && !tensor.isDisposed) tensor.dispose();
    }
  }
}

/** What the engine tracks; internal to the package, whose version is pinned, and watched by the leak test. */
interface EngineState {
  readonly activeScope: { readonly track: readonly Tensor[] } | null;
}
