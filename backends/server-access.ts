import type { CorrelationId, InferenceRequest, ParameterValue } from "../server/core/inference-request.ts";
import type { Failure } from "../server/core/status.ts";
import type { RequestInput, RequestOutput } from "./request-execution.ts";

/** What an instance in its worker may ask of the server. */
export interface ServerAccess {
  log(severity: LogSeverity, message: string): void;
  /** Sends a request to a model of this server. What comes back goes to `receiver`, never before this returned. */
  call(call: ModelCall, receiver: CallReceiver): OpenCall;
}

/** How much a line of a model's log matters. */
export type LogSeverity = "info" | "warning" | "error" | "verbose";

/** A request of a model to a model. */
export interface ModelCall {
  readonly modelName: string;
  /** Decimal number, or "" for the highest version that is ready. */
  readonly modelVersion: string;
  readonly id: string;
  /** Wire shapes, with the batch dimension when that model batches. */
  readonly inputs: readonly RequestOutput[];
  /** Empty: all. */
  readonly requestedOutputs: readonly string[];
  readonly parameters: ReadonlyMap<string, ParameterValue> | null;
  readonly priority: number;
  readonly timeoutUs: number;
  readonly correlationId: CorrelationId;
  readonly isSequenceStart: boolean;
  readonly isSequenceEnd: boolean;
  /** The caller can take several responses; without, a decoupled model is refused. */
  readonly isDecoupled: boolean;
}

/** A response to a {@link ModelCall}. */
export interface CallResponse {
  readonly modelName: string;
  readonly modelVersion: string;
  readonly outputs: readonly RequestInput[];
  readonly parameters: ReadonlyMap<string, ParameterValue>;
}

/** Receives what a {@link ModelCall} gives: like a ResponseSink, in the worker. */
export interface CallReceiver {
  onResponse(response: CallResponse, isFinal: boolean): void;
  onFailure(failure: Failure, isFinal: boolean): void;
  onEnd(): void;
}

/** A {@link ModelCall} under way. */
export interface OpenCall {
  /** Its outcome is of no use any more: nothing reaches the receiver from now on. */
  cancel(): void;
  /** A response has been used up: one more may come. */
  responseTaken(): void;
}

/** The server, as the main thread's end of an instance needs it. */
export interface InstanceServer {
  /**
   * Hands a request of an instance to the model that it names.
   *
   * @param isDecoupled - The sink can take several responses; without, a decoupled model is refused.
   * @returns `null` when the sink will be called, else the refusal.
   */
  callModel(
    modelName: string,
    modelVersion: string,
    request: InferenceRequest,
    isDecoupled: boolean,
  ): Failure | null;
  log(severity: LogSeverity, instanceName: string, message: string): void;
}
