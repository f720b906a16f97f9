import { readFileSync } from "node:fs";
import { arrayOf } from "../client-backend/json-access.ts";
import { PerfError } from "../exit-code.ts";
import type { AnalyzerOptions } from "../options/analyzer-options.ts";
import { lengthPrefixed } from "./element-codec.ts";
import type { DataEntry, InferData } from "./infer-data.ts";
import { readTimestamp } from "./json-data.ts";
import { RandomSource } from "./random-source.ts";
import { randomText } from "./random-text.ts";

/** The input that holds a whole request. */
export const payloadName = "payload";

type Payload = Readonly<Record<string, unknown>>;

type CompletionOptions = Pick<
  AnalyzerOptions,
  "inputData" | "modelName" | "endpoint" | "isStreaming" | "stringData" | "stringLength" | "randomSeed"
>;

/**
 * The requests of a run against an OpenAI server: those of the files, `{"data": [{"payload": [{…}]}]}`, or one with a
 * random prompt.
 *
 * @throws PerfError with the file and the place in it.
 */
export function loadCompletionData(options: CompletionOptions): InferData {
  const files = options.inputData.filter((each) => each !== "random");
  if (files.length === 0) return [[entryOf(randomPayload(options), null)]];
  return [files.flatMap((file) => readEntries(file, options))];
}

function entryOf(payload: Payload, timestampMs: number | null): DataEntry {
  const data = Buffer.concat(lengthPrefixed(Buffer.from(JSON.stringify(payload))));
  return { inputs: new Map([[payloadName, { shape: [1], data }]]), expected: null, timestampMs };
}

function randomPayload(options: CompletionOptions): Payload {
  const prompt = options.stringData ?? randomText(options.stringLength, new RandomSource(options.randomSeed));
  const { modelName: model, isStreaming: stream, endpoint } = options;
  if (/(^|\/)chat\/completions$/.test(endpoint ?? "")) {
    return { model, messages: [{ role: "user", content: prompt }], stream };
  }
  if (/(^|\/)completions$/.test(endpoint ?? "")) return { model, prompt, stream };
  throw new PerfError(
    `Prompts can be made for --endpoint …/chat/completions and …/completions; for ${String(endpoint)} give requests with --input-data`,
  );
}

function readEntries(file: string, options: CompletionOptions): readonly DataEntry[] {
  const form = '{"data": [{"payload": [{…}]}]}';
  let document: unknown;
  try {
    document = JSON.parse(readFileSync(file, "utf8"));
  } catch (thrown) {
    throw new PerfError(`Cannot read --input-data ${file} as JSON: ${PerfError.from(thrown).message}`);
  }
  const entries = isObject(document) ? arrayOf(document["data"]) : [];
  if (entries.length === 0) throw new PerfError(`${file}: expects ${form} with at least one entry`);
  return entries.map((entry, i) => {
    const value = isObject(entry) ? entry[payloadName] : undefined;
    const payload: unknown = Array.isArray(value) && value.length === 1 ? value[0] : value;
    if (!isObject(payload)) throw new PerfError(`${file}: data[${i}] expects one request, as in ${form}`);
    const where = `${file}: data[${i}]`;
    return entryOf(completed(payload, options, where), readTimestamp(entry, { inputs: [] }, where));
  });
}

/** What the command line says goes into requests that do not say it themselves. */
function completed(payload: Payload, { modelName, isStreaming }: CompletionOptions, where: string): Payload {
  if (isStreaming && payload["stream"] === false) {
    throw new PerfError(`${where} has "stream": false, which contradicts --streaming`);
  }
  return { model: modelName, ...payload, ...(isStreaming ? { stream: true } : {}) };
}

function isObject(value: unknown): value is Payload {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
