import { configDataTypeName } from "../core/data-type.ts";
import { nearest } from "../core/edit-distance.ts";
import { formatShape, type Shape } from "../core/shape.ts";
import type { ConfigProblems, ProblemDetails } from "./config-problems.ts";
import { childPath } from "./json-path.ts";
import {
  type BatchInput,
  modelDims,
  type ModelConfig,
  type ModelTensorConfig,
  type PaddingMask,
  withBatchDim,
} from "./model-config.ts";
import { requireDataType, type Signature, type SignatureTensor, type TensorRole } from "./model-signature.ts";

/**
 * Checks that a complete config describes the model that was loaded: the same inputs, outputs among the model's,
 * and the same types and shapes.
 *
 * @param problems - Receives what differs.
 */
export function checkAgainstSignature(
  config: ModelConfig,
  signature: Signature,
  problems: ConfigProblems,
): void {
  checkInputCount(config, signature, problems);
  checkTensors("input", config, signature.inputs, problems);
  checkBatchInputs(config, signature, problems);
  checkPaddingMasks(config, signature, problems);
  checkSequenceTensors(config, signature, problems);
  if (config.output.length === 0) problems.invalid(`must specify 'output' for ${config.name}`);
  checkTensors("output", config, signature.outputs, problems);
}

/** Outputs may be left out, which hides them; a model does not run without all its inputs. */
function checkInputCount(config: ModelConfig, signature: Signature, problems: ConfigProblems): void {
  const generated = [
    ...config.batchInput.flatMap((input) => input.targetName),
    ...paddingMasks(config).map((mask) => mask.name),
    ...sequenceInputs(config).map((input) => input.name),
  ];
  const configured = new Set([...config.input.map((input) => input.name), ...generated]);
  const count = config.input.length + generated.length;
  if (count === signature.inputs.length) return;
  const missing = signature.inputs.filter((input) => !configured.has(input.name));
  const names = missing.map((input) => `'${input.name}'`).join(", ");
  problems.invalid(
    `configuration expects ${count} inputs, model provides ${signature.inputs.length}${names === "" ? "" : `; missing in the configuration: ${names}`}`,
    {
      path: "input",
      found: [...configured].join(", "),
      model: signature.inputs.map((input) => input.name).join(", "),
      fix: missing.length === 0 ? "list each input of the model once" : `add ${names} to "input"`,
    },
  );
}

function checkTensors(
  role: TensorRole,
  config: ModelConfig,
  provided: readonly SignatureTensor[],
  problems: ConfigProblems,
): void {
  for (const [i, tensor] of config[role].entries()) {
    const path = childPath(role, i);
    const match = provided.find((candidate) => candidate.name === tensor.name);
    if (match !== undefined) {
      checkTensor({ role, config, path }, tensor, match, problems);
      continue;
    }
    const allowed = provided.map((candidate) => candidate.name).join(", ");
    const near = nearest(
      tensor.name,
      provided.map((candidate) => candidate.name),
    );
    problems.invalid(`unexpected inference ${role} '${tensor.name}', allowed ${role}s are: ${allowed}`, {
      path: `${path}.name`,
      found: tensor.name,
      model: allowed,
      fix: near === null ? `take it out, or name one of the model's ${role}s` : `write "${near}"`,
    });
  }
}

/** A tensor between the sequence batcher and the model. */
interface SequenceTensor extends ModelTensorConfig {
  readonly what: "control" | "state";
}

/** Inputs that the sequence batcher fills: the controls, each [1] per request, and the states. */
function sequenceInputs(config: ModelConfig): SequenceTensor[] {
  const { controlInput = [], state = [] } = config.sequenceBatching ?? {};
  const reshape = null;
  return [
    ...controlInput.map(
      ({ name, datatype }): SequenceTensor => ({ what: "control", name, datatype, dims: [1], reshape }),
    ),
    ...state.map(
      ({ inputName, datatype, dims }): SequenceTensor => ({
        what: "state",
        name: inputName,
        datatype,
        dims,
        reshape,
      }),
    ),
  ];
}

function checkSequenceTensors(config: ModelConfig, signature: Signature, problems: ConfigProblems): void {
  const stateOutputs = (config.sequenceBatching?.state ?? []).map(
    ({ outputName, datatype, dims }): SequenceTensor => ({
      what: "state",
      name: outputName,
      datatype,
      dims,
      reshape: null,
    }),
  );
  const check = (role: TensorRole, tensors: readonly SequenceTensor[]): void => {
    const provided = signature[`${role}s`];
    for (const tensor of tensors) {
      const match = provided.find((candidate) => candidate.name === tensor.name);
      if (match !== undefined) {
        checkTensor({ role, config, path: null }, tensor, match, problems);
        continue;
      }
      const known = provided.map((candidate) => candidate.name).join(", ");
      problems.invalid(
        `the model has no ${role} '${tensor.name}' for a ${tensor.what} of "sequence_batching", its ${role}s are: ${known}`,
      );
    }
  };
  check("input", sequenceInputs(config));
  check("output", stateOutputs);
}

/** A tensor of the config. */
interface ConfiguredTensor {
  readonly role: TensorRole;
  readonly config: ModelConfig;
  /** `null`: a control or state of "sequence_batching". */
  readonly path: string | null;
}

/** @param field - Of the tensor: what differs. @param fix - For a tensor that is listed as an input or output. */
function differenceIn(
  { path }: ConfiguredTensor,
  field: string,
  difference: { readonly found: string; readonly model: string; readonly fix: string },
): ProblemDetails {
  if (path !== null) return { path: `${path}.${field}`, ...difference };
  return { path: "sequence_batching", found: difference.found, model: difference.model };
}

