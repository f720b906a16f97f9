import { readFileSync } from "node:fs";
import path from "node:path";
import type { ModelDescription } from "../client-backend/model-description.ts";
import { PerfError } from "../exit-code.ts";
import type { ShapeOption } from "../options/analyzer-options.ts";
import { lengthPrefixed } from "./element-codec.ts";
import {
  checkElementCount,
  type DataEntry,
  elementCount,
  type EntryTensor,
  inputDims,
} from "./infer-data.ts";

/**
 * Reads one file per input: raw little-endian bytes, or, for BYTES, one element a line.
 *
 * @throws PerfError naming the file.
 */
export function readDirectoryData(
  directory: string,
  model: ModelDescription,
  shapes: readonly ShapeOption[],
): DataEntry {
  const inputs = new Map<string, EntryTensor>();
  for (const input of model.inputs) {
    const file = path.join(directory, input.name);
    let bytes: Uint8Array;
    try {
      bytes = readFileSync(file);
    } catch (thrown) {
      if (input.isOptional) continue;
      throw new PerfError(`Cannot read the data of input "${input.name}": ${PerfError.from(thrown).message}`);
    }
    const shape = inputDims(input, shapes);
    const data = input.datatype === "BYTES" ? linesOf(bytes, elementCount(shape)) : bytes;
    const tensor = { shape, data };
    checkElementCount(tensor, input, file);
    inputs.set(input.name, tensor);
  }
  return { inputs, expected: null, timestampMs: null };
}

/** A single element may hold line breaks: then the file is the element. */
function linesOf(bytes: Uint8Array, count: number): Uint8Array {
  if (count === 1) return Buffer.concat(lengthPrefixed(bytes));
  const lines = Buffer.from(bytes)
    .toString("latin1")
    .replace(/\r?\n$/, "")
    .split(/\r?\n/);
  return Buffer.concat(lines.flatMap((line) => lengthPrefixed(Buffer.from(line, "latin1"))));
}
