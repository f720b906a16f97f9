import type { LoadClient } from "./exchange.ts";
import { GrpcLoadClient, type GrpcLoadPlan } from "./grpc/grpc-load-client.ts";
import { HttpBodyClient, type HttpBodyPlan } from "./http/http-body-client.ts";
import { HttpLoadClient, type HttpLoadPlan } from "./http/http-load-client.ts";
import type { InProcessLoadPlan } from "./in-process/in-process-load-client.ts";
import { OpenaiLoadClient, type OpenaiLoadPlan } from "./openai/openai-load-client.ts";

/** What a thread needs to send requests. Can be sent to a thread. */
export type ClientPlan = HttpLoadPlan | GrpcLoadPlan | HttpBodyPlan | OpenaiLoadPlan | InProcessLoadPlan;

/** The client for a plan. */
export function loadClientOf(plan: ClientPlan): LoadClient {
  switch (plan.protocol) {
    case "http":
      return new HttpLoadClient(plan);
    case "grpc":
      return new GrpcLoadClient(plan);
    case "http body":
      return new HttpBodyClient(plan);
    case "openai":
      return new OpenaiLoadClient(plan);
    case "in process":
      throw new Error("The embedded server has a thread of its own. This is a bug.");
  }
}
