import { StatusError } from "../../core/status.ts";
import { isSharedMemoryParameter, sharedMemoryUnsupported } from "./infer-input.ts";
import type { JsonReader } from "./json-reader.ts";
import type { OutputEncoding } from "./output-encodings.ts";

/**
 * Reads the request's `outputs`: for each listed name, in order, the encoding that it asks for.
 *
 * @throws StatusError for a name that comes twice, and UNSUPPORTED for classification and shared memory.
 */
export function readRequestedOutputs(reader: JsonReader): Map<string, OutputEncoding> {
  const outputs = new Map<string, OutputEncoding>();
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
    if (wishes?.wantsClassification === true) {
      throw new StatusError(
        "UNSUPPORTED",
        `classification of output '${name}' is not supported yet: ask for the output itself`,
      );
    }
    outputs.set(name, wishes?.isBinary === true ? "binary" : "json");
  }
  return outputs;
}

/** What an output's `parameters` ask for. */
interface OutputWishes {
  readonly isBinary: boolean;
  readonly wantsClassification: boolean;
  readonly usesSharedMemory: boolean;
}

function readWishes(reader: JsonReader): OutputWishes {
  let isBinary = false;
  let wantsClassification = false;
  let usesSharedMemory = false;
  for (let key = reader.enterObject("parameters"); key !== null; key = reader.nextKey()) {
    if (key === "binary_data") {
      isBinary = reader.readBoolean(key);
    } else if (key === "classification") {
      // 0 turns it off.
      wantsClassification = reader.readUnsigned(key) > 0;
    } else {
      if (isSharedMemoryParameter(key)) usesSharedMemory = true;
      reader.skipValue(key);
    }
  }
  return { isBinary, wantsClassification, usesSharedMemory };
}
