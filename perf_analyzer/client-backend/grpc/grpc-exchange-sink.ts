import { monotonicNowUs } from "../../clock.ts";
import type { Exchange } from "../exchange.ts";
import type { H2StreamSink } from "../h2/h2-stream.ts";
import { describeGrpcStatus } from "./grpc-call-status.ts";
import { unframeMessage } from "./grpc-frame.ts";
import type { GrpcResponseHeadReader } from "./grpc-response-head.ts";

/** Follows a unary call to its end, and notes in its exchange what became of it. */
export class GrpcExchangeSink implements H2StreamSink {
  readonly #exchange: Exchange;
  readonly #done: (exchange: Exchange) => void;
  readonly #heads: GrpcResponseHeadReader;
  readonly #keepsMessage: boolean;
  #parts: Buffer[] | null = null;
  #status: number | null = null;
  #errorMessage = "the stream ended without a gRPC status";
  #encoding = "identity";

  constructor(
    exchange: Exchange,
    done: (exchange: Exchange) => void,
    heads: GrpcResponseHeadReader,
    keepsMessage: boolean,
  ) {
    this.#exchange = exchange;
    this.#done = done;
    this.#heads = heads;
    this.#keepsMessage = keepsMessage;
  }

  onSent(nowUs: number): void {
    this.#exchange.sendEndUs = nowUs;
  }

  onHeaders(block: Buffer): void {
    this.#begin();
    const { httpStatus, status, errorMessage, encoding } = this.#heads.read(block);
    if (encoding !== null) this.#encoding = encoding;
    if (httpStatus !== null && httpStatus !== "200") {
      this.#errorMessage = `HTTP status ${httpStatus}: is this the gRPC port?`;
    }
    if (status !== null) {
      this.#status = status;
      this.#errorMessage = errorMessage;
    }
  }

  onData(bytes: Buffer): void {
    this.#begin();
    if (!this.#keepsMessage) return;
    this.#parts ??= [];
    this.#parts.push(Buffer.from(bytes));
  }

  onEnd(): void {
    const exchange = this.#exchange;
    if (this.#status === 0) {
      if (this.#keepsMessage) this.#readMessage();
    } else {
      exchange.error = describeGrpcStatus(this.#status, this.#errorMessage);
    }
    this.#finish();
  }

  onFailure(reason: string): void {
    this.#exchange.error = reason;
    this.#finish();
  }

  #begin(): void {
    if (this.#exchange.receiveStartUs === 0) this.#exchange.receiveStartUs = monotonicNowUs();
  }

  #readMessage(): void {
    try {
      this.#exchange.body = unframeMessage(Buffer.concat(this.#parts ?? []), this.#encoding);
    } catch (thrown) {
      this.#exchange.error = thrown instanceof Error ? thrown.message : String(thrown);
    }
  }

  #finish(): void {
    const exchange = this.#exchange;
    exchange.endUs = monotonicNowUs();
    exchange.firstResponseUs = exchange.endUs;
    exchange.responseCount = 1;
    if (exchange.receiveStartUs === 0) exchange.receiveStartUs = exchange.endUs;
    if (exchange.sendEndUs === 0) exchange.sendEndUs = exchange.receiveStartUs;
    this.#done(exchange);
  }
}
