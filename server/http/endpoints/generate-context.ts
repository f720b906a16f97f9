import type { InferenceRequest, ResponseSink } from "../../core/inference-request.ts";
import type { InferenceResponse } from "../../core/inference-response.ts";
import { type Failure, failure, StatusError } from "../../core/status.ts";
import { writeGenerateResponse } from "../codec/generate-response-encoder.ts";
import { JsonWriter } from "../codec/json-writer.ts";

/** Memory that the writer keeps between responses; what a larger one needed is given back. */
const retainedBytes = 1024 * 1024;

/** What all generate requests of one front end share. */
export class GenerateContext {
  readonly #onBug: (thrown: unknown) => void;
  /** Responses are written one at a time, so one writer serves all. */
  readonly #writer = new JsonWriter(retainedBytes);

  /** @param onBug - Told what was thrown that should not have been. For the log. */
  constructor(onBug: (thrown: unknown) => void) {
    this.#onBug = onBug;
  }

  /**
   * A response as JSON between two texts, which are ASCII.
   *
   * @returns A view on memory that the next call writes to again; or why the response has no such form.
   */
  encode(response: InferenceResponse, before = "", after = ""): Uint8Array | Failure {
    const writer = this.#writer;
    writer.restart();
    try {
      writer.ascii(before);
      writeGenerateResponse(writer, response);
      writer.ascii(after);
      return writer.written();
    } catch (thrown) {
      return this.failureOf(thrown);
    }
  }

  /** What of a thrown thing may be shown to clients. */
  failureOf(thrown: unknown): Failure {
    if (thrown instanceof StatusError) return thrown.toFailure();
    this.#onBug(thrown);
    return failure("INTERNAL", "internal error");
  }
}

/** Turns the responses of one request into its HTTP reply. */
export interface GenerateSink extends ResponseSink {
  /** Called once, before the request is handed to its model. */
  begin(request: InferenceRequest): void;
}
