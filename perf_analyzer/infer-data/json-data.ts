import { readFileSync } from "node:fs";
import { arrayOf } from "../client-backend/json-access.ts";
import type { ModelDescription, TensorDescription } from "../client-backend/model-description.ts";
import { PerfError } from "../exit-code.ts";
import type { ShapeOption } from "../options/analyzer-options.ts";
import { countElements, encodeElements } from "./element-codec.ts";
import {
  checkDims,
  checkElementCount,
  type DataEntry,
  type EntryTensor,
  type InferData,
  inputDims,
} from "./infer-data.ts";

type Fields = Readonly<Record<string, unknown>>;

/**
 * Reads a file of `--input-data`.
 *
 * @throws PerfError with the file and the place in it.
 */
export function readJsonData(
  file: string,
  model: ModelDescription,
  shapes: readonly ShapeOption[],
): InferData {
  const document = parseFile(file);
  const data = document["data"];
  if (!Array.isArray(data) || data.length === 0) {
    throw new PerfError(`${file}: expects an object with "data", an array of at least one entry`);
  }
  const validation = document["validation_data"];
  const isSequences = data.every(Array.isArray);
  const streams = (value: unknown): readonly (readonly unknown[])[] =>
    isSequences ? arrayOf(value).map(arrayOf) : [arrayOf(value)];
  const inputStreams = streams(data);
  const expectedStreams = validation === undefined ? null : streams(validation);
  return inputStreams.map((stream, s) => {
    const expected = expectedStreams?.[s];
    if (expectedStreams !== null && expected?.length !== stream.length) {
      throw new PerfError(`${file}: "validation_data" must have the form and the lengths of "data"`);
    }
    if (stream.length === 0) throw new PerfError(`${file}: data[${s}] is an empty sequence`);
    return stream.map((entry, e) => {
      const at = isSequences ? `[${s}][${e}]` : `[${e}]`;
      return {
        inputs: readInputs(entry, model, shapes, `${file}: data${at}`),
        expected:
          expected === undefined ? null : readOutputs(expected[e], model, `${file}: validation_data${at}`),
        timestampMs: readTimestamp(entry, model, `${file}: data${at}`),
      } satisfies DataEntry;
    });
  });
}

function parseFile(file: string): Fields {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (thrown) {
    throw new PerfError(`Cannot read --input-data ${file}: ${PerfError.from(thrown).message}`);
  }
  try {
    return fieldsOf(JSON.parse(text), file);
  } catch (thrown) {
    if (thrown instanceof PerfError) throw thrown;
    throw new PerfError(`${file} is not JSON: ${PerfError.from(thrown).message}`);
  }
}

function fieldsOf(value: unknown, where: string): Fields {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new PerfError(`${where}: expects an object, got ${JSON.stringify(value).slice(0, 60)}`);
  }
  return value as Fields;
}

function readInputs(
  entry: unknown,
  model: ModelDescription,
  shapes: readonly ShapeOption[],
  where: string,
): ReadonlyMap<string, EntryTensor> {
  const fields = fieldsOf(entry, where);
  const known = new Set(model.inputs.map(({ name }) => name));
  for (const name of Object.keys(fields)) {
    // Of --fixed-schedule, which files may hold beside the inputs.
    if (!known.has(name) && name !== "timestamp") {
      throw new PerfError(
        `${where}: the model has no input ${JSON.stringify(name)}; its inputs are ${[...known].join(", ")}`,
      );
    }
  }
  const inputs = new Map<string, EntryTensor>();
  for (const input of model.inputs) {
    const value = fields[input.name];
    if (value !== undefined) {
      inputs.set(input.name, readTensor(value, input, shapes, `${where}.${input.name}`));
    } else if (!input.isOptional) {
      throw new PerfError(`${where}: input "${input.name}" is missing`);
    }
  }
  return inputs;
}

/** The time that a file may give beside the inputs: N or [N]. A model's own input of that name is none. */
export function readTimestamp(
  entry: unknown,
  model: Pick<ModelDescription, "inputs">,
  where: string,
): number | null {
  const value = fieldsOf(entry, where)["timestamp"];
  if (value === undefined || model.inputs.some(({ name }) => name === "timestamp")) return null;
  const number: unknown = Array.isArray(value) && value.length === 1 ? value[0] : value;
  if (typeof number === "number" && number >= 0 && Number.isFinite(number)) return number;
  throw new PerfError(
    `${where}: "timestamp" expects milliseconds, a number of at least 0, got ${JSON.stringify(value)}`,
  );
}

function readOutputs(
  entry: unknown,
  model: ModelDescription,
  where: string,
): ReadonlyMap<string, EntryTensor> {
  const outputs = new Map<string, EntryTensor>();
  for (const [name, value] of Object.entries(fieldsOf(entry, where))) {
    const output = model.outputs.find((each) => each.name === name);
    if (output === undefined)
      throw new PerfError(`${where}: the model has no output ${JSON.stringify(name)}`);
    // The responses of a decoupled model are compared joined: there may be any number of them.
    const dims = model.isDecoupled ? [-1] : output.dims;
    outputs.set(name, readTensor(value, { ...output, dims }, null, `${where}.${name}`));
  }
  return outputs;
}

/** @param shapes - `null` for an output: only the model, or the value itself, says its dimensions. */
function readTensor(
  value: unknown,
  tensor: TensorDescription,
  shapes: readonly ShapeOption[] | null,
  where: string,
): EntryTensor {
  const fields = Array.isArray(value) ? { content: value } : fieldsOf(value, where);
  const content = fields["content"] ?? fields;
  const data = Array.isArray(content)
    ? encodeElements(tensor.datatype, content, where)
    : fromBase64(fieldsOf(content, where)["b64"], where);
  const shape = readShape(fields["shape"], tensor, shapes, data, where);
  const result = { shape, data };
  checkElementCount(result, tensor, where);
  return result;
}

function readShape(
  given: unknown,
  tensor: TensorDescription,
  shapes: readonly ShapeOption[] | null,
  data: Uint8Array,
  where: string,
): readonly number[] {
  if (given === undefined) {
    if (shapes !== null) return inputDims(tensor, shapes);
    // The values of an output are compared flat.
    return tensor.dims.includes(-1) ? [countElements(tensor.datatype, data) ?? 0] : tensor.dims;
  }
  if (!Array.isArray(given) || !given.every((dim) => Number.isSafeInteger(dim) && Number(dim) >= 0)) {
    throw new PerfError(`${where}: "shape" expects an array of integers, got ${JSON.stringify(given)}`);
  }
  const dims = given as number[];
  checkDims(dims, tensor, `${where}.shape`);
  return dims;
}

function fromBase64(value: unknown, where: string): Uint8Array {
  if (typeof value !== "string" || !/^[A-Za-z0-9+/\s]*={0,2}\s*$/.test(value)) {
    throw new PerfError(`${where}: expects an array, {"content": […]} or {"b64": "<base64>"}`);
  }
  return Buffer.from(value, "base64");
}
