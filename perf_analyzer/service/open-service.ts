import type { AnalyzerOptions } from "../options/analyzer-options.ts";
import { openaiService } from "./openai-service.ts";
import type { Service } from "./service.ts";
import { tfservingService } from "./tfserving-service.ts";
import { torchserveService } from "./torchserve-service.ts";
import { tritonService } from "./triton-service.ts";

/** The server that the options mean. Rejects with PerfError when they do not say where it is, or it does not start. */
export async function openService(options: AnalyzerOptions): Promise<Service> {
  switch (options.serviceKind) {
    case "triton":
      return tritonService(options);
    case "tfserving":
      return tfservingService(options);
    case "torchserve":
      return torchserveService(options);
    case "openai":
      return openaiService(options);
    case "in_process":
    case "triton_c_api": {
      // The server is only loaded where it is wanted: it takes a second, and all of its packages.
      const { inProcessService } = await import("./in-process-service.ts");
      return inProcessService(options);
    }
  }
}
