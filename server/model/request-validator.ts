import { isClassifiable } from "../core/classification.ts";
import { checkBytesElements } from "../core/bytes-elements.ts";
import { type DataType, dataTypeByteSize } from "../core/data-type.ts";
import type { InferenceRequest } from "../core/inference-request.ts";
import { elementCount, formatShape, type Shape } from "../core/shape.ts";
import { type Failure, failure, type Status } from "../core/status.ts";
import type { Tensor } from "../core/tensor.ts";
import type { ModelTensor } from "./served-model.ts";

/** What validation needs to know of a model. */
export interface ValidatedModel {
  readonly name: string;
  readonly maxBatchSize: number;
  readonly inputs: readonly ModelTensor[];
  readonly outputs: readonly ModelTensor[];
  inputIndex(name: string): number;
  outputIndex(name: string): number;
  /** @see Backend.checkBytesInput */
  readonly checkBytesInput: ((tensor: Tensor) => Failure | null) | null;
  /** The input that tells the model the sequence's correlation id, or `null` when there is none. */
  readonly correlationIdInput: CorrelationIdInput | null;
}

/** An input that takes correlation ids of one kind. */
export interface CorrelationIdInput {
  readonly name: string;
  readonly datatype: DataType;
}

/** More outputs than this do not fit the request's bit mask; then everything is computed and cut. */
const maxMaskedOutputs = 30;

/**
 * Checks a request against its model before any scheduler sees it, and completes it: inputs in the config's order,
 * `batchSize` and `outputMask` set.
 *
 * @returns `null`, or the first problem, INVALID_ARG, in the order and the words of Triton's core, which clients
 * and tests look for.
 * @see contract §6.1
 */
export function validateRequest(request: InferenceRequest, model: ValidatedModel): Status {
  return (
    checkOutputs(request, model) ??
    checkClassifications(request, model) ??
    checkInputNames(request, model) ??
    checkBatchSize(request, model) ??
    checkTensors(request, model) ??
    checkCorrelationId(request, model)
  );
}

function invalid(message: string): Failure {
  return failure("INVALID_ARG", message);
}

function checkOutputs(request: InferenceRequest, model: ValidatedModel): Status {
  if (request.requestedOutputs.length === 0) return null;
  let mask = 0;
  for (const name of request.requestedOutputs) {
    const index = model.outputIndex(name);
    if (index < 0) return invalid(`unexpected inference output '${name}' for model '${model.name}'`);
    mask |= 1 << index;
  }
  if (model.outputs.length <= maxMaskedOutputs) request.outputMask = mask;
  return null;
}

function checkClassifications(request: InferenceRequest, model: ValidatedModel): Status {
  if (request.classifications === null) return null;
  for (const name of request.classifications.keys()) {
    const output = model.outputs[model.outputIndex(name)];
    if (output === undefined || isClassifiable(output.datatype)) continue;
    return invalid(
      `class result not available for output due to unsupported type '${output.datatype}': output '${name}' of model '${model.name}'`,
    );
  }
  return null;
}

function checkInputNames(request: InferenceRequest, model: ValidatedModel): Status {
  const given = request.inputs;
  const expected = model.inputs;
  let isInOrder = given.length === expected.length;
  for (let i = 0; i < given.length && isInOrder; i++) isInOrder = given[i]?.name === expected[i]?.name;
  if (isInOrder) return null;

  const requiredCount = expected.filter((input) => !input.isOptional).length;
  if (given.length < requiredCount || given.length > expected.length) {
    return wrongInputCount(given, model, requiredCount);
  }
  for (const tensor of given) {
    if (model.inputIndex(tensor.name) < 0) {
      return invalid(`unexpected inference input '${tensor.name}' for model '${model.name}'`);
    }
  }
  const missing = expected.find(
    (input) => !input.isOptional && !given.some((tensor) => tensor.name === input.name),
  );
  if (missing !== undefined) return wrongInputCount(given, model, requiredCount);
  const sorted = given.toSorted((a, b) => model.inputIndex(a.name) - model.inputIndex(b.name));
  const repeated = sorted.find((tensor, index) => tensor.name === sorted[index + 1]?.name);
  // The front ends refuse it already; programs that embed the server come here directly.
  if (repeated !== undefined) return invalid(`input '${repeated.name}' already exists in request`);
  request.inputs = sorted;
  return null;
}

