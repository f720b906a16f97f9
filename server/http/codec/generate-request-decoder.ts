import type { ParameterValue } from "../../core/inference-request.ts";
import { StatusError } from "../../core/status.ts";
import type { Tensor } from "../../core/tensor.ts";
import type { ModelTensor } from "../../model/served-model.ts";
import { readGenerateInput } from "./generate-input.ts";
import { isReservedParameter } from "./infer-parameters.ts";
import { jsonKind } from "./json-cursor.ts";
import { JsonReader } from "./json-reader.ts";

/** The one member that is no input or parameter itself, but holds more of them. */
const keyword = "parameters";

/** What a generate request says. */
export interface DecodedGenerateRequest {
  /** "" when the client sent none. */
  readonly id: string;
  /** In the client's order. */
  readonly inputs: Tensor[];
  /** `null` when there are none. */
  readonly parameters: ReadonlyMap<string, ParameterValue> | null;
}

/** The model's side of a generate request. */
export interface GenerateModel {
  /** With wire shapes: a leading -1 when the model batches. */
  readonly inputs: readonly ModelTensor[];
  /** Position in {@link inputs}, or -1. */
  inputIndex(name: string): number;
}

/**
 * Decodes the body of a generate request: any JSON object. Each member is an input, when the model has one of that
 * name, and else a parameter; those of `parameters` are taken like those of the object itself. `id` is the request's id
 * as well.
 *
 * @param body - The caller keeps nothing of it here: the tensors have memory of their own.
 * @param maxInputBytes - `--http-max-input-size`: bounds the tensors together.
 * @throws StatusError of INVALID_ARG for the first problem in the document.
 * @see docs/protocol.md, "Generate"
 */
export function decodeGenerateRequest(
  body: Uint8Array,
  model: GenerateModel,
  maxInputBytes: number,
): DecodedGenerateRequest {
  const reader = new JsonReader(body, 0, body.byteLength);
  const mapping = new GenerateMapping(reader, model, maxInputBytes);
  let id: string | null = null;
  for (let key = reader.enterObject("request"); key !== null; key = reader.nextKey()) {
    if (key === keyword) {
      mapping.readKeyword();
      continue;
    }
    if (key === "id" && id === null) {
      const { position } = reader;
      id = reader.readString("id");
      reader.position = position;
    }
    mapping.readMember(key);
  }
  reader.expectEnd();
  const { inputs, parameters } = mapping;
  return { id: id ?? "", inputs: [...inputs.values()], parameters: parameters.size > 0 ? parameters : null };
}

/** Sorts the members into inputs and parameters. */
class GenerateMapping {
  /** By name, in the client's order. */
  readonly inputs = new Map<string, Tensor>();
  readonly parameters = new Map<string, ParameterValue>();
  readonly #reader: JsonReader;
  readonly #model: GenerateModel;
  readonly #maxInputBytes: number;
  #inputBytes = 0;

  constructor(reader: JsonReader, model: GenerateModel, maxInputBytes: number) {
    this.#reader = reader;
    this.#model = model;
    this.#maxInputBytes = maxInputBytes;
  }

  /** Reads the member's value. */
  readMember(name: string): void {
    const input = this.#model.inputs[this.#model.inputIndex(name)];
    if (input === undefined) this.#readParameter(name);
    else this.#readInput(input);
  }

  /** Reads the object that is the value of {@link keyword}. */
  readKeyword(): void {
    const reader = this.#reader;
    if (this.#model.inputIndex(keyword) >= 0) {
      throw invalid(
        `keyword '${keyword}' is also the name of an input of the model, which generate cannot tell apart: use infer`,
      );
    }
    if (reader.kind() !== jsonKind.object) {
      throw invalid(`Expected JSON object for keyword: '${keyword}'`);
    }
    for (let key = reader.enterObject(keyword); key !== null; key = reader.nextKey()) {
      try {
        this.readMember(key);
      } catch (thrown) {
        if (!(thrown instanceof StatusError)) throw thrown;
        throw new StatusError(thrown.code, `Converting keyword: '${keyword}': ${thrown.message}`);
      }
    }
  }

  #readInput(input: ModelTensor): void {
    if (this.inputs.has(input.name)) throw invalid(`input '${input.name}' already exists in request`);
    const left = this.#maxInputBytes - this.#inputBytes;
    const tensor = readGenerateInput(this.#reader, input, left, (byteCount) =>
      invalid(
        `tensor data up to input '${input.name}' with ${this.#inputBytes + byteCount} bytes exceeds the maximum allowed input size of ${this.#maxInputBytes} bytes: raise --http-max-input-size to allow it`,
      ),
    );
    this.#inputBytes += tensor.data.byteLength;
    this.inputs.set(input.name, tensor);
  }

  #readParameter(name: string): void {
    if (isReservedParameter(name)) throw invalid(`parameter '${name}' is reserved for Triton usage`);
    const value = this.#reader.readParameterValue();
    if (value === null) {
      throw invalid(
        `parameter '${name}' has invalid type: it must be a string, a boolean, a 64-bit integer or a double`,
      );
    }
    this.parameters.set(name, value);
  }
}

function invalid(message: string): StatusError {
  return new StatusError("INVALID_ARG", message);
}
