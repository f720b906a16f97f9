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
import type { Exchange, LoadClient, OutputTensor } from "../exchange.ts";

/** What the embedded server is sent. Can be sent to a thread. */
export interface InProcessLoadPlan {
  readonly protocol: "in process";
  readonly modelName: string;
  /** "" for the server's choice. */
  readonly modelVersion: string;
  readonly requests: readonly (readonly RequestInput[])[];
  readonly outputNames: readonly string[];
  readonly keepsBodies: boolean;
}

/** Calls the embedded server, in whose thread it is. */
export class InProcessLoadClient implements LoadClient {
  readonly #server: InferenceServer;
  readonly #plan: InProcessLoadPlan;
  readonly #tensors: readonly (readonly Tensor[])[];
  /** Of exchanges whose outputs have not been read. */
  readonly #outputs = new WeakMap<Exchange, readonly OutputTensor[]>();

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
    const tensors = this.#tensors[exchange.templateIndex];
    if (tensors === undefined) throw new Error("No such request. This is a bug.");
    exchange.sendStartUs = monotonicNowUs();
    const { modelName, modelVersion, outputNames, keepsBodies } = this.#plan;
    const model = this.#server.findModel(modelName, modelVersion);
    const sink = new ExchangeSink(exchange, done, keepsBodies ? this.#outputs : null);
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
    if (refusal !== null) setImmediate(() => sink.onFailure(refusal));
  }

  decodeOutputs(exchange: Exchange): readonly OutputTensor[] {
    return this.#outputs.get(exchange) ?? [];
  }

  close(): void {
    // The server belongs to the thread.
  }
}

/** Notes in an exchange what the server answered. */
class ExchangeSink implements ResponseSink {
  readonly #exchange: Exchange;
  readonly #done: (exchange: Exchange) => void;
  readonly #outputs: WeakMap<Exchange, readonly OutputTensor[]> | null;

  constructor(
    exchange: Exchange,
    done: (exchange: Exchange) => void,
    outputs: WeakMap<Exchange, readonly OutputTensor[]> | null,
  ) {
    this.#exchange = exchange;
    this.#done = done;
    this.#outputs = outputs;
  }

  onResponse(response: InferenceResponse): void {
    this.#exchange.receiveStartUs = monotonicNowUs();
    this.#outputs?.set(
      this.#exchange,
      response.outputs.map(({ name, datatype, shape, data }) => ({
        name,
        datatype,
        shape,
        data: new Uint8Array(data),
      })),
    );
    this.#finish(null);
  }

  onFailure({ code, message }: Failure): void {
    this.#finish(`${code}: ${message}`);
  }

  onEnd(): void {
    this.#finish("the model gave no response");
  }

  #finish(error: string | null): void {
    const exchange = this.#exchange;
    exchange.error = error;
    exchange.endUs = monotonicNowUs();
    if (exchange.receiveStartUs === 0) exchange.receiveStartUs = exchange.endUs;
    this.#done(exchange);
  }
}
