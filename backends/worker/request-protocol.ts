import type { CorrelationId, ParameterValue } from "../../server/core/inference-request.ts";
import type { BatchTimes } from "../../server/core/batch-times.ts";
import type { ResponseTimes } from "../../server/core/response-times.ts";
import type { Failure } from "../../server/core/status.ts";
import type { ModelConfig } from "../../server/model-config/model-config.ts";
import type { BatchSpec, ModelSignature } from "../backend.ts";
import type { LogSeverity } from "../server-access.ts";
import type { PackedTensor } from "./tensor-packer.ts";

/**
 * The messages between the main thread and the worker of an instance that takes requests one by one. Tensors lie in
 * buffers beside the message, moved by transfer; see tensor-packer.ts.
 */

/** A request on its way to the worker. */
export interface RequestMessage {
  /** Names the request in all further messages. */
  readonly key: number;
  readonly id: string;
  /** Wire shapes, in the config's order. */
  readonly inputs: readonly PackedTensor[];
  readonly requestedOutputs: readonly string[];
  readonly parameters: ReadonlyMap<string, ParameterValue> | null;
  readonly batchSize: number;
  readonly priority: number;
  readonly timeoutUs: number;
  readonly correlationId: CorrelationId;
  readonly isSequenceStart: boolean;
  readonly isSequenceEnd: boolean;
  /** Answers that may be on their way at once; 0 only while those of an earlier run still are. */
  readonly window: number;
}

/** One answer to a request on its way back. */
export interface AnswerMessage {
  readonly key: number;
  readonly content:
    | {
        readonly kind: "response";
        /** Wire shapes. */
        readonly outputs: readonly PackedTensor[];
        readonly parameters: ReadonlyMap<string, ParameterValue> | null;
      }
    | { readonly kind: "failure"; readonly failure: Failure }
    | { readonly kind: "end" }
    /** Nothing follows in this run, and another run is wanted. */
    | { readonly kind: "reschedule" };
  readonly isFinal: boolean;
  /** Of the request's batch. */
  readonly computeStartUs: number;
  readonly computeInputEndUs: number;
  readonly times: ResponseTimes;
}

/** The execution of a batch ended. */
export interface ExecutedMessage extends BatchTimes {
  readonly rows: number;
  readonly hasSucceeded: boolean;
}

/** A request of the model to another model. */
export interface CallMessage {
  readonly kind: "call";
  /** Names the call in all further messages. */
  readonly call: number;
  readonly modelName: string;
  readonly modelVersion: string;
  readonly id: string;
  readonly inputs: readonly PackedTensor[];
  readonly requestedOutputs: readonly string[];
  readonly parameters: ReadonlyMap<string, ParameterValue> | null;
  readonly priority: number;
  readonly timeoutUs: number;
  readonly correlationId: CorrelationId;
  readonly isSequenceStart: boolean;
  readonly isSequenceEnd: boolean;
  readonly isDecoupled: boolean;
  readonly buffers: readonly ArrayBuffer[];
}

/** What a call gave. */
export interface CallAnswerMessage {
  readonly kind: "call-answer";
  readonly call: number;
  readonly content:
    | {
        readonly kind: "response";
        readonly modelName: string;
        readonly modelVersion: string;
        readonly outputs: readonly PackedTensor[];
        readonly parameters: ReadonlyMap<string, ParameterValue> | null;
        readonly buffers: readonly ArrayBuffer[];
      }
    | { readonly kind: "failure"; readonly failure: Failure }
    | { readonly kind: "end" };
  readonly isFinal: boolean;
}

/** A batch for the worker. */
export interface ExecuteMessage {
  readonly kind: "execute";
  readonly requests: readonly RequestMessage[];
  readonly buffers: readonly ArrayBuffer[];
}

/** Main thread → worker. */
export type ToRequestWorker =
  | { readonly kind: "bind"; readonly spec: BatchSpec; readonly config: ModelConfig }
  | ExecuteMessage
  | { readonly kind: "cancel"; readonly key: number }
  /** `count` answers have left the server. */
  | { readonly kind: "written"; readonly key: number; readonly count: number }
  | CallAnswerMessage
  /** Ends when all requests are answered; when urgent, they have been failed and count as cancelled. */
  | { readonly kind: "finalize"; readonly isUrgent: boolean };

/** Worker → main thread. */
export type FromRequestWorker =
  | {
      readonly kind: "loaded";
      readonly signature: ModelSignature | null;
      readonly completion: object | null;
    }
  | { readonly kind: "load-failed"; readonly failure: Failure }
  | { readonly kind: "bound" }
  | { readonly kind: "bind-failed"; readonly failure: Failure }
  | {
      readonly kind: "answers";
      readonly answers: readonly AnswerMessage[];
      readonly buffers: readonly ArrayBuffer[];
      /** The execution that ended with these answers, or `null`. */
      readonly executed: ExecutedMessage | null;
    }
  | CallMessage
  | { readonly kind: "call-cancel"; readonly call: number }
  | { readonly kind: "call-taken"; readonly call: number }
  | { readonly kind: "log"; readonly severity: LogSeverity; readonly message: string }
  /** All requests are answered; the model is being released. */
  | { readonly kind: "finalizing" };
