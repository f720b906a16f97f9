import type { ClientPlan } from "../client-backend/load-client-of.ts";
import type { ExpectedOutput } from "../infer-data/request-plan.ts";
import type { SharedRegion, TensorPlace } from "../shared-memory/shared-layout.ts";
import type { LoadRun } from "./load-level.ts";
import type { SequencePlan } from "./request-source.ts";

/** Outputs in shared memory. */
export interface SharedOutputPlan {
  readonly region: SharedRegion;
  /** In the order of each lane's places. */
  readonly outputNames: readonly string[];
  readonly lanes: readonly (readonly TensorPlace[])[];
}

/** All that a thread needs to make load: what `workerData` holds. */
export interface LoadPlan {
  readonly client: ClientPlan;
  readonly streams: readonly (readonly number[])[];
  readonly sequences: SequencePlan | null;
  /** By content; `null` where nobody said what is right. */
  readonly expected: readonly (readonly ExpectedOutput[] | null)[];
  /** `null`: outputs are in the responses. Else where to read them. */
  readonly sharedOutputs: SharedOutputPlan | null;
  /** Whether responses are handed to the main thread with the records. */
  readonly exportsOutputs: boolean;
}

/** To a thread. */
export type LoadCommand =
  | {
      /** Opens connections: schedules must not begin before. */
      readonly kind: "prepare";
      readonly run: LoadRun;
      readonly share: { readonly index: number; readonly count: number };
      /** Outstanding requests of this thread; `null` for no bound. */
      readonly maxOutstanding: number | null;
      /** Whether a slot waits for its response under a request rate. */
      readonly isSerial: boolean;
    }
  | { readonly kind: "start"; readonly startUs: number }
  | { readonly kind: "collect" }
  | { readonly kind: "stop" };

/** An output of a response, for the profile export. */
export interface ExportedOutput {
  readonly name: string;
  readonly datatype: string;
  readonly data: Uint8Array;
}

/** A response, for the profile export. */
export interface ExportedResponse {
  readonly atUs: number;
  readonly outputs: readonly ExportedOutput[];
}

/** What a thread did since the last answer. */
export interface LoadAnswer {
  readonly rows: Float64Array<ArrayBuffer>;
  /** As many as rows, when they are exported; else empty. */
  readonly responses: readonly (readonly ExportedResponse[])[];
  /** How long the thread had nothing to do. */
  readonly idleUs: number;
  readonly sentCount: number;
  /** Requests sent later than they should have been, by more than a timer's precision. */
  readonly lateCount: number;
  /** The sum of how late requests were sent. */
  readonly lagUs: number;
  readonly failedCount: number;
  /** The first failure of the level; `null` when there is none. */
  readonly failure: string | null;
  /** Whether it has sent all its requests and got all responses. */
  readonly isFinished: boolean;
}
