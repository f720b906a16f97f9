import type { ClientPlan } from "../client-backend/load-client-of.ts";
import type { ModelDescription } from "../client-backend/model-description.ts";
import type { ServerClient } from "../client-backend/server-client.ts";
import type { InferData } from "../infer-data/infer-data.ts";
import type { RequestPlan } from "../infer-data/request-plan.ts";
import type { LoadPlan } from "../load-manager/load-plan.ts";
import type { LoadThread } from "../load-manager/load-thread.ts";
import type { SharedLayout } from "../shared-memory/shared-layout.ts";

/** A server under load: what it is asked before and beside the load, and what its requests look like. */
export interface Service {
  /** Closed by the owner of the service, when the threads have ended. */
  readonly client: ServerClient;
  /** Where it is, for reports. */
  readonly endpoint: string;
  /** Threads that can make its load; `null` for any number. */
  readonly maxThreadCount: number | null;
  /** The data of a run. @throws PerfError when it cannot be read or does not fit. */
  loadData(model: ModelDescription): InferData;
  /**
   * Encodes all requests of a run.
   *
   * @param keepsBodies - Whether responses will be read.
   * @param shared - Where tensors lie; `null`: in the requests and responses. Kinds without shared memory get `null`.
   * @throws PerfError for tensors that the protocol cannot carry.
   */
  clientPlan(
    model: ModelDescription,
    requests: RequestPlan,
    keepsBodies: boolean,
    shared: SharedLayout | null,
  ): ClientPlan;
  /** Starts a thread that makes load. */
  startThread(plan: LoadPlan): LoadThread;
}
