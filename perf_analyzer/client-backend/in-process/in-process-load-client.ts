import {
  InferenceRequest,
  type InferenceResponse,
  type InferenceServer,
  isFailure,
  type Failure,
  type ResponseSink,
  Tensor,
} from "../../../server/index.ts";
import { monotonicNowUs } from "../../clock.ts";
import type { RequestInput } from "../../infer-data/request-input.ts";
import type { DecodedResponse, Exchange, LoadClient } from "../exchange.ts";

/** What the embedded server is sent. Can be sent to a thread. */
export interface InProcessLoadPlan {
  readonly protocol: "in process";
  readonly modelName: string;
  /** "" for the server's choice. */
  readonly modelVersion: string;
  readonly requests: readonly (readonly RequestInput[])[];
  readonly outputNames: readonly string[];
  /** 1: there is no shared memory. */
  readonly laneCount: number;
  readonly keepsBodies: boolean;
}

/** Calls the embedded server, in whose thread it is. */
export class InProcessLoadClient implements LoadClient {
  readonly #server: InferenceServer;
  readonly #plan: InProcessLoadPlan;
  readonly #tensors: readonly (readonly Tensor[])[];
  /** Of exchanges whose outputs have not been read. */
  readonly #responses = new WeakMap<Exchange, DecodedResponse[]>();

  constructor(server: InferenceServer, plan: InProcessLoadPlan) {
    this.#server = server;
    this.#plan = plan;
    this.#tensors = plan.requests.map((inputs) =>
      inputs.map(({ name, datatype, shape, data }) => new Tensor(name, datatype, shape, data)),
    );
  }

  open(): Promise<void> {
    return Promise.resolve();
  }

  send(exchange: Exchange, done: (exchange: Exchange) => void): void {
    const tensors = this.#tensors[exchange.contentIndex];
    if (tensors === undefined) throw new Error("No such request. This is a bug.");
    exchange.sendStartUs = monotonicNowUs();
    const { modelName, modelVersion, outputNames, keepsBodies } = this.#plan;
    const model = this.#server.findModel(modelName, modelVersion);
    const sink = new ExchangeSink(exchange, done, keepsBodies ? this.#responses : null);
    const refusal = isFailure(model)
      ? model
      : model.infer(
          new InferenceRequest({
            id: "",
            inputs: [...tensors],
            requestedOutputs: outputNames,
            parameters: null,
            priority: 0,
            timeoutUs: 0,
            correlationId: exchange.sequence?.id ?? 0,
            isSequenceStart: exchange.sequence?.isStart ?? false,
            isSequenceEnd: exchange.sequence?.isEnd ?? false,
            sink,
          }),
        );
    exchange.sendEndUs = monotonicNowUs();
    // "Later" also when the answer is known at once.
    if (refusal !== null) setImmediate(() => sink.onFailure(refusal, true));
  }

  decodeResponses(exchange: Exchange): readonly DecodedResponse[] {
    return this.#responses.get(exchange) ?? [];
  }

  close(): void {
    // The server belongs to the thread.
  }
}

/** Notes in an exchange what the server answered. */
class ExchangeSink implements ResponseSink {
  readonly #exchange: Exchange;
  readonly #done: (exchange: Exchange) => void;
  readonly #responses: WeakMap<Exchange, DecodedResponse[]> | null;

  constructor(
    exchange: Exchange,
    done: (exchange: Exchange) => void,
    responses: WeakMap<Exchange, DecodedResponse[]> | null,
  ) {
    this.#exchange = exchange;
    this.#done = done;
    this.#responses = responses;
  }

  onResponse(response: InferenceResponse, isFinal: boolean): void {
    const exchange = this.#exchange;
    const nowUs = monotonicNowUs();
    if (exchange.responseCount++ === 0) {
      exchange.receiveStartUs = nowUs;
      exchange.firstResponseUs = nowUs;
    }
    exchange.endUs = nowUs;
    this.#keep(response, nowUs);
    if (isFinal) this.#finish();
  }

  onFailure({ code, message }: Failure, isFinal: boolean): void {
    this.#exchange.error ??= `${code}: ${message}`;
    if (isFinal) this.#finish();
  }

  onEnd(): void {
    this.#finish();
  }

  #keep(response: InferenceResponse, atUs: number): void {
    if (this.#responses === null) return;
    const outputs = response.outputs.map(({ name, datatype, shape, data }) => ({
      name,
      datatype,
      shape,
      data: new Uint8Array(data),
    }));
    const kept = this.#responses.get(this.#exchange) ?? [];
    kept.push({ atUs, outputs });
    this.#responses.set(this.#exchange, kept);
  }

  #finish(): void {
    const exchange = this.#exchange;
    // What ends a decoupled model's request without data is no response.
    if (exchange.endUs === 0) exchange.endUs = monotonicNowUs();
    if (exchange.receiveStartUs === 0) exchange.receiveStartUs = exchange.endUs;
    this.#done(exchange);
  }
}