function checkTensor(
  at: ConfiguredTensor,
  tensor: ModelTensorConfig,
  provided: SignatureTensor,
  problems: ConfigProblems,
): void {
  const { role, config } = at;
  const datatype = requireDataType(role, provided, problems);
  if (datatype !== null && datatype !== tensor.datatype) {
    problems.invalid(
      `${role} '${tensor.name}': configuration expects datatype ${configDataTypeName(tensor.datatype)}, model provides ${configDataTypeName(datatype)}`,
      differenceIn(at, "data_type", {
        found: configDataTypeName(tensor.datatype),
        model: configDataTypeName(datatype),
        fix: `write ${configDataTypeName(datatype)}`,
      }),
    );
  }
  if (config.batchOutput.some((output) => output.targetName.includes(tensor.name))) return;
  if (config.input.some((input) => input === tensor && input.allowRaggedBatch)) {
    checkFlatShape(`ragged input '${tensor.name}'`, [-1], provided, problems);
    return;
  }
  const full = withBatchDim(modelDims(tensor), config.maxBatchSize);
  if (provided.shape === null || acceptsShape(provided.shape, full)) return;
  const batch =
    config.maxBatchSize > 0 ? ", with the batch dimension that max_batch_size > 0 puts first" : "";
  problems.invalid(
    `${role} '${tensor.name}': the model expects ${provided.shape.length} dimensions (shape ${formatShape(provided.shape)}) but the model configuration specifies ${full.length} dimensions (shape ${formatShape(full)}${batch})`,
    differenceIn(at, tensor.reshape === null ? "dims" : "reshape.shape", {
      found: formatShape(full),
      model: formatShape(provided.shape),
      fix: shapeFix(provided.shape, config.maxBatchSize),
    }),
  );
}

/** What to write so that a tensor has the model's shape. */
function shapeFix(shape: Shape, maxBatchSize: number): string {
  if (maxBatchSize === 0) return `write ${formatShape(shape)}`;
  if (shape[0] !== -1)
    return `the model does not batch: set "max_batch_size" to 0 and write ${formatShape(shape)}`;
  return `write ${formatShape(shape.slice(1))}`;
}

/** Inputs that the server makes have to be there, of their type, and take tensors of their shape. */
function checkBatchInputs(config: ModelConfig, signature: Signature, problems: ConfigProblems): void {
  for (const batchInput of config.batchInput) {
    for (const target of batchInput.targetName) {
      const provided = signature.inputs.find((input) => input.name === target);
      if (provided === undefined) {
        const names = signature.inputs.map((input) => input.name).join(", ");
        problems.invalid(`batch_input target '${target}' is no input of the model, its inputs are: ${names}`);
        continue;
      }
      const datatype = requireDataType("input", provided, problems);
      if (datatype !== null && datatype !== batchInput.datatype) {
        problems.invalid(
          `batch_input target '${target}': configuration expects datatype ${configDataTypeName(batchInput.datatype)}, model provides ${configDataTypeName(datatype)}`,
        );
      }
      checkFlatShape(
        `batch_input target '${target}' of kind ${batchInput.kind}`,
        generatedShape(batchInput, config),
        provided,
        problems,
      );
    }
  }
}

function paddingMasks(config: ModelConfig): PaddingMask[] {
  return (config.dynamicBatching?.pad ?? []).flatMap(({ mask }) => (mask === null ? [] : [mask]));
}

/** Masks have to be there, of their type, and take a length for each row. */
function checkPaddingMasks(config: ModelConfig, signature: Signature, problems: ConfigProblems): void {
  for (const mask of paddingMasks(config)) {
    const provided = signature.inputs.find((input) => input.name === mask.name);
    if (provided === undefined) {
      const names = signature.inputs.map((input) => input.name).join(", ");
      problems.invalid(`padding mask '${mask.name}' is no input of the model, its inputs are: ${names}`);
      continue;
    }
    const datatype = requireDataType("input", provided, problems);
    if (datatype !== null && datatype !== mask.datatype) {
      problems.invalid(
        `padding mask '${mask.name}': configuration expects datatype ${configDataTypeName(mask.datatype)}, model provides ${configDataTypeName(datatype)}. Give it as "mask_data_type"`,
      );
    }
    checkFlatShape(`padding mask '${mask.name}'`, [-1, -1], provided, problems);
  }
}

function generatedShape(batchInput: BatchInput, config: ModelConfig): Shape {
  if (batchInput.kind !== "BATCH_ITEM_SHAPE") return [-1];
  return [-1, config.input.find((input) => input.name === batchInput.sourceInput)?.dims.length ?? 0];
}

/** Checks the shape of an input that has no batch dimension, because it is made over the whole batch. */
function checkFlatShape(
  what: string,
  shape: Shape,
  provided: SignatureTensor,
  problems: ConfigProblems,
): void {
  if (provided.shape === null || acceptsShape(provided.shape, shape)) return;
  problems.invalid(
    `${what}: the model has to take the shape ${formatShape(shape)}, but it expects ${formatShape(provided.shape)}`,
  );
}

/** A variable dimension of the model takes anything; a fixed one takes only itself, not even "variable". */
function acceptsShape(model: Shape, configured: Shape): boolean {
  return model.length === configured.length && model.every((dim, i) => dim === -1 || dim === configured[i]);
}
