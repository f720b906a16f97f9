import type { ParameterValue } from "../../core/inference-request.ts";
import type { InferenceResponse } from "../../core/inference-response.ts";
import { elementCount } from "../../core/shape.ts";
import { StatusError } from "../../core/status.ts";
import type { Tensor } from "../../core/tensor.ts";
import type { JsonWriter } from "./json-writer.ts";
import { writeTensorData } from "./tensor-data-writer.ts";

/**
 * Writes a response as one flat JSON object: id, model, then the response's parameters and the outputs by their names.
 * An output of one element is a scalar, any other a flat array. Of equal names the first counts.
 *
 * @param writer - Text is appended. What it holds after a throw is of no use.
 * @throws StatusError when an output has no JSON form: see {@link writeTensorData}.
 * @see docs/protocol.md, "Generate"
 */
export function writeGenerateResponse(writer: JsonWriter, response: InferenceResponse): void {
  const names = new Set<string>();
  const open = (name: string): boolean => {
    if (names.has(name)) return false;
    writer.ascii(names.size === 0 ? "{" : ",");
    names.add(name);
    writer.string(name);
    writer.ascii(":");
    return true;
  };
  if (response.id !== "" && open("id")) writer.string(response.id);
  if (open("model_name")) writer.string(response.modelName);
  if (open("model_version")) writer.string(response.modelVersion);
  for (const [name, value] of response.parameters ?? []) {
    if (open(name)) writeParameter(writer, value);
  }
  for (const output of response.outputs) {
    if (open(output.name)) writeOutput(writer, output);
  }
  writer.ascii("}");
}

function writeParameter(writer: JsonWriter, value: ParameterValue): void {
  if (typeof value === "string") writer.string(value);
  else if (typeof value !== "number") writer.ascii(String(value));
  else if (Number.isSafeInteger(value)) writer.integer(value);
  else writer.double(value);
}

function writeOutput(writer: JsonWriter, output: Tensor): void {
  const start = writer.length;
  try {
    writeTensorData(writer, output);
  } catch (thrown) {
    if (!(thrown instanceof StatusError)) throw thrown;
    throw new StatusError(thrown.code, `generate: ${thrown.message}, through infer`);
  }
  if (elementCount(output.shape) !== 1) return;
  // Take the brackets off again.
  const text = writer.written();
  text.copyWithin(start, start + 1, text.byteLength - 1);
  writer.length -= 2;
}
