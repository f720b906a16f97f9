import { type DataType, parseDataType } from "../../core/data-type.ts";
import { InferenceRequest, type ResponseSink } from "../../core/inference-request.ts";
import { StatusError } from "../../core/status.ts";
import { Tensor } from "../../core/tensor.ts";
import { type ForwardedHeaders, withForwardedHeaders } from "../../header-forwarder.ts";
import { ProtoReader, wireType } from "./proto-reader.ts";
import type { SharedMemoryPlace, SharedMemoryPlaces } from "../../shared-memory/shared-memory-place.ts";
import { readRequestParameters } from "./request-parameters.ts";
import { readTensorContents } from "./tensor-contents.ts";
import { TensorParameters } from "./tensor-parameters.ts";

/*
 * ModelInferRequest            InferInputTensor            InferRequestedOutputTensor
 *   model_name         1         name        1               name        1
 *   model_version      2         datatype    2               parameters  2
 *   id                 3         shape       3
 *   parameters         4         parameters  4
 *   inputs             5         contents    5
 *   outputs            6
 *   raw_input_contents 7
 */
const delimited = wireType.delimited;
const modelNameTag = (1 << 3) | delimited;
const modelVersionTag = (2 << 3) | delimited;
const idTag = (3 << 3) | delimited;
const parametersTag = (4 << 3) | delimited;
const inputsTag = (5 << 3) | delimited;
const outputsTag = (6 << 3) | delimited;
const rawInputContentsTag = (7 << 3) | delimited;

const tensorNameTag = (1 << 3) | delimited;
const datatypeTag = (2 << 3) | delimited;
const packedShapeTag = (3 << 3) | delimited;
const shapeTag = (3 << 3) | wireType.varint;
const inputParametersTag = (4 << 3) | delimited;
const contentsTag = (5 << 3) | delimited;
const outputParametersTag = (2 << 3) | delimited;

const noNames: readonly string[] = [];
/** The data of inputs in shared memory, until they get it. */
const noBytes = new Uint8Array(0);

/** More names than this are looked up in a set; for fewer, comparing them is faster. */
const linearSearchLimit = 16;

/**
 * A ModelInferRequest, read in two steps: the model it is for is known before its tensors are looked at, so that a
 * request to a model that is not there costs next to nothing and gets that answer, whatever else is wrong with it.
 */
export class InferRequestMessage {
  modelName = "";
  modelVersion = "";
  id = "";
  /** Known after {@link toInferenceRequest}: the stream tells the end of the request even when no response carries it. */
  wantsEmptyFinalResponse = false;
  readonly #reader: ProtoReader;
  /** Where each entry of `parameters`, `inputs`, `outputs` and `raw_input_contents` begins: at its length. */
  readonly #parameterOffsets: number[] = [];
  readonly #inputOffsets: number[] = [];
  readonly #outputOffsets: number[] = [];
  readonly #rawOffsets: number[] = [];
  #rawIndex = 0;
  /** Outputs wanted as classes, with how many of them. */
  #classifications: Map<string, number> | null = null;
  /** By position; `null` without any. */
  #inputPlaces: (SharedMemoryPlace | null)[] | null = null;
  #outputPlaces: Map<string, SharedMemoryPlace> | null = null;

  /**
   * Reads the outermost fields.
   *
   * @param bytes - The message. The tensors will be views on it, so it must not be changed or reused afterwards.
   * @throws StatusError INVALID_ARG when the bytes are no such message.
   */
  constructor(bytes: Buffer) {
    const reader = new ProtoReader(bytes, "ModelInferRequest");
    this.#reader = reader;
    while (reader.offset < reader.end) {
      const tag = reader.tag("ModelInferRequest");
      switch (tag) {
        case modelNameTag:
          this.modelName = reader.name("model_name");
          break;
        case modelVersionTag:
          this.modelVersion = reader.name("model_version");
          break;
        case idTag:
          this.id = reader.text("id");
          break;
        case parametersTag:
          this.#parameterOffsets.push(reader.offset);
          reader.offset = reader.delimitedEnd("parameters");
          break;
        case inputsTag:
          this.#inputOffsets.push(reader.offset);
          reader.offset = reader.delimitedEnd("inputs");
          break;
        case outputsTag:
          this.#outputOffsets.push(reader.offset);
          reader.offset = reader.delimitedEnd("outputs");
          break;
        case rawInputContentsTag:
          this.#rawOffsets.push(reader.offset);
          reader.offset = reader.delimitedEnd("raw_input_contents");
          break;
        default:
          reader.skip(tag, "ModelInferRequest");
      }
    }
  }

