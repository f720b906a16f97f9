import type { DataType } from "../../../server/core/data-type.ts";
import { encodeElements, lengthPrefixed, splitElements } from "../../infer-data/element-codec.ts";
import { elementTexts } from "../../infer-data/element-json.ts";
import type { RequestInput } from "../../infer-data/request-input.ts";
import type { OutputTensor } from "../exchange.ts";
import { objectOf } from "../json-access.ts";

/** An output that a signature has. */
export interface PredictOutput {
  readonly name: string;
  readonly datatype: DataType;
}

/**
 * The body of a REST predict request, in the columnar format, which carries tensors of any shape.
 *
 * @throws PerfError for a data type or a value that JSON cannot carry.
 */
export function encodePredictJson(signatureName: string, inputs: readonly RequestInput[]): Buffer {
  const fields = inputs.map(({ name, datatype, shape, data }) => {
    const texts = datatype === "BYTES" ? bytesTexts(data) : elementTexts(name, datatype, data);
    return `${JSON.stringify(name)}:${nested(texts, shape)}`;
  });
  return Buffer.from(`{"signature_name":${JSON.stringify(signatureName)},"inputs":{${fields.join(",")}}}`);
}

/** Text as it is, other bytes as the object that stands for them. */
function bytesTexts(data: Uint8Array): readonly string[] {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  return (splitElements(data) ?? []).map((element) => {
    try {
      return JSON.stringify(decoder.decode(element));
    } catch {
      return JSON.stringify({ b64: Buffer.from(element).toString("base64") });
    }
  });
}

function nested(texts: readonly string[], shape: readonly number[]): string {
  let level = texts;
  for (const dim of shape.slice(1).reverse()) {
    const count = dim === 0 ? 0 : level.length / dim;
    level = Array.from({ length: count }, (_, i) => `[${level.slice(i * dim, (i + 1) * dim).join(",")}]`);
  }
  return shape.length === 0 ? (level[0] ?? "null") : `[${level.join(",")}]`;
}

/**
 * Reads a REST predict response in the columnar format: a single output stands there without its name.
 *
 * @throws Error when it is none, or lacks an output of the signature.
 */
export function decodePredictJson(
  body: Uint8Array,
  outputs: readonly PredictOutput[],
): readonly OutputTensor[] {
  const response = objectOf(JSON.parse(Buffer.from(body).toString()));
  const values = response["outputs"];
  if (values === undefined) throw new Error('it has no "outputs"');
  return outputs.map(({ name, datatype }) => {
    const value = outputs.length === 1 ? values : objectOf(values)[name];
    if (value === undefined) throw new Error(`it lacks the output "${name}"`);
    const shape = shapeOf(value);
    const flat = Array.isArray(value) ? (value.flat(Number.POSITIVE_INFINITY) as unknown[]) : [value];
    const data =
      datatype === "BYTES" ? Buffer.concat(flat.flatMap(bytesElement)) : encodeElements(datatype, flat, name);
    return { name, datatype, shape, data };
  });
}

function shapeOf(value: unknown): readonly number[] {
  return Array.isArray(value) ? [value.length, ...shapeOf(value[0])] : [];
}

function bytesElement(value: unknown): readonly Uint8Array[] {
  const base64 = objectOf(value)["b64"];
  if (typeof base64 === "string") return lengthPrefixed(Buffer.from(base64, "base64"));
  if (typeof value === "string") return lengthPrefixed(Buffer.from(value));
  throw new Error(`${JSON.stringify(value)} is no text`);
}
