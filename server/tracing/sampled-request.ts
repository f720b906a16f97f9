import type { Clock } from "../core/clock.ts";
import type { InferenceTrace, TraceTimestamp } from "./inference-trace.ts";
import type { RemoteParent } from "./remote-parent.ts";
import type { TraceSetting } from "./trace-setting.ts";

/** What each protocol calls the points at which it has begun and ended to read a request and to write a reply. */
const pointNames = {
  http: ["HTTP_RECV_START", "HTTP_RECV_END", "HTTP_SEND_START", "HTTP_SEND_END"],
  grpc: ["GRPC_WAITREAD_START", "GRPC_WAITREAD_END", "GRPC_SEND_START", "GRPC_SEND_END"],
} as const;
export type TracedProtocol = keyof typeof pointNames;

/** A request that has begun to arrive, while it is not known yet whether it is sampled. */
export class RequestArrival {
  readonly protocol: TracedProtocol;
  readonly parent: RemoteParent | null;
  readonly startUs: number;
  endUs = 0;
  readonly #clock: Clock;

  constructor(protocol: TracedProtocol, parent: RemoteParent | null, clock: Clock) {
    this.protocol = protocol;
    this.parent = parent;
    this.startUs = clock.nowUs();
    this.#clock = clock;
  }

  /** The request has been read. Calling it again changes nothing. */
  markRead(): void {
    if (this.endUs === 0) this.endUs = this.#clock.nowUs();
  }
}

/** Where traces go when they are complete. */
export interface TraceSink {
  /** Takes a trace over. Must not block: whoever calls it is answering a request. */
  submit(sampled: SampledRequest): void;
  /** Writes what it still has. @returns Never rejects. */
  close(): Promise<void>;
}

/** A request that is traced, with what only its front end sees of it. It ends once, with its reply or without. */
export class SampledRequest {
  readonly setting: TraceSetting;
  readonly trace: InferenceTrace;
  readonly arrival: RequestArrival;
  readonly #clock: Clock;
  readonly #sink: TraceSink;
  #sendStartUs = 0;
  #sendEndUs = 0;
  #hasEnded = false;

  constructor(parts: {
    readonly setting: TraceSetting;
    readonly trace: InferenceTrace;
    readonly arrival: RequestArrival;
    readonly clock: Clock;
    readonly sink: TraceSink;
  }) {
    this.setting = parts.setting;
    this.trace = parts.trace;
    this.arrival = parts.arrival;
    this.#clock = parts.clock;
    this.#sink = parts.sink;
  }

  /** The reply is about to be written. */
  beginSending(): void {
    this.#sendStartUs = this.#clock.nowUs();
  }

  /** The reply has been handed to the connection, which {@link end}s the trace. */
  endSending(): void {
    this.#sendEndUs = this.#clock.nowUs();
    this.end();
  }

  /** Nothing more will happen to the request: the trace is complete. Calling it again does nothing. */
  end(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#sink.submit(this);
  }

  /** When it all ended: the reply was sent, or the request was read if there was nobody to send it to. */
  get endUs(): number {
    return this.transportTimestamps.at(-1)?.timeUs ?? this.arrival.startUs;
  }

  /** The points of the protocol that were reached. */
  get transportTimestamps(): TraceTimestamp[] {
    const { protocol, startUs, endUs } = this.arrival;
    const timesUs = [startUs, endUs, this.#sendStartUs, this.#sendEndUs];
    return pointNames[protocol]
      .map((name, index) => ({ name, timeUs: timesUs[index] ?? 0 }))
      .filter(({ timeUs }) => timeUs !== 0);
  }
}
