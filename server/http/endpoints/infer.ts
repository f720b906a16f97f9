import type { ResponseSink } from "../../core/inference-request.ts";
import { InferenceRequest } from "../../core/inference-request.ts";
import { parseDecimal } from "../../core/decimal.ts";
import type { InferenceResponse } from "../../core/inference-response.ts";
import { withRequestId } from "../../core/request-error.ts";
import { type Failure, failure, StatusError } from "../../core/status.ts";
import { type DataPlane, isFailure } from "../../data-plane.ts";
import type { ServedModel } from "../../model/served-model.ts";
import type { DecodedInferRequest } from "../codec/decoded-infer-request.ts";
import { InferHeaderCache } from "../codec/infer-header-cache.ts";
import { decodeInferRequest } from "../codec/infer-request-decoder.ts";
import { encodeInferResponse } from "../codec/infer-response-encoder.ts";
import { decodeRawInferRequest } from "../codec/raw-infer-request-decoder.ts";
import { ResponseScratch } from "../codec/response-scratch.ts";
import type { BodyReceiver, HttpExchange } from "../transport/http-exchange.ts";
import { replyFailure } from "../json-reply.ts";
import type { Route } from "../router.ts";

/** What bounds an inference request, and who hears of bugs. */
export interface InferLimits {
  /** `--http-max-input-size`: bounds JSON, and tensors made from JSON; not binary tensors. */
  readonly maxInputBytes: number;
  /** Told what was thrown that should not have been; the client gets 500. For the log. */
  readonly onBug: (thrown: unknown) => void;
}

/** Content-Length is read as a signed 32-bit number by Triton; nothing larger is accepted. */
const maxBodyBytes = 2 ** 31 - 1;

/** Memory that the response writer keeps between responses; what a larger one needed is given back. */
const retainedResponseBytes = 4 * 1024 * 1024;

/** No `Inference-Header-Content-Length`: the whole body is JSON. */
const allJson = -1;

/** What all inference requests of one front end share. */
interface InferContext {
  readonly server: DataPlane;
  readonly limits: InferLimits;
  readonly headerCache: InferHeaderCache;
  /** Responses are written one at a time, so one scratch serves all. */
  readonly scratch: ResponseScratch;
}

/** `POST /v2/models/M[/versions/V]/infer` */
export class InferEndpoint {
  readonly #context: InferContext;