  /**
   * Reads the rest. Call it once.
   *
   * @param forwarded - Metadata of the call that become parameters.
   * @returns A request whose tensors are views on the message, except typed contents that needed converting.
   * @throws StatusError INVALID_ARG for bytes that are no such message, a datatype that does not exist, a name that
   * comes twice, data that is missing or given twice.
   */
  toInferenceRequest(sink: ResponseSink, forwarded: ForwardedHeaders | null = null): InferenceRequest {
    const parameters = readRequestParameters(this.#reader, this.#parameterOffsets);
    const request = new InferenceRequest({
      id: this.id,
      inputs: this.#readInputs(),
      requestedOutputs: this.#readRequestedOutputs(),
      parameters: withForwardedHeaders(parameters.custom, forwarded),
      priority: parameters.priority,
      timeoutUs: parameters.timeoutUs,
      correlationId: parameters.correlationId,
      isSequenceStart: parameters.isSequenceStart,
      isSequenceEnd: parameters.isSequenceEnd,
      sink,
    });
    request.classifications = this.#classifications;
    this.wantsEmptyFinalResponse = parameters.wantsEmptyFinalResponse;
    return request;
  }

  /** Which tensors lie in shared memory, or `null`. Known after {@link toInferenceRequest}; those inputs have no data yet. */
  get sharedMemory(): SharedMemoryPlaces | null {
    if (this.#inputPlaces === null && this.#outputPlaces === null) return null;
    return { inputs: this.#inputPlaces ?? [], outputs: this.#outputPlaces ?? new Map() };
  }

  #readInputs(): Tensor[] {
    const offsets = this.#inputOffsets;
    const inputs: Tensor[] = [];
    const names: string[] = [];
    for (let i = 0; i < offsets.length; i++) {
      this.#reader.offset = offsets[i]!;
      const input = this.#readInput(i);
      inputs.push(input);
      names.push(input.name);
    }
    if (names.length > 1) refuseRepeats("input", names);
    return inputs;
  }

  #readInput(position: number): Tensor {
    const reader = this.#reader;
    const messageEnd = reader.end;
    reader.end = reader.delimitedEnd("inputs");
    let name = "";
    let datatypeName = "";
    const shape: number[] = [];
    let contentsRanges: number[] | null = null;
    let parameters: TensorParameters | null = null;
    while (reader.offset < reader.end) {
      const tag = reader.tag("inputs");
      switch (tag) {
        case tensorNameTag:
          name = reader.name("inputs.name");
          break;
        case datatypeTag:
          datatypeName = reader.name("inputs.datatype");
          break;
        case packedShapeTag: {
          const end = reader.delimitedEnd("inputs.shape");
          while (reader.offset < end) shape.push(readDimension(reader, end));
          break;
        }
        case shapeTag:
          shape.push(readDimension(reader, reader.end));
          break;
        case inputParametersTag:
          parameters ??= new TensorParameters();
          parameters.read(reader, "inputs.parameters", `input "${name}"`);
          break;
        case contentsTag: {
          const end = reader.delimitedEnd("inputs.contents");
          contentsRanges ??= [];
          contentsRanges.push(reader.offset, end);
          reader.offset = end;
          break;
        }
        default:
          reader.skip(tag, "inputs");
      }
    }
    reader.end = messageEnd;
    const datatype = parseDataType(datatypeName);
    if (datatype === null) {
      throw new StatusError("INVALID_ARG", `Input "${name}" has unknown datatype "${datatypeName}"`);
    }
    const place = parameters?.place(`input "${name}"`) ?? null;
    if (place === null) {
      return new Tensor(name, datatype, shape, this.#readData(name, datatype, contentsRanges));
    }
    if (contentsRanges !== null) throw this.#twoSources(name, "shared memory");
    this.#inputPlaces ??= new Array<SharedMemoryPlace | null>(this.#inputOffsets.length).fill(null);
    this.#inputPlaces[position] = place;
    return new Tensor(name, datatype, shape, noBytes);
  }

  #twoSources(name: string, other: string): StatusError {
    return new StatusError(
      "INVALID_ARG",
      `Contents field must not be specified when using ${other} for input tensor '${name}' for model '${this.modelName}'`,
    );
  }

  /** The bytes of an input: its own contents, or the next entry of the raw contents. */
  #readData(name: string, datatype: DataType, contentsRanges: number[] | null): Uint8Array {
    const reader = this.#reader;
    if (contentsRanges !== null) {
      if (this.#rawOffsets.length > 0) throw this.#twoSources(name, "raw_input_contents");
      return readTensorContents(reader, contentsRanges, datatype, name);
    }
    const offset = this.#rawOffsets[this.#rawIndex];
    if (offset === undefined) {
      throw new StatusError(
        "INVALID_ARG",
        `unable to find data for input tensor '${name}' for model '${this.modelName}' in request: neither contents nor an entry of raw_input_contents is there`,
      );
    }
    this.#rawIndex++;
    reader.offset = offset;
    return reader.view(reader.delimitedEnd("raw_input_contents"));
  }

  #readRequestedOutputs(): readonly string[] {
    const offsets = this.#outputOffsets;
    if (offsets.length === 0) return noNames;
    const names: string[] = [];
    for (let i = 0; i < offsets.length; i++) {
      this.#reader.offset = offsets[i]!;
      names.push(this.#readRequestedOutput());
    }
    if (names.length > 1) refuseRepeats("output", names);
    return names;
  }

  #readRequestedOutput(): string {
    const reader = this.#reader;
    const messageEnd = reader.end;
    reader.end = reader.delimitedEnd("outputs");
    let name = "";
    let parameters: TensorParameters | null = null;
    while (reader.offset < reader.end) {
      const tag = reader.tag("outputs");
      if (tag === tensorNameTag) name = reader.name("outputs.name");
      else if (tag === outputParametersTag) {
        parameters ??= new TensorParameters();
        parameters.read(reader, "outputs.parameters", `output "${name}"`);
      } else reader.skip(tag, "outputs");
    }
    reader.end = messageEnd;
    if (parameters === null) return name;
    const place = parameters.place(`output "${name}"`);
    if (place !== null) {
      this.#outputPlaces ??= new Map();
      this.#outputPlaces.set(name, place);
    }
    if (parameters.classCount > 0) {
      this.#classifications ??= new Map();
      this.#classifications.set(name, parameters.classCount);
    }
    return name;
  }
}

/** One dimension that must end before `end`. Negative ones are left to the model's validation, which knows more. */
function readDimension(reader: ProtoReader, end: number): number {
  const offset = reader.offset;
  const byte = reader.bytes[offset]!;
  if (offset < end && byte < 0x80) {
    reader.offset = offset + 1;
    return byte;
  }
  const dimension = reader.int64Number("inputs.shape");
  if (reader.offset > end) reader.malformed("inputs.shape", "a number runs past its list");
  return dimension;
}

/** @param kind - "input" or "output", for the message. */
function refuseRepeats(kind: string, names: readonly string[]): void {
  if (names.length > linearSearchLimit && new Set(names).size === names.length) return;
  for (let i = 1; i < names.length; i++) {
    const name = names[i]!;
    if (names.indexOf(name) === i) continue;
    throw new StatusError("INVALID_ARG", `${kind} '${name}' already exists in request`);
  }
}
