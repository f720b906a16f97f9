import type { ResponseSink } from "../../core/inference-request.ts";
import { InferenceRequest } from "../../core/inference-request.ts";
import { parseDecimal } from "../../core/decimal.ts";
import type { InferenceResponse } from "../../core/inference-response.ts";
import { withRequestId } from "../../core/request-error.ts";
import { type Failure, failure, StatusError } from "../../core/status.ts";
import { type DataPlane, isFailure } from "../../data-plane.ts";
import { type ForwardedHeaders, type HeaderForwarder, withForwardedHeaders } from "../../header-forwarder.ts";
import type { ServedModel } from "../../model/served-model.ts";
import type { RequestArrival } from "../../tracing/sampled-request.ts";
import type { DecodedInferRequest } from "../codec/decoded-infer-request.ts";
import {
  acceptedEncodings,
  chooseResponseCompression,
  type Compression,
  parseContentEncoding,
} from "../codec/content-encoding.ts";
import { InferHeaderCache } from "../codec/infer-header-cache.ts";
import { decodeInferRequest } from "../codec/infer-request-decoder.ts";
import {
  encodeInferResponse,
  type EncodedInferResponse,
  inOnePiece,
} from "../codec/infer-response-encoder.ts";
import type { OutputEncodings } from "../codec/output-encodings.ts";
import { decodeRawInferRequest } from "../codec/raw-infer-request-decoder.ts";
import { ResponseScratch } from "../codec/response-scratch.ts";
import type { CodecThread } from "../codec-thread/codec-thread.ts";
import { joinRequest } from "../codec-thread/infer-request-parts.ts";
import { copyResponse } from "../codec-thread/infer-response-parts.ts";
import { isLargeJson, isLargeJsonResponse } from "../codec-thread/large-json.ts";
import { buffersOf } from "../codec-thread/transferable.ts";
import { bodyPool, isWorthKeeping } from "../transport/body-pool.ts";
import type {
  BodyLimit,
  BodyReceiver,
  Cancellable,
  HttpExchange,
  ReplyHeaders,
  WholeReplyExchange,
} from "../transport/http-exchange.ts";
import { compress, decompress, maxCompressedBytes } from "../body-compression.ts";
import { replyFailure, replyFailureWithHeaders } from "../json-reply.ts";
import type { Route } from "../router.ts";
import { TracedExchange } from "../traced-exchange.ts";

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
  /** For large ones. */
  readonly codecThread: CodecThread;
}

/** `POST /v2/models/M[/versions/V]/infer` */
export class InferEndpoint {
  readonly #context: InferContext;
  readonly #headerForwarder: HeaderForwarder | null;

