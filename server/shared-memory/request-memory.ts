import type { InferenceRequest, ResponseSink } from "../core/inference-request.ts";
import type { InferenceResponse } from "../core/inference-response.ts";
import { type Failure, failure, type Status } from "../core/status.ts";
import { Tensor } from "../core/tensor.ts";
import type { SharedMemoryRegion } from "./shared-memory-region.ts";

/** A tensor's place in a region that is there and large enough. */
export interface PlacedTensor {
  readonly region: SharedMemoryRegion;
  /** From the region's beginning. */
  readonly offset: number;
  readonly byteSize: number;
}

const noBytes = new Uint8Array(0);

/**
 * The shared memory of one request. It holds the regions while the request lives, stands before its sink, and moves
 * outputs from the response to their regions; the sink gets them without data.
 */
export class RequestMemory implements ResponseSink {
  readonly #request: InferenceRequest;
  readonly #sink: ResponseSink;
  /** Each use of a region by an input or an output. */
  readonly #held: readonly SharedMemoryRegion[];
  readonly #outputs: ReadonlyMap<string, PlacedTensor>;
  readonly #onProblem: (failed: Failure) => void;

  /**
   * Takes hold of the regions and puts the inputs' views into the request. The caller makes this the request's sink.
   *
   * @param inputs - By position; `null` for those that are not in shared memory.
   * @param outputs - By name.
   * @param onProblem - Told of memory that could not be given back.
   */
  constructor(
    request: InferenceRequest,
    inputs: readonly (PlacedTensor | null)[],
    outputs: ReadonlyMap<string, PlacedTensor>,
    onProblem: (failed: Failure) => void,
  ) {
    this.#request = request;
    this.#sink = request.sink;
    this.#outputs = outputs;
    this.#onProblem = onProblem;
    const placed = [...inputs.filter((input) => input !== null), ...outputs.values()];
    this.#held = placed.map(({ region }) => region);
    for (const region of this.#held) region.acquire();
    request.areInputsVolatile = inputs.some((input) => input !== null);
    request.inputs = request.inputs.map((tensor, position) => {
      const place = inputs[position] ?? null;
      return place === null ? tensor : readFrom(place, tensor);
    });
  }

  onResponse(response: InferenceResponse, isFinal: boolean): void {
    try {
      const problem = this.#store(response);
      if (problem !== null) this.#sink.onFailure(problem, isFinal);
      else this.#sink.onResponse(this.#withoutStored(response), isFinal);
    } finally {
      // Only now: outputs may be views on inputs.
      if (isFinal) this.#release();
    }
  }

  onFailure(cause: Failure, isFinal: boolean): void {
    try {
      this.#sink.onFailure(cause, isFinal);
    } finally {
      if (isFinal) this.#release();
    }
  }

  onEnd(): void {
    try {
      this.#sink.onEnd();
    } finally {
      this.#release();
    }
  }

  /** Gives the regions back: with the final call, of which there is one. */
  #release(): void {
    for (const region of this.#held) {
      const problem = region.release();
      if (problem !== null) this.#onProblem(problem);
    }
  }

  /** Copies the outputs to their places: all, or none when there is a problem. */
  #store({ outputs }: InferenceResponse): Status {
    // A client that has cancelled does not expect its memory to change any more.
    if (this.#request.isCancelled) return null;
    for (const output of outputs) {
      const place = this.#outputs.get(output.name);
      const problem = place === undefined ? null : checkPlace(output, place);
      if (problem !== null) return problem;
    }
    for (const { name, data } of outputs) {
      const place = this.#outputs.get(name);
      if (place !== undefined) place.region.view(place.offset, data.byteLength).set(data);
    }
    return null;
  }

  #withoutStored(response: InferenceResponse): InferenceResponse {
    if (this.#outputs.size === 0) return response;
    const outputs = response.outputs.map((output) =>
      this.#outputs.has(output.name)
        ? new Tensor(output.name, output.datatype, output.shape, noBytes)
        : output,
    );
    return response.withOutputs(outputs);
  }
}

/** An input as a view on its place. */
function readFrom({ region, offset, byteSize }: PlacedTensor, { name, datatype, shape }: Tensor): Tensor {
  const view = region.view(offset, byteSize);
  // The lengths inside of BYTES are checked before they are used: what was checked must be what is used, whatever the
  // client writes in between. Otherwise it could fail the requests that share its batch.
  return new Tensor(name, datatype, shape, datatype === "BYTES" ? view.slice() : view);
}

function checkPlace({ name, data }: Tensor, { region, byteSize }: PlacedTensor): Status {
  if (data.byteLength > byteSize) {
    return failure(
      "INTERNAL",
      `shared memory for output '${name}' in region '${region.name}' should be at least ${data.byteLength} bytes to hold the results, got ${byteSize}`,
    );
  }
  if (region.isIntact()) return null;
  return failure(
    "INVALID_ARG",
    `output '${name}' cannot be written to shared memory region '${region.name}': '${region.key}' has become smaller than it was registered`,
  );
}
