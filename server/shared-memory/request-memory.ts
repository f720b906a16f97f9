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
   * Takes hold of the regions. The caller makes this the request's sink and gives the request what {@link readInputs} has
   * read.
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

  /** Copies the outputs to their places: all, or none when one of them has no place. A device may fail in between. */
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
      const problem = place === undefined ? null : place.region.write(place.offset, data);
      if (problem !== null) return failure(problem.code, `output '${name}': ${problem.message}`);
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

/**
 * The request's inputs with the data of those that lie in shared memory: views on this process's memory, copies of a device's.
 *
 * @param inputs - By position; `null` for those that are not in shared memory.
 * @returns INTERNAL when a device does not give its bytes.
 */
export function readInputs(
  tensors: readonly Tensor[],
  inputs: readonly (PlacedTensor | null)[],
): Tensor[] | Failure {
  const read: Tensor[] = [];
  for (const [position, tensor] of tensors.entries()) {
    const place = inputs[position] ?? null;
    const input = place === null ? tensor : readFrom(place, tensor);
    if ("code" in input) return failure(input.code, `input '${tensor.name}': ${input.message}`);
    read.push(input);
  }
  return read;
}

function readFrom({ region, offset, byteSize }: PlacedTensor, tensor: Tensor): Tensor | Failure {
  const { name, datatype, shape } = tensor;
  const data = region.read(offset, byteSize);
  if ("code" in data) return data;
  // The lengths inside of BYTES are checked before they are used: what was checked must be what is used, whatever the
  // client writes in between. Otherwise it could fail the requests that share its batch.
  const mustCopy = region.isVolatile && datatype === "BYTES";
  return new Tensor(name, datatype, shape, mustCopy ? data.slice() : data);
}

function checkPlace({ name, data }: Tensor, { region, byteSize }: PlacedTensor): Status {
  if (data.byteLength > byteSize) {
    return failure(
      "INTERNAL",
      `shared memory for output '${name}' in region '${region.name}' should be at least ${data.byteLength} bytes to hold the results, got ${byteSize}`,
    );
  }
  const defect = region.defect();
  if (defect === null) return null;
  return failure(
    "INVALID_ARG",
    `output '${name}' cannot be written to shared memory region '${region.name}': ${defect}`,
  );
}
