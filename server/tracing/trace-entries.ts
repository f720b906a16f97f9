import type { InferenceTrace } from "./inference-trace.ts";
import type { SampledRequest } from "./sampled-request.ts";
import { tensorText } from "./tensor-text.ts";

/** What stands between two entries of a trace file. */
export const entrySeparator = ",\n";

/**
 * Writes a trace, and those of the requests that it caused, as entries of a trace file: JSON objects without the array
 * around them.
 *
 * @see contract §7.4
 */
export async function traceEntries(sampled: SampledRequest): Promise<string> {
  const entries: string[] = [];
  await addEntries(entries, sampled.trace, sampled);
  return entries.join(entrySeparator);
}

async function addEntries(
  entries: string[],
  trace: InferenceTrace,
  sampled: SampledRequest | null,
): Promise<void> {
  const { id, parentId } = trace;
  const { modelName, modelVersion, requestId } = trace.subject;
  entries.push(
    JSON.stringify({
      id,
      model_name: modelName,
      model_version: Number(modelVersion),
      ...(requestId === "" ? {} : { request_id: requestId }),
      ...(parentId === 0 ? {} : { parent_id: parentId }),
    }),
  );
  if (trace.hasTimestamps) {
    const transport = sampled?.transportTimestamps ?? [];
    const timestamps = [...transport, ...trace.timestamps].sort((a, b) => a.timeUs - b.timeUs);
    for (const { name, timeUs } of timestamps) {
      entries.push(JSON.stringify({ id, timestamps: [{ name, ns: Math.round(timeUs * 1_000) }] }));
    }
  }
  for (const snapshot of trace.tensors) {
    const { activity, name, shape, datatype: dtype } = snapshot;
    const tensor = { name, data: await tensorText(snapshot), shape: shape.join(","), dtype };
    entries.push(JSON.stringify({ id, activity, tensor }));
  }
  for (const child of trace.children) await addEntries(entries, child, null);
}
