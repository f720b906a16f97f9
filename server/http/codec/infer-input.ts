import { type DataType, dataTypeByteSize, dataTypes, parseDataType } from "../../core/data-type.ts";
import { formatShape, type Shape } from "../../core/shape.ts";
import { StatusError } from "../../core/status.ts";
import type { SharedMemoryPlace } from "../../shared-memory/shared-memory-place.ts";
import type { JsonReader } from "./json-reader.ts";
import { isSharedMemoryParameter, SharedMemoryParameters } from "./shared-memory-parameters.ts";
import { readTensorData } from "./tensor-data-reader.ts";

/** Element and byte counts must stay below this, as the protocol's int64 dimensions ask. */
const countLimit = 2 ** 63;

/** One input as the request's JSON declares it. */
export class InferInput {
  readonly name: string;
  readonly datatype: DataType;
  readonly shape: Shape;
  /** The tensor's bytes, converted from `data`; or `null` when they are elsewhere. */
  readonly data: Uint8Array | null;
  /** How many bytes follow the JSON for this input as binary tensor data; 0 for others. */
  readonly binaryBytes: number;
  /** Where the bytes are in shared memory, or `null`. */
  readonly place: SharedMemoryPlace | null;

  constructor(init: Pick<InferInput, keyof InferInput>) {
    this.name = init.name;
    this.datatype = init.datatype;
    this.shape = init.shape;
    this.data = init.data;
    this.binaryBytes = init.binaryBytes;
    this.place = init.place;
  }
}

/** Where a tensor's bytes come from, as its `parameters` tell. */
interface DataSource {
  /** `binary_data_size`, or -1 when there is none. */
  readonly binaryBytes: number;
  /** `null` without any parameter of shared memory. */
  readonly sharedMemory: SharedMemoryParameters | null;
}

const noSource: DataSource = { binaryBytes: -1, sharedMemory: null };

/**
 * Reads one element of the request's `inputs`. Of a member that comes twice, the first counts, as in Triton.
 *
 * `data` is converted as it is met when `shape` and `datatype` stood before it, which is how the clients write;
 * otherwise it is read over and converted in a second pass.
 *
 * @throws StatusError when a member is missing, of the wrong type or out of range, or when the input has not
 * exactly one source of data.
 */
export function readInferInput(reader: JsonReader, maxInputBytes: number): InferInput {
  let name: string | null = null;
  let datatype: DataType | null = null;
  let shape: number[] | null = null;
  let source: DataSource | null = null;
  let data: Uint8Array | null = null;
  let dataPosition = -1;
  for (let key = reader.enterObject("inputs"); key !== null; key = reader.nextKey()) {
    if (key === "name" && name === null) {
      name = reader.readName("name");
    } else if (key === "datatype" && datatype === null) {
      datatype = readDataType(reader);
    } else if (key === "shape" && shape === null) {
      shape = readShape(reader);
    } else if (key === "parameters" && source === null) {
      source = readDataSource(reader);
    } else if (key === "data" && dataPosition < 0) {
      dataPosition = reader.position;
      data = readDataOrSkip(reader, name, datatype, shape, maxInputBytes);
    } else {
      reader.skipValue(key);
    }
  }
  if (name === null) throw missingMember("name");
  if (datatype === null) throw missingMember("datatype");
  if (shape === null) throw missingMember("shape");
  checkShape(name, datatype, shape);
  const binaryBytes = checkDataSource(name, shape, dataPosition >= 0, source ?? noSource);
  if (dataPosition >= 0 && data === null) {
    const behind = reader.position;
    reader.position = dataPosition;
    data = readTensorData(reader, { name, datatype, shape }, maxInputBytes);
    reader.position = behind;
  }
  const place = placeOf(name, source ?? noSource);
  return new InferInput({ name, datatype, shape, data, binaryBytes, place });
}

