import type { Status } from "../core/status.ts";

/** What runs a model, as {@link Model} sees it: {@link ModelInstancePool}, or {@link noInstances} for an ensemble. */
export interface ModelInstances {
  /** Instances that are alive. */
  readonly instanceCount: number;
  /** Why nothing can run any more; `null` while all is well. */
  brokenReason(): Status;
  /** Lets what runs end and releases everything. */
  finalize(): Promise<void>;
  /** Ends everything at once; what runs fails. */
  terminate(): Promise<void>;
}

/** An ensemble runs in the instances of its models. */
export const noInstances: ModelInstances = {
  instanceCount: 0,
  brokenReason: () => null,
  finalize: () => Promise.resolve(),
  terminate: () => Promise.resolve(),
};
