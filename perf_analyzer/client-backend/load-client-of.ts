import type { LoadClient } from "./exchange.ts";
import { GrpcLoadClient, type GrpcLoadPlan } from "./grpc/grpc-load-client.ts";
import { GrpcStreamLoadClient } from "./grpc/grpc-stream-load-client.ts";
import type { SharedOutputReader } from "../shared-memory/shared-output-reader.ts";
import { HttpBodyClient, type HttpBodyPlan } from "./http/http-body-client.ts";
import { HttpLoadClient, type HttpLoadPlan } from "./http/http-load-client.ts";
import type { InProcessLoadPlan } from "./in-process/in-process-load-client.ts";
import { OpenaiLoadClient, type OpenaiLoadPlan } from "./openai/openai-load-client.ts";

/** What a thread needs to send requests. Can be sent to a thread. */
export type ClientPlan = HttpLoadPlan | GrpcLoadPlan | HttpBodyPlan | OpenaiLoadPlan | InProcessLoadPlan;

/**
 * The client for a plan.
 *
 * @param sharedOutputs - Where outputs are, other than in the responses; `null`: nowhere.
 */
export function loadClientOf(plan: ClientPlan, sharedOutputs: SharedOutputReader | null): LoadClient {
  switch (plan.protocol) {
    case "http":
      return new HttpLoadClient(plan, sharedOutputs);
    case "grpc":
      return plan.isStreaming
        ? new GrpcStreamLoadClient(plan, sharedOutputs)
        : new GrpcLoadClient(plan, sharedOutputs);
    case "http body":
      return new HttpBodyClient(plan);
    case "openai":
      return new OpenaiLoadClient(plan);
    case "in process":
      throw new Error("The embedded server has a thread of its own. This is a bug.");
  }
}
