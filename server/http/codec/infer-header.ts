import { StatusError } from "../../core/status.ts";
import type { SharedMemoryPlace, SharedMemoryPlaces } from "../../shared-memory/shared-memory-place.ts";
import { type InferInput, readInferInputs } from "./infer-input.ts";
import { type InferParameters, noParameters, readInferParameters } from "./infer-parameters.ts";
import { readRequestedOutputs } from "./infer-requested-outputs.ts";
import { JsonReader } from "./json-reader.ts";
import { allBinary, allJson, OutputEncodings } from "./output-encodings.ts";

const noNames: readonly string[] = [];
const noPlaces: ReadonlyMap<string, SharedMemoryPlace> = new Map();

/**
 * The JSON part of an inference request, read and checked as far as it can be without the model.
 *
 * Immutable: requests whose headers are byte for byte the same share one (see InferHeaderCache).
 */
export class InferHeader {
  /** "" when the client sent none. */
  readonly id: string;
  readonly inputs: readonly InferInput[];
  /** The sum of the inputs' {@link InferInput.binaryBytes}. */
  readonly binaryBytes: number;
  /** Empty: all outputs. */
  readonly requestedOutputs: readonly string[];
  readonly outputEncodings: OutputEncodings;
  /** Outputs wanted as classes, with how many of them, or `null`. */
  readonly classifications: ReadonlyMap<string, number> | null;
  /** The tensors in shared memory, or `null` when there are none. */
  readonly sharedMemory: SharedMemoryPlaces | null;
  readonly parameters: InferParameters;

  /** @param outputPlaces - Of the outputs wanted in shared memory. */
  constructor(
    init: Omit<InferHeader, "binaryBytes" | "isIndependentOfData" | "sharedMemory">,
    outputPlaces: ReadonlyMap<string, SharedMemoryPlace> = noPlaces,
  ) {
    this.id = init.id;
    this.inputs = init.inputs;
    this.binaryBytes = init.inputs.reduce((sum, input) => sum + input.binaryBytes, 0);
    this.requestedOutputs = init.requestedOutputs;
    this.outputEncodings = init.outputEncodings;
    this.classifications = init.classifications;
    this.sharedMemory =
      outputPlaces.size > 0 || init.inputs.some((input) => input.place !== null)
        ? { inputs: init.inputs.map((input) => input.place), outputs: outputPlaces }
        : null;
    this.parameters = init.parameters;
  }

  /** Whether nothing in here was made from tensor data. */
  get isIndependentOfData(): boolean {
    return this.inputs.every((input) => input.data === null);
  }
}

/**
 * Reads a request's JSON. Unknown members are read over; of a member that comes twice, the first counts.
 *
 * @param bytes - The JSON is its first `jsonBytes` bytes. Not retained.
 * @param maxInputBytes - Limit of each tensor made from `data`.
 * @throws StatusError, in nearly all cases of INVALID_ARG.
 */
export function readInferHeader(bytes: Uint8Array, jsonBytes: number, maxInputBytes: number): InferHeader {
  const reader = new JsonReader(bytes, 0, jsonBytes);
  let id: string | null = null;
  let parameters: InferParameters | null = null;
  let inputs: InferInput[] | null = null;
  let outputs: ReturnType<typeof readRequestedOutputs> | null = null;
  for (let key = reader.enterObject("request"); key !== null; key = reader.nextKey()) {
    if (key === "id" && id === null) id = reader.readString("id");
    else if (key === "parameters" && parameters === null) parameters = readInferParameters(reader);
    else if (key === "inputs" && inputs === null) inputs = readInferInputs(reader, maxInputBytes);
    else if (key === "outputs" && outputs === null) outputs = readRequestedOutputs(reader);
    else reader.skipValue(key);
  }
  reader.expectEnd();
  if (inputs === null) {
    throw new StatusError(
      "INVALID_ARG",
      "Unable to parse 'inputs': attempt to access non-existing object member 'inputs'",
    );
  }
  parameters ??= noParameters;
  const isBinaryByDefault = parameters.isBinaryByDefault;
  if (outputs === null || outputs.encodings.size === 0) {
    const outputEncodings = isBinaryByDefault ? allBinary : allJson;
    return new InferHeader({
      id: id ?? "",
      inputs,
      requestedOutputs: noNames,
      outputEncodings,
      classifications: null,
      parameters,
    });
  }
  const header = {
    id: id ?? "",
    inputs,
    requestedOutputs: [...outputs.encodings.keys()],
    outputEncodings: new OutputEncodings(outputs.encodings, isBinaryByDefault ? "binary" : "json"),
    classifications: outputs.classifications,
    parameters,
  };
  return new InferHeader(header, outputs.places);
}
