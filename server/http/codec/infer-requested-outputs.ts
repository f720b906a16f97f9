import { StatusError } from "../../core/status.ts";
import type { SharedMemoryPlace } from "../../shared-memory/shared-memory-place.ts";
import type { JsonReader } from "./json-reader.ts";
import type { OutputEncoding } from "./output-encodings.ts";
import { isSharedMemoryParameter, SharedMemoryParameters } from "./shared-memory-parameters.ts";

/** The request's `outputs`. */
export interface InferRequestedOutputs {
  /** For each listed name, in order, the encoding that it asks for. */
  readonly encodings: ReadonlyMap<string, OutputEncoding>;
  /** The outputs wanted as classes, with how many of them, or `null`. */
  readonly classifications: ReadonlyMap<string, number> | null;
  /** The outputs wanted in shared memory, with where. */
  readonly places: ReadonlyMap<string, SharedMemoryPlace>;
}

/**
 * Reads the request's `outputs`.
 *
 * @throws StatusError for a name that comes twice, and for an output that is wanted in two ways.
 */
export function readRequestedOutputs(reader: JsonReader): InferRequestedOutputs {
  const outputs = new Map<string, OutputEncoding>();
  const places = new Map<string, SharedMemoryPlace>();
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
    const place = wishes === null ? null : placeOf(name, wishes);
    if (place !== null) places.set(name, place);
    if (wishes !== null && wishes.classCount > 0) {
      classifications ??= new Map();
      classifications.set(name, wishes.classCount);
    }
    outputs.set(name, place !== null ? "shared-memory" : wishes?.isBinary === true ? "binary" : "json");
  }
  return { encodings: outputs, classifications, places };
}

/** What an output's `parameters` ask for. */
interface OutputWishes {
  readonly isBinary: boolean;
  /** 0: the output itself. */
  readonly classCount: number;
  /** `null` without any parameter of shared memory. */
  readonly sharedMemory: SharedMemoryParameters | null;
}

/** Where the output is wanted in shared memory, or `null`. Its bytes go there and nowhere else, and as they are. */
function placeOf(
  name: string,
  { isBinary, classCount, sharedMemory }: OutputWishes,
): SharedMemoryPlace | null {
  if (sharedMemory === null) return null;
  const place = sharedMemory.place(`output '${name}'`);
  if (!isBinary && classCount === 0) return place;
  const other = isBinary ? "'binary_data'" : "'classification'";
  throw new StatusError(
    "INVALID_ARG",
    `output '${name}' can not have both ${other} and 'shared_memory_region'`,
  );
}

function readWishes(reader: JsonReader): OutputWishes {
  let isBinary = false;
  let classCount = 0;
  let sharedMemory: SharedMemoryParameters | null = null;
  for (let key = reader.enterObject("parameters"); key !== null; key = reader.nextKey()) {
    if (key === "binary_data") {
      isBinary = reader.readBoolean(key);
    } else if (key === "classification") {
      classCount = Number(reader.readUnsigned(key));
    } else if (isSharedMemoryParameter(key)) {
      sharedMemory ??= new SharedMemoryParameters();
      sharedMemory.read(reader, key);
    } else {
      reader.skipValue(key);
    }
  }
  return { isBinary, classCount, sharedMemory };
}