  /**
   * @param codecThread - Reads and writes large JSON; the caller closes it.
   * @param headerForwarder - `null`: no header becomes a parameter.
   */
  constructor(
    server: DataPlane,
    limits: InferLimits,
    codecThread: CodecThread,
    headerForwarder: HeaderForwarder | null = null,
  ) {
    this.#headerForwarder = headerForwarder;
    this.#context = {
      server,
      limits,
      headerCache: new InferHeaderCache(),
      scratch: new ResponseScratch(retainedResponseBytes),
      codecThread,
    };
  }

  /** Looks at the headers, which die with this call, then waits for the body. */
  handle(route: Route, exchange: HttpExchange): void {
    const headerBytes = parseHeaderLength(exchange.header("inference-header-content-length"));
    const encoding = exchange.header("content-encoding");
    const acceptEncoding = exchange.header("accept-encoding");
    const compression = encoding === "" ? null : parseContentEncoding(encoding);
    const responseCompression = acceptEncoding === "" ? null : chooseResponseCompression(acceptEncoding);
    const { maxInputBytes } = this.#context.limits;
    let limit = headerBytes === allJson ? maxInputBytes : maxBodyBytes;
    if (typeof compression === "string") limit = Math.min(maxBodyBytes, maxCompressedBytes(maxInputBytes));
    const forwarder = this.#headerForwarder;
    const forwarded = forwarder === null ? null : forwarder.collect((visit) => exchange.eachHeader(visit));
    const { tracer } = this.#context.server;
    const arrival = tracer.isActive ? tracer.arrive("http", (name) => exchange.header(name)) : null;
    const headers = { headerBytes, compression, responseCompression, forwarded, arrival };
    // A request that will be refused is read as well: a reply before its end would cost the client its connection.
    exchange.readBody(limit, new InferCall(exchange, route, headers, this.#context));
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

/** What the headers say of the request. */
interface RequestHeaders {
  /** Length of the JSON, {@link allJson}, or what is wrong with the header. */
  readonly headerBytes: number | Failure;
  /** `null`: the body is as it is. A failure: the header asks for what is not there. */
  readonly compression: Compression | null | Failure;
  readonly responseCompression: Compression | null;
  /** Those that become parameters. */
  readonly forwarded: ForwardedHeaders | null;
  /** `null`: nothing is traced. */
  readonly arrival: RequestArrival | null;
}

const decoupled = failure(
  "UNSUPPORTED",
  "HTTP end point doesn't support models with decoupled transaction policy",
);

const noResponse = failure("INTERNAL", "expected a single response, got none");

/** One inference over HTTP, from its body to its reply. */
class InferCall implements BodyReceiver, ResponseSink, Cancellable {
  /** Replaced by one that notes the times when the request is traced. */
  #exchange: WholeReplyExchange;
  readonly #route: Route;
  readonly #headers: RequestHeaders;
  readonly #context: InferContext;
  #decoded: DecodedInferRequest | null = null;
  /** The client has gone while its body was decompressed or read, or its response written, in another thread. */
  #isCancelled = false;
  /** What the codec thread does for this call. Before and after it, it is the request that is cancelled. */
  #codecCall: Cancellable | null = null;
  /** Memory that can be used for another body when the inputs, which are views on it, have been used up. */
  #body: Uint8Array | null = null;

  constructor(exchange: HttpExchange, route: Route, headers: RequestHeaders, context: InferContext) {
    this.#exchange = exchange;
    this.#route = route;
    this.#headers = headers;
    this.#context = context;
  }

  onBody(body: Uint8Array): void {
    this.#headers.arrival?.markRead();
    // Only now: while the body arrived, a reload may have replaced the model.
    const model = this.#findModel();
    if (isFailure(model)) return replyFailure(this.#exchange, model);
    const { compression } = this.#headers;
    if (isWorthKeeping(body.byteLength)) this.#body = body;
    if (compression === null) this.#serve(model, body);
    else if (typeof compression === "string") this.#decompress(compression, body);
    else replyFailureWithHeaders(this.#exchange, compression, [["Accept-Encoding", acceptedEncodings]]);
  }

  onTooLarge(exceeded: BodyLimit): void {
    let limit = "65536 chunks: send larger ones, or announce the length";
    if (exceeded === "bytes") {
      const isOurs = this.#headers.headerBytes === allJson || typeof this.#headers.compression === "string";
      limit = isOurs
        ? `${this.#context.limits.maxInputBytes} bytes: raise --http-max-input-size to allow it`
        : `${maxBodyBytes} bytes`;
    }
    replyFailure(
      this.#exchange,
      failure("INVALID_ARG", `request body exceeds the maximum allowed input size of ${limit}`),
    );
  }

  /** The client has gone while another thread was at its body or its response. */
  cancel(): void {
    this.#isCancelled = true;
    this.#codecCall?.cancel();
  }

  onResponse(response: InferenceResponse): void {
    try {
      if (this.#decoded === null) throw new Error("A response came before its request. This is a bug.");
      const { outputEncodings } = this.#decoded;
      if (isLargeJsonResponse(response, outputEncodings)) {
        this.#encodeElsewhere(response, outputEncodings);
      } else {
        const encoded = encodeInferResponse(response, outputEncodings, this.#context.scratch);
        const { responseCompression } = this.#headers;
        if (responseCompression !== null) this.#replyCompressed(responseCompression, inOnePiece(encoded));
        else if (encoded.tail.length === 0) this.#reply(encoded);
        else this.#replyFromPlace(response, encoded);
      }
    } catch (thrown) {
      this.#replyThrown(thrown);
    }
    this.#recycleBody();
  }

  onFailure(cause: Failure): void {
    this.#recycleBody();
    replyFailure(this.#exchange, withRequestId(this.#decoded?.id ?? "", cause));
  }

  /** Only decoupled models end without a response, and those are refused here. */
  onEnd(): void {
    this.onFailure(noResponse);
  }

  /** The request has ended: nobody reads its inputs any more. */
  #recycleBody(): void {
    if (this.#body === null) return;
    bodyPool.give(this.#body);
    this.#body = null;
  }

  #findModel(): ServedModel | Failure {
    const model = this.#context.server.findModel(this.#route.modelName, this.#route.modelVersion);
    return !isFailure(model) && model.isDecoupled ? decoupled : model;
  }

  #decompress(compression: Compression, body: Uint8Array): void {
    this.#exchange.cancelWhenAborted(this);
    decompress(compression, body, this.#context.limits.maxInputBytes, (result) => {
      if (this.#isCancelled) return;
      if (isFailure(result)) return replyFailure(this.#exchange, result);
      // Again: that took a while.
      const model = this.#findModel();
      if (isFailure(model)) replyFailure(this.#exchange, model);
      else this.#serve(model, result);
    });
  }

  /** @param body - Not compressed. */
  #serve(model: ServedModel, body: Uint8Array): void {
    const { headerBytes } = this.#headers;
    if (typeof headerBytes !== "number") return replyFailure(this.#exchange, headerBytes);
    if (isLargeJson(headerBytes === allJson ? body.byteLength : headerBytes)) {
      return this.#decodeElsewhere(body, headerBytes);
    }
    try {
      this.#infer(model, this.#decode(model, body, headerBytes));
    } catch (thrown) {
      this.#replyThrown(thrown);
    }
  }

  #decodeElsewhere(body: Uint8Array, headerBytes: number): void {
    const { codecThread, limits } = this.#context;
    const question = { body, headerBytes, maxInputBytes: limits.maxInputBytes };
    this.#exchange.cancelWhenAborted(this);
    if (this.#isCancelled) return;
    this.#codecCall = codecThread.run("decode-infer-request", question, buffersOf([body]), (parts) => {
      this.#codecCall = null;
      if (isFailure(parts)) return replyFailure(this.#exchange, parts);
      // Again: that took a while.
      const model = this.#findModel();
      if (isFailure(model)) return replyFailure(this.#exchange, model);
      try {
        this.#infer(model, joinRequest(parts));
      } catch (thrown) {
        this.#replyThrown(thrown);
      }
    });
  }

  #encodeElsewhere(response: InferenceResponse, encodings: OutputEncodings): void {
    // Not the request any more, which is done.
    this.#exchange.cancelWhenAborted(this);
    if (this.#isCancelled) return;
    const question = copyResponse(response, encodings);
    const transfer = buffersOf([question.data]);
    const { codecThread } = this.#context;
    this.#codecCall = codecThread.run("encode-infer-response", question, transfer, (encoded) => {
      this.#codecCall = null;
      if (isFailure(encoded)) return replyFailure(this.#exchange, encoded);
      const { responseCompression } = this.#headers;
      if (responseCompression === null) this.#reply(encoded);
      else this.#replyCompressed(responseCompression, encoded);
    });
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
      parameters: withForwardedHeaders(decoded.parameters, this.#headers.forwarded),
      priority: decoded.priority,
      timeoutUs: decoded.timeoutUs,
      correlationId: decoded.correlationId,
      isSequenceStart: decoded.isSequenceStart,
      isSequenceEnd: decoded.isSequenceEnd,
      sink: this,
    });
    request.classifications = decoded.classifications;
    const { arrival } = this.#headers;
    if (arrival !== null) this.#sample(model, request, arrival);
    const { sharedMemory } = decoded;
    if (sharedMemory !== null) {
      const problem = this.#context.server.sharedMemory.attach(request, sharedMemory);
      if (problem !== null) return this.onFailure(problem);
    }
    const refusal = model.infer(request);
    // By way of the request: its shared memory is held until it ends.
    if (refusal !== null) request.sink.onFailure(refusal, true);
    else this.#exchange.cancelWhenAborted(request);
  }

  #sample(model: ServedModel, request: InferenceRequest, arrival: RequestArrival): void {
    const { name: modelName, version: modelVersion } = model;
    const subject = { modelName, modelVersion, requestId: request.id };
    const sampled = this.#context.server.tracer.sample(subject, arrival);
    if (sampled === null) return;
    request.trace = sampled.trace;
    this.#exchange = new TracedExchange(this.#exchange, sampled);
  }

  #reply({ headerBytes, body }: EncodedInferResponse): void {
    if (headerBytes === 0) this.#exchange.reply("", "application/json", body);
    else this.#exchange.replyBinaryTensors(headerBytes, body);
  }

  /** Writes the tensors from the response's memory, which is given back when they are written. */
  #replyFromPlace(response: InferenceResponse, { body, tail }: EncodedInferResponse): void {
    response.retain();
    this.#exchange.replyLargeTensors(body, tail, () => response.release());
  }

  /** @param encoded - Its body is this call's own. */
  #replyCompressed(compression: Compression, encoded: EncodedInferResponse): void {
    const { headerBytes, body } = encoded;
    compress(compression, body, (compressed) => {
      if (compressed === null) return this.#reply(encoded);
      const headers: ReplyHeaders =
        headerBytes === 0
          ? [["Content-Type", "application/json"]]
          : [
              ["Content-Type", "application/octet-stream"],
              // Of the JSON as it was before.
              ["Inference-Header-Content-Length", String(headerBytes)],
            ];
      this.#exchange.replyWithHeaders("", [...headers, ["Content-Encoding", compression]], compressed);
    });
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
