import type { ParameterValue } from "./inference-request.ts";
import type { Tensor } from "./tensor.ts";

/** Memory that several responses share and that is reused when all of them have been written. */
export interface SharedBuffer {
  /** The bytes are kept by a reader: do not reuse them. Several readers may keep them, each by a call of its own. */
  retain(): void;
  /** A reader that kept them is done. One that never says so leaves them to the garbage collector. */
  release(): void;
}

/**
 * The answer to one {@link InferenceRequest}.
 *
 * @remarks
 * The outputs' data are views on memory that belongs to the model instance's buffer pool and is reused as soon as
 * {@link ResponseSink.onResponse} returns. A sink that needs the bytes longer calls {@link retain} first.
 */
export class InferenceResponse {
  readonly modelName: string;
  readonly modelVersion: string;
  /** The request's id, "" when it had none. */
  readonly id: string;
  /** In the model's order, only the requested ones. */
  readonly outputs: readonly Tensor[];
  /** Response parameters from the backend, or `null`. */
  readonly parameters: ReadonlyMap<string, ParameterValue> | null;
  readonly #buffer: SharedBuffer | null;

  constructor(init: InferenceResponseInit) {
    this.modelName = init.modelName;
    this.modelVersion = init.modelVersion;
    this.id = init.id;
    this.outputs = init.outputs;
    this.parameters = init.parameters;
    this.#buffer = init.buffer;
  }

  /** The same response with other outputs. Outputs taken over from this one stay views on its memory. */
  withOutputs(outputs: readonly Tensor[]): InferenceResponse {
    const { modelName, modelVersion, id, parameters } = this;
    return new InferenceResponse({ modelName, modelVersion, id, outputs, parameters, buffer: this.#buffer });
  }

  /** The same outputs as the answer to another request. They stay views on the memory of this one. */
  forRequest(id: string): InferenceResponse {
    const { modelName, modelVersion, outputs, parameters } = this;
    return new InferenceResponse({ modelName, modelVersion, id, outputs, parameters, buffer: this.#buffer });
  }

  /**
   * Keeps the outputs' bytes valid after `onResponse` returned, until {@link release}. Without it they are freed by the garbage
   * collector.
   */
  retain(): void {
    this.#buffer?.retain();
  }

  /** Undoes one {@link retain}: the caller reads the bytes no more. */
  release(): void {
    this.#buffer?.release();
  }
}

/** The parts of an {@link InferenceResponse}. */
export interface InferenceResponseInit {
  readonly modelName: string;
  readonly modelVersion: string;
  readonly id: string;
  readonly outputs: readonly Tensor[];
  readonly parameters: ReadonlyMap<string, ParameterValue> | null;
  /** The memory behind the outputs, or `null` when nobody reuses it. */
  readonly buffer: SharedBuffer | null;
}