/** Converts the data at the reader when all that it takes is known; otherwise reads over it and returns `null`. */
function readDataOrSkip(
  reader: JsonReader,
  name: string | null,
  datatype: DataType | null,
  shape: Shape | null,
  maxInputBytes: number,
): Uint8Array | null {
  if (name === null || datatype === null || shape === null) {
    reader.skipValue("data");
    return null;
  }
  checkShape(name, datatype, shape);
  return readTensorData(reader, { name, datatype, shape }, maxInputBytes);
}

function missingMember(member: string): StatusError {
  return new StatusError(
    "INVALID_ARG",
    `Unable to parse 'inputs': attempt to access non-existing object member '${member}'`,
  );
}

function readDataType(reader: JsonReader): DataType {
  const text = reader.readName("datatype");
  const datatype = parseDataType(text);
  if (datatype === null) {
    throw new StatusError(
      "INVALID_ARG",
      `unknown datatype '${text}' of an input, expected one of ${dataTypes.join(", ")}`,
    );
  }
  return datatype;
}

function readShape(reader: JsonReader): number[] {
  const shape: number[] = [];
  for (let more = reader.enterArray("shape"); more; more = reader.nextElement()) {
    shape.push(Number(reader.readUnsigned("shape")));
  }
  return shape;
}

/**
 * Refuses a shape whose element count or byte size no int64 can hold. The product is taken step by step, so that a
 * 0 behind two absurd dimensions does not hide them.
 */
function checkShape(name: string, datatype: DataType, shape: Shape): void {
  let count = 1;
  for (const dim of shape) {
    count *= dim;
    if (count >= countLimit || dim > Number.MAX_SAFE_INTEGER) {
      throw new StatusError(
        "INVALID_ARG",
        `shape ${formatShape(shape)} of input '${name}' causes total element count to exceed maximum size of ${2n ** 63n - 1n}`,
      );
    }
  }
  if (count * dataTypeByteSize[datatype] >= countLimit) {
    throw new StatusError(
      "INVALID_ARG",
      `byte size overflow for input '${name}' of shape ${formatShape(shape)}`,
    );
  }
}

function placeOf(name: string, { sharedMemory }: DataSource): SharedMemoryPlace | null {
  return sharedMemory === null ? null : sharedMemory.place(`input '${name}'`);
}

function readDataSource(reader: JsonReader): DataSource {
  let binaryBytes = -1;
  let sharedMemory: SharedMemoryParameters | null = null;
  for (let key = reader.enterObject("parameters"); key !== null; key = reader.nextKey()) {
    if (key === "binary_data_size") {
      const size = reader.readUnsigned(key);
      // Beyond 2^53 no body is long enough, which the check against the body says.
      binaryBytes = Number(size);
    } else if (isSharedMemoryParameter(key)) {
      sharedMemory ??= new SharedMemoryParameters();
      sharedMemory.read(reader, key);
    } else {
      reader.skipValue(key);
    }
  }
  return { binaryBytes, sharedMemory };
}

/** Returns the number of binary bytes that the input takes from the body: 0 when it has `data`. */
function checkDataSource(name: string, shape: Shape, hasData: boolean, source: DataSource): number {
  const found: string[] = [];
  if (hasData) found.push("'data'");
  if (source.binaryBytes >= 0) found.push("'binary_data_size'");
  if (source.sharedMemory !== null) found.push("'shared_memory_region'");
  if (found.length > 1 || (found.length === 0 && !shape.includes(0))) {
    throw new StatusError(
      "INVALID_ARG",
      `input '${name}' must have exactly one of 'data', 'binary_data_size' and 'shared_memory_region', got ${found.length === 0 ? "none" : found.join(" and ")}`,
    );
  }
  return Math.max(0, source.binaryBytes);
}

/** Reads the request's `inputs`. */
export function readInferInputs(reader: JsonReader, maxInputBytes: number): InferInput[] {
  const inputs: InferInput[] = [];
  const names = new Set<string>();
  for (let more = reader.enterArray("inputs"); more; more = reader.nextElement()) {
    const input = readInferInput(reader, maxInputBytes);
    if (names.has(input.name)) {
      throw new StatusError("INVALID_ARG", `input '${input.name}' already exists in request`);
    }
    names.add(input.name);
    inputs.push(input);
  }
  return inputs;
}
