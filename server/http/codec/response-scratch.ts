import type { InferenceResponse } from "../../core/inference-response.ts";
import { shapesEqual } from "../../core/shape.ts";
import type { Tensor } from "../../core/tensor.ts";
import { JsonWriter } from "./json-writer.ts";
import type { OutputEncodings } from "./output-encodings.ts";

/** One header for each model that answers; the limit only matters to a server with more models than this. */
const maxHeaders = 256;

/** The JSON of a response none of whose outputs had its data inside, without its opening brace and id. */
interface Header {
  readonly modelVersion: string;
  readonly encodings: OutputEncodings;
  /** Its outputs, with names, types and shapes that are compared; their data is not held. */
  readonly outputs: readonly OutputDeclaration[];
  readonly json: Buffer;
}

type OutputDeclaration = Pick<Tensor, "name" | "datatype" | "shape"> & { readonly byteCount: number };

/**
 * What encoding one response leaves for the next: the memory that it was written to, and for each model the JSON of
 * its last response without data inside, which is mostly that of the next one too.
 *
 * One per listener. Not for two responses at a time.
 */
export class ResponseScratch {
  readonly writer: JsonWriter;
  readonly #headers = new Map<string, Header>();

  /** @param retainedBytes - More memory than this, which a large response needed, is not kept for the next. */
  constructor(retainedBytes: number) {
    this.writer = new JsonWriter(retainedBytes);
  }

  /** The JSON behind the id that this response would get, when the model's last one was alike; else `null`. */
  findHeader(response: InferenceResponse, encodings: OutputEncodings): Buffer | null {
    const header = this.#headers.get(response.modelName);
    if (
      header === undefined ||
      header.encodings !== encodings ||
      header.modelVersion !== response.modelVersion ||
      header.outputs.length !== response.outputs.length ||
      response.parameters !== null
    ) {
      return null;
    }
    for (let i = 0; i < header.outputs.length; i++) {
      if (!isAlike(header.outputs[i]!, response.outputs[i]!)) return null;
    }
    return header.json;
  }

  /** Remembers `json`, which has no data inside, for responses like this one. It is copied. */
  keepHeader(response: InferenceResponse, encodings: OutputEncodings, json: Uint8Array): void {
    if (response.parameters !== null) return;
    if (this.#headers.size >= maxHeaders) this.#headers.clear();
    this.#headers.set(response.modelName, {
      modelVersion: response.modelVersion,
      encodings,
      outputs: response.outputs.map(({ name, datatype, shape, data }) => ({
        name,
        datatype,
        shape: [...shape],
        byteCount: data.byteLength,
      })),
      json: Buffer.from(json),
    });
  }
}

function isAlike(kept: OutputDeclaration, output: Tensor): boolean {
  return (
    kept.name === output.name &&
    kept.datatype === output.datatype &&
    kept.byteCount === output.data.byteLength &&
    shapesEqual(kept.shape, output.shape)
  );
}
