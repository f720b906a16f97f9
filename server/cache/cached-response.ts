import { InferenceResponse } from "../core/inference-response.ts";
import type { ParameterValue } from "../core/inference-request.ts";
import { Tensor } from "../core/tensor.ts";

/**
 * What an entry takes besides its bytes: key, tensors, shapes, places in the tables. Measured on Node 20 as the growth
 * of the heap over 10⁵ entries with one output, and rounded up, so that a cache of tiny responses keeps to its size.
 */
const entryOverheadBytes = 768;
const outputOverheadBytes = 256;

/**
 * A response that outlives its request.
 *
 * @remarks
 * Its bytes are never written again: any number of responses may be views on them, also while and after the cache lets
 * go of it.
 */
export class CachedResponse {
  readonly #outputs: readonly Tensor[];
  readonly #parameters: ReadonlyMap<string, ParameterValue> | null;
  /** What it takes of the cache. */
  readonly byteSize: number;

  private constructor(
    outputs: readonly Tensor[],
    parameters: ReadonlyMap<string, ParameterValue> | null,
    byteSize: number,
  ) {
    this.#outputs = outputs;
    this.#parameters = parameters;
    this.byteSize = byteSize;
  }

  /** What a copy of the response would take of a cache. */
  static byteSizeOf({ outputs, parameters }: InferenceResponse): number {
    let total = entryOverheadBytes + outputs.length * outputOverheadBytes;
    for (const { data } of outputs) total += data.byteLength;
    for (const [name, value] of parameters ?? []) total += 2 * (name.length + String(value).length);
    return total;
  }

  /** Copies a response, whose memory may be reused afterwards. */
  static copyOf(response: InferenceResponse): CachedResponse {
    let byteCount = 0;
    for (const { data } of response.outputs) byteCount += data.byteLength;
    // Memory of its own: Node's pool of small buffers would be kept alive by the oldest entry in it.
    const bytes = Buffer.allocUnsafeSlow(byteCount);
    let offset = 0;
    const outputs = response.outputs.map(({ name, datatype, shape, data }) => {
      const end = offset + data.byteLength;
      const copy = bytes.subarray(offset, end);
      copy.set(data);
      offset = end;
      return new Tensor(name, datatype, [...shape], copy);
    });
    const parameters = response.parameters === null ? null : new Map(response.parameters);
    return new CachedResponse(outputs, parameters, CachedResponse.byteSizeOf(response));
  }

  /** The response to another request. Its tensors are views, which stay good for as long as anybody reads them. */
  toResponse(modelName: string, modelVersion: string, id: string): InferenceResponse {
    return new InferenceResponse({
      modelName,
      modelVersion,
      id,
      outputs: this.#outputs,
      parameters: this.#parameters,
      buffer: null,
    });
  }
}
