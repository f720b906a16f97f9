import { parseDataType } from "../../server/core/data-type.ts";
import { epochOffsetNs } from "../clock.ts";
import type { LevelResult } from "../inference-profiler.ts";
import { jsonOfElements } from "../infer-data/element-json.ts";
import type { MeasuredRequest } from "../measurement-window.ts";
import { isRateReport, levelValue, type ReportContext } from "./report-context.ts";

/** Nanoseconds since 1970 do not fit a number: they are written digit by digit. */
function nanoseconds(us: number, offsetNs: bigint): string {
  return String(BigInt(Math.round(us * 1e3)) + offsetNs);
}

/** A tensor that JSON cannot carry is written as base64. */
function tensorJson(name: string, datatype: string, data: Uint8Array): string {
  const type = parseDataType(datatype);
  try {
    if (type !== null) return jsonOfElements(name, type, data);
  } catch {
    // Not a number of JSON, or not UTF-8.
  }
  return JSON.stringify({
    b64: Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString("base64"),
  });
}

function tensorsJson(
  tensors: readonly { readonly name: string; readonly datatype: string; readonly data: Uint8Array }[],
): string {
  const fields = tensors.map(
    ({ name, datatype, data }) => `${JSON.stringify(name)}:${tensorJson(name, datatype, data)}`,
  );
  return `{${fields.join(",")}}`;
}

/**
 * Every measured request as JSON, in the form of Triton's profile export.
 *
 * @param endpoint - Where the server listens.
 * @see contract §9.4
 */
export function profileExport(
  results: readonly LevelResult[],
  context: ReportContext,
  endpoint: string,
): string {
  const offsetNs = epochOffsetNs();
  // The same few inputs are written for every request.
  const inputs = context.plan.contents.map((content) => tensorsJson(content.inputs));
  const requestJson = ({ record, responses }: MeasuredRequest): string => {
    const times = (responses ?? [{ atUs: record.endUs }]).map(({ atUs }) => nanoseconds(atUs, offsetNs));
    const outputs = (responses ?? []).map((response) => tensorsJson(response.outputs));
    const fields = [
      `"timestamp":${nanoseconds(record.sendStartUs, offsetNs)}`,
      ...(record.sequenceId === 0 ? [] : [`"sequence_id":${record.sequenceId}`]),
      `"request_inputs":${inputs[record.contentIndex] ?? "{}"}`,
      `"response_timestamps":[${times.join(",")}]`,
      `"response_outputs":[${outputs.join(",")}]`,
    ];
    return `{${fields.join(",")}}`;
  };
  const mode = isRateReport(context) ? "request_rate" : "concurrency";
  const experiments = results.map(({ level, windows }) => {
    const requests = windows.flatMap((window) => window.requests).map(requestJson);
    const [first] = windows;
    const boundaries = [
      ...(first === undefined ? [] : [first.startUs]),
      ...windows.map(({ endUs }) => endUs),
    ].map((us) => nanoseconds(us, offsetNs));
    return `{"experiment":{"mode":"${mode}","value":${levelValue(level)}},"requests":[${requests.join(",")}],"window_boundaries":[${boundaries.join(",")}]}`;
  });
  const head = JSON.stringify({ service_kind: context.options.serviceKind, endpoint });
  return `${head.slice(0, -1)},"experiments":[${experiments.join(",")}],"version":${JSON.stringify(context.version)}}\n`;
}
