import { StatusError } from "../../core/status.ts";
import { isSharedMemoryParameter, sharedMemoryUnsupported } from "./infer-input.ts";
import type { JsonReader } from "./json-reader.ts";
import type { OutputEncoding } from "./output-encodings.ts";

/** The request's `outputs`. */
export interface InferRequestedOutputs {
  /** For each listed name, in order, the encoding that it asks for. */
  readonly encodings: ReadonlyMap<string, OutputEncoding>;
  /** The outputs wanted as classes, with how many of them, or `null`. */
  readonly classifications: ReadonlyMap<string, number> | null;
}

/**
 * Reads the request's `outputs`.
 *
 * @throws StatusError for a name that comes twice, and UNSUPPORTED for shared memory.
 */
export function readRequestedOutputs(reader: JsonReader): InferRequestedOutputs {
  const outputs = new Map<string, OutputEncoding>();
  let classifications: Map<string, number> | null = null;
  for (let more = reader.enterArray("outputs"); more; more = reader.nextElement()) {
    let name: string | null = null;
    let wishes: OutputWishes | null = null;
    for (let key = reader.enterObject("outputs"); key !== null; key = reader.nextKey()) {
      if (key === "name" && name === null) name = reader.readName("name");
      else if (key === "parameters" && wishes === null) wishes = readWishes(reader);
      else reader.skipValue(key);
    }
    if (name === null) {
      throw new StatusError(
        "INVALID_ARG",
        "Unable to parse 'outputs': attempt to access non-existing object member 'name'",
      );
    }
    if (outputs.has(name)) {
      throw new StatusError("INVALID_ARG", `output '${name}' already exists in request`);
    }
    if (wishes?.usesSharedMemory === true) throw sharedMemoryUnsupported(`output '${name}'`);
    if (wishes !== null && wishes.classCount > 0) {
      classifications ??= new Map();
      classifications.set(name, wishes.classCount);
    }
    outputs.set(name, wishes?.isBinary === true ? "binary" : "json");
  }
  return { encodings: outputs, classifications };
}

/** What an output's `parameters` ask for. */
interface OutputWishes {
  readonly isBinary: boolean;
  /** 0: the output itself. */
  readonly classCount: number;
  readonly usesSharedMemory: boolean;
}

function readWishes(reader: JsonReader): OutputWishes {
  let isBinary = false;
  let classCount = 0;
  let usesSharedMemory = false;
  for (let key = reader.enterObject("parameters"); key !== null; key = reader.nextKey()) {
    if (key === "binary_data") {
      isBinary = reader.readBoolean(key);
    } else if (key === "classification") {
      classCount = Number(reader.readUnsigned(key));
    } else {
      if (isSharedMemoryParameter(key)) usesSharedMemory = true;
      reader.skipValue(key);
    }
  }
  return { isBinary, classCount, usesSharedMemory };
}