function wrongInputCount(given: readonly Tensor[], model: ValidatedModel, requiredCount: number): Failure {
  const names = (tensors: readonly { readonly name: string }[]): string =>
    `[${tensors.map((tensor) => `'${tensor.name}'`).join(", ")}]`;
  const missing = model.inputs.filter(
    (input) => !input.isOptional && !given.some((tensor) => tensor.name === input.name),
  );
  const expected =
    requiredCount === model.inputs.length
      ? `expected ${requiredCount} inputs but got ${given.length} inputs`
      : `expected number of inputs between ${requiredCount} and ${model.inputs.length} but got ${given.length} inputs`;
  return invalid(
    `${expected} for model '${model.name}'. Got input(s) ${names(given)}, but missing required input(s) ${names(missing)}`,
  );
}

function checkBatchSize(request: InferenceRequest, model: ValidatedModel): Status {
  if (model.maxBatchSize === 0) {
    request.batchSize = 1;
    return null;
  }
  let batchSize = -1;
  for (const tensor of request.inputs) {
    const first = tensor.shape[0];
    if (first === undefined) {
      return invalid(
        `input '${tensor.name}' has no shape but model requires batch dimension for '${model.name}'`,
      );
    }
    if (batchSize === -1) batchSize = first;
    else if (first !== batchSize) {
      return invalid(`input '${tensor.name}' batch size does not match other inputs for '${model.name}'`);
    }
  }
  if (batchSize > model.maxBatchSize) {
    return invalid(`inference request batch-size must be <= ${model.maxBatchSize} for '${model.name}'`);
  }
  request.batchSize = Math.max(0, batchSize);
  return null;
}

function checkTensors(request: InferenceRequest, model: ValidatedModel): Status {
  for (const tensor of request.inputs) {
    const expected = model.inputs[model.inputIndex(tensor.name)];
    if (expected === undefined) throw new Error("An unknown input passed the name check. This is a bug.");
    const problem =
      checkType(tensor, expected, model) ?? checkShape(tensor, expected, model) ?? checkSize(tensor, model);
    if (problem !== null) return problem;
  }
  return null;
}

/** Whether there has to be one at all is for the scheduler to say. */
function checkCorrelationId(request: InferenceRequest, model: ValidatedModel): Status {
  const { correlationIdInput } = model;
  const id = request.correlationId;
  if (correlationIdInput === null || id === 0 || id === "") return null;
  const isText = typeof id === "string";
  if (isText === (correlationIdInput.datatype === "BYTES")) return null;
  return invalid(
    `correlation ID data-type mismatch for model '${model.name}': the request's is ${isText ? "a string" : "an integer"}, but the control input '${correlationIdInput.name}' takes ${correlationIdInput.datatype}`,
  );
}

function checkType(tensor: Tensor, expected: ModelTensor, model: ValidatedModel): Status {
  if (tensor.datatype === expected.datatype) return null;
  return invalid(
    `inference input '${tensor.name}' data-type is '${tensor.datatype}', but model '${model.name}' expects '${expected.datatype}'`,
  );
}

function checkShape(tensor: Tensor, expected: ModelTensor, model: ValidatedModel): Status {
  if (matches(tensor.shape, expected.shape)) return null;
  const batchNote =
    model.maxBatchSize > 0
      ? `. Shapes of this model begin with the batch dimension, at most ${model.maxBatchSize}`
      : "";
  return invalid(
    `unexpected shape for input '${tensor.name}' for model '${model.name}'. Expected ${formatShape(expected.shape)}, got ${formatShape(tensor.shape)}${batchNote}`,
  );
}

function matches(shape: Shape, pattern: Shape): boolean {
  if (shape.length !== pattern.length) return false;
  for (let i = 0; i < shape.length; i++) {
    const dim = shape[i] ?? -1;
    if (dim < 0 || (pattern[i] !== -1 && pattern[i] !== dim)) return false;
  }
  return true;
}

function checkSize(tensor: Tensor, model: ValidatedModel): Status {
  const count = elementCount(tensor.shape);
  if (!Number.isSafeInteger(count)) {
    return invalid(
      `input '${tensor.name}' shape ${formatShape(tensor.shape)} causes total element count to exceed maximum size`,
    );
  }
  if (tensor.datatype === "BYTES") {
    return checkBytesElements(tensor.data, count, tensor.name) ?? model.checkBytesInput?.(tensor) ?? null;
  }
  const expectedBytes = count * dataTypeByteSize[tensor.datatype];
  if (tensor.data.byteLength === expectedBytes) return null;
  return invalid(
    `input byte size mismatch for input '${tensor.name}' for model '${model.name}'. Expected ${expectedBytes}, got ${tensor.data.byteLength}`,
  );
}
