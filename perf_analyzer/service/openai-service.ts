import { encodePost } from "../client-backend/http/http-body-client.ts";
import { completionOutputName } from "../client-backend/openai/openai-load-client.ts";
import { SilentServerClient } from "../client-backend/silent-server-client.ts";
import { authorityOf, targetOf } from "../client-backend/target.ts";
import { splitElements } from "../infer-data/element-codec.ts";
import { loadCompletionData, payloadName } from "../infer-data/completion-data.ts";
import { LoadWorkerThread } from "../load-manager/load-thread.ts";
import type { AnalyzerOptions } from "../options/analyzer-options.ts";
import { headerLines } from "./header-lines.ts";
import type { Service } from "./service.ts";

/** A server of OpenAI's protocol. @throws PerfError when `-u` is not an address. */
export function openaiService(options: AnalyzerOptions): Service {
  const target = targetOf(options);
  const path = `${target.pathPrefix}/${(options.endpoint ?? "").replace(/^\/+/, "")}`;
  const headers = headerLines(target, "application/json", options.headers);
  return {
    client: new SilentServerClient({
      name: options.modelName,
      inputs: [{ name: payloadName, datatype: "BYTES", shape: [1] }],
      outputs: [{ name: completionOutputName, datatype: "BYTES", shape: [1] }],
    }),
    endpoint: authorityOf(target),
    maxThreadCount: null,
    loadData: () => loadCompletionData(options),
    clientPlan: (_model, { contents }, keepsBodies) => ({
      protocol: "openai",
      target,
      requests: contents.map(({ inputs }) => {
        const [payload] = splitElements(inputs[0]?.data ?? new Uint8Array(0)) ?? [];
        return encodePost(path, headers, payload ?? new Uint8Array(0));
      }),
      laneCount: 1,
      keepsBodies,
    }),
    startThread: (plan) => new LoadWorkerThread(plan),
  };
}
