import { readFileSync } from "node:fs";
import path from "node:path";
import { encodePost } from "../client-backend/http/http-body-client.ts";
import { SilentServerClient } from "../client-backend/silent-server-client.ts";
import { authorityOf, targetOf } from "../client-backend/target.ts";
import { PerfError } from "../exit-code.ts";
import { splitElements } from "../infer-data/element-codec.ts";
import { loadInferData } from "../infer-data/load-infer-data.ts";
import type { RequestInput } from "../infer-data/request-input.ts";
import { LoadWorkerThread } from "../load-manager/load-thread.ts";
import type { AnalyzerOptions } from "../options/analyzer-options.ts";
import { headerLines } from "./header-lines.ts";
import type { Service } from "./service.ts";

/** The only input: the path of a file. The only output: the body of the response. */
const inputName = "TORCHSERVE_INPUT";
const outputName = "response";

/** Ends the parts of a form. Files that hold it are refused. */
const boundary = "perf-analyzer-7d1c0b5e94f24b0f";

/** TorchServe: predictions of the files that `--input-data` names. @throws PerfError when `-u` is not an address. */
export function torchserveService(options: AnalyzerOptions): Service {
  const target = targetOf(options);
  const { modelName, modelVersion } = options;
  const versionPart = modelVersion === "" ? "" : `/${encodeURIComponent(modelVersion)}`;
  const urlPath = `${target.pathPrefix}/predictions/${encodeURIComponent(modelName)}${versionPart}`;
  const headers = headerLines(target, `multipart/form-data; boundary=${boundary}`, options.headers);
  return {
    client: new SilentServerClient({
      name: modelName,
      inputs: [{ name: inputName, datatype: "BYTES", shape: [1] }],
      outputs: [{ name: outputName, datatype: "BYTES", shape: [1] }],
    }),
    endpoint: authorityOf(target),
    maxThreadCount: null,
    loadData: (model) => loadInferData(options, model),
    clientPlan: (_model, { contents }, keepsBodies) => ({
      protocol: "http body",
      target,
      requests: contents.map(({ inputs }) => encodePost(urlPath, headers, formOf(inputs))),
      format: { kind: "whole", outputName },
      laneCount: 1,
      keepsBodies,
    }),
    startThread: (plan) => new LoadWorkerThread(plan),
  };
}

/** A form with the file in its field "data", which is where TorchServe's handlers look. */
function formOf(inputs: readonly RequestInput[]): Buffer {
  const [element] = splitElements(inputs[0]?.data ?? new Uint8Array(0)) ?? [];
  const file = Buffer.from(element ?? []).toString();
  let content: Buffer;
  try {
    content = readFileSync(file);
  } catch (thrown) {
    throw new PerfError(
      `${inputName}: cannot read ${JSON.stringify(file)}: ${PerfError.from(thrown).message}`,
    );
  }
  if (content.includes(boundary)) throw new PerfError(`${inputName}: ${file} holds the boundary of the form`);
  const name = path.basename(file).replace(/["\r\n]/g, "_");
  const head = `--${boundary}\r\nContent-Disposition: form-data; name="data"; filename="${name}"\r\nContent-Type: application/octet-stream\r\n\r\n`;
  return Buffer.concat([Buffer.from(head), content, Buffer.from(`\r\n--${boundary}--\r\n`)]);
}