  constructor(server: DataPlane, limits: InferLimits) {
    this.#context = {
      server,
      limits,
      headerCache: new InferHeaderCache(),
      scratch: new ResponseScratch(retainedResponseBytes),
    };
  }

  /** Looks at the headers, which die with this call, then waits for the body. */
  handle(route: Route, exchange: HttpExchange): void {
    const headerBytes = parseHeaderLength(exchange.header("inference-header-content-length"));
    const encodingRefusal = checkEncoding(exchange.header("content-encoding"));
    const limit = headerBytes === allJson ? this.#context.limits.maxInputBytes : maxBodyBytes;
    const framing = { headerBytes, encodingRefusal };
    // A request that will be refused is read as well: a reply before its end would cost the client its connection.
    exchange.readBody(limit, new InferCall(exchange, route, framing, this.#context));
  }
}

/** The header's value, {@link allJson} without one, or what is wrong with it. */
function parseHeaderLength(text: string): number | Failure {
  if (text === "") return allJson;
  const plain = parseDecimal(text);
  if (plain >= 0 && plain <= maxBodyBytes) return plain;
  const value = /^\s*[+-]?\d+/.exec(text);
  const bytes = value === null ? Number.NaN : Number(value[0]);
  if (Number.isNaN(bytes) || bytes > maxBodyBytes || bytes < -maxBodyBytes) {
    return failure("INVALID_ARG", `Unable to parse Inference-Header-Content-Length, got: ${text}`);
  }
  if (bytes >= 0) return bytes;
  return failure(
    "INVALID_ARG",
    `inference header size should be in range (0, content length), got: ${bytes}`,
  );
}

function checkEncoding(encoding: string): Failure | null {
  if (encoding === "" || encoding === "identity") return null;
  return failure(
    "UNSUPPORTED",
    `Content-Encoding '${encoding}' is not supported yet; send the body as it is`,
  );
}

/** What the headers say of the body. */
interface BodyFraming {
  /** Length of the JSON, {@link allJson}, or what is wrong with the header. */
  readonly headerBytes: number | Failure;
  readonly encodingRefusal: Failure | null;
}

const decoupled = failure(
  "UNSUPPORTED",
  "HTTP end point doesn't support models with decoupled transaction policy",
);

/** One inference over HTTP, from its body to its reply. */
class InferCall implements BodyReceiver, ResponseSink {
  readonly #exchange: HttpExchange;
  readonly #route: Route;
  readonly #framing: BodyFraming;
  readonly #context: InferContext;
  #decoded: DecodedInferRequest | null = null;

  constructor(exchange: HttpExchange, route: Route, framing: BodyFraming, context: InferContext) {
    this.#exchange = exchange;
    this.#route = route;
    this.#framing = framing;
    this.#context = context;
  }

  onBody(body: Uint8Array): void {
    // Only now: while the body arrived, a reload may have replaced the model.
    const model = this.#context.server.findModel(this.#route.modelName, this.#route.modelVersion);
    if (isFailure(model)) return replyFailure(this.#exchange, model);
    if (model.isDecoupled) return replyFailure(this.#exchange, decoupled);
    const { headerBytes, encodingRefusal } = this.#framing;
    if (encodingRefusal !== null) return replyFailure(this.#exchange, encodingRefusal);
    if (typeof headerBytes !== "number") return replyFailure(this.#exchange, headerBytes);
    try {
      this.#infer(model, this.#decode(model, body, headerBytes));
    } catch (thrown) {
      this.#replyThrown(thrown);
    }
  }

  onTooLarge(): void {
    const limit =
      this.#framing.headerBytes === allJson
        ? `${this.#context.limits.maxInputBytes} bytes: raise --http-max-input-size to allow it`
        : `${maxBodyBytes} bytes`;
    replyFailure(
      this.#exchange,
      failure("INVALID_ARG", `request body exceeds the maximum allowed input size of ${limit}`),
    );
  }

  onResponse(response: InferenceResponse): void {
    try {
      if (this.#decoded === null) throw new Error("A response came before its request. This is a bug.");
      const encoded = encodeInferResponse(response, this.#decoded.outputEncodings, this.#context.scratch);
      if (encoded.headerBytes === 0) this.#exchange.reply("", "application/json", encoded.body);
      else this.#exchange.replyBinaryTensors(encoded.headerBytes, encoded.body);
    } catch (thrown) {
      this.#replyThrown(thrown);
    }
  }

  onFailure(cause: Failure): void {
    replyFailure(this.#exchange, withRequestId(this.#decoded?.id ?? "", cause));
  }

  #decode(model: ServedModel, body: Uint8Array, headerBytes: number): DecodedInferRequest {
    const { limits, headerCache } = this.#context;
    const { maxInputBytes } = limits;
    if (headerBytes !== 0) return decodeInferRequest({ body, headerBytes, maxInputBytes, headerCache });
    const { name: modelName, inputs: modelInputs, maxBatchSize } = model;
    return decodeRawInferRequest({ body, maxInputBytes, modelName, modelInputs, maxBatchSize });
  }

  #infer(model: ServedModel, decoded: DecodedInferRequest): void {
    this.#decoded = decoded;
    const request = new InferenceRequest({
      id: decoded.id,
      inputs: decoded.inputs,
      requestedOutputs: decoded.requestedOutputs,
      parameters: decoded.parameters,
      priority: decoded.priority,
      timeoutUs: decoded.timeoutUs,
      sink: this,
    });
    request.classifications = decoded.classifications;
    const refusal = model.infer(request);
    if (refusal !== null) this.onFailure(refusal);
    else this.#exchange.cancelWhenAborted(request);
  }

  /** Only what is a StatusError is shown to clients. */
  #replyThrown(thrown: unknown): void {
    if (thrown instanceof StatusError) {
      replyFailure(this.#exchange, thrown.toFailure());
      return;
    }
    this.#context.limits.onBug(thrown);
    replyFailure(this.#exchange, failure("INTERNAL", "internal error"));
  }
}
