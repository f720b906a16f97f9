import { InferenceRequest } from "../../core/inference-request.ts";
import { type Failure, failure } from "../../core/status.ts";
import { type DataPlane, isFailure } from "../../data-plane.ts";
import type { ServedModel } from "../../model/served-model.ts";
import type { RequestArrival } from "../../tracing/sampled-request.ts";
import { TracedSink } from "../../tracing/traced-sink.ts";
import { decodeGenerateRequest } from "../codec/generate-request-decoder.ts";
import { replyFailure } from "../json-reply.ts";
import type { Route } from "../router.ts";
import type { BodyLimit, HttpExchange } from "../transport/http-exchange.ts";
import { GenerateContext, type GenerateSink } from "./generate-context.ts";
import { GenerateEventStream } from "./generate-event-stream.ts";
import { GenerateReply } from "./generate-reply.ts";
import type { InferLimits } from "./infer.ts";

/** `POST /v2/models/M[/versions/V]/generate` and `…/generate_stream` */
export class GenerateEndpoint {
  readonly #server: DataPlane;
  readonly #maxInputBytes: number;
  readonly #context: GenerateContext;

  constructor(server: DataPlane, limits: InferLimits) {
    this.#server = server;
    this.#maxInputBytes = limits.maxInputBytes;
    this.#context = new GenerateContext(limits.onBug);
  }

  /** Answers with one JSON object. */
  generate(route: Route, exchange: HttpExchange): void {
    this.#handle(route, exchange, new GenerateReply(exchange, this.#context));
  }

  /** Answers with a server-sent event for each response. */
  generateStream(route: Route, exchange: HttpExchange): void {
    this.#handle(route, exchange, new GenerateEventStream(exchange, this.#context));
  }

  #handle(route: Route, exchange: HttpExchange, sink: GenerateSink): void {
    const { tracer } = this.#server;
    const arrival = tracer.isActive ? tracer.arrive("http", (name) => exchange.header(name)) : null;
    const refusal = checkContentEncoding(exchange.header("content-encoding"));
    exchange.readBody(this.#maxInputBytes, {
      onBody: (body) => {
        // A request that is refused is read as well: a reply before its end would cost the client its connection.
        if (refusal !== null) replyFailure(exchange, refusal);
        else this.#infer(route, exchange, body, { sink, arrival });
      },
      onTooLarge: (exceeded) => replyFailure(exchange, this.#tooLarge(exceeded)),
    });
  }

  #infer(
    route: Route,
    exchange: HttpExchange,
    body: Uint8Array,
    { sink, arrival }: { readonly sink: GenerateSink; readonly arrival: RequestArrival | null },
  ): void {
    const model = this.#server.findModel(route.modelName, route.modelVersion);
    if (isFailure(model)) return replyFailure(exchange, model);
    try {
      const { id, inputs, parameters } = decodeGenerateRequest(body, model, this.#maxInputBytes);
      const request = new InferenceRequest({
        id,
        inputs,
        requestedOutputs: [],
        parameters,
        priority: 0,
        timeoutUs: 0,
        correlationId: 0,
        isSequenceStart: false,
        isSequenceEnd: false,
        sink,
      });
      sink.begin(request);
      if (arrival !== null) this.#sample(model, request, arrival);
      const refusal = model.infer(request);
      // By way of the request: it may be traced.
      if (refusal !== null) request.sink.onFailure(refusal, true);
      else exchange.cancelWhenAborted(request);
    } catch (thrown) {
      replyFailure(exchange, this.#context.failureOf(thrown));
    }
  }

  #sample(model: ServedModel, request: InferenceRequest, arrival: RequestArrival): void {
    const { name: modelName, version: modelVersion } = model;
    const sampled = this.#server.tracer.sample({ modelName, modelVersion, requestId: request.id }, arrival);
    if (sampled !== null) TracedSink.attach(request, sampled);
  }

  #tooLarge(exceeded: BodyLimit): Failure {
    const limit =
      exceeded === "bytes"
        ? `${this.#maxInputBytes} bytes: raise --http-max-input-size to allow it`
        : "65536 chunks: send larger ones, or announce the length";
    return failure("INVALID_ARG", `request body exceeds the maximum allowed input size of ${limit}`);
  }
}

/** Compression pays for large tensors, and those are what infer is for. */
function checkContentEncoding(encoding: string): Failure | null {
  if (encoding === "" || encoding === "identity") return null;
  return failure(
    "INVALID_ARG",
    `Content-Encoding '${encoding}' is not supported by generate: send the body as it is`,
  );
}
