import { configDataTypeName } from "../core/data-type.ts";
import { formatShape, type Shape } from "../core/shape.ts";
import type { ConfigProblems } from "./config-problems.ts";
import { modelDims, withBatchDim, type ModelConfig, type ModelTensorConfig } from "./model-config.ts";
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
  checkSequenceTensors(config, signature, problems);
  if (config.output.length === 0) problems.invalid(`must specify 'output' for ${config.name}`);
  checkTensors("output", config, signature.outputs, problems);
}

/** Outputs may be left out, which hides them; a model does not run without all its inputs. */
function checkInputCount(config: ModelConfig, signature: Signature, problems: ConfigProblems): void {
  const names = [...config.input, ...sequenceInputs(config)].map((input) => input.name);
  if (names.length === signature.inputs.length) return;
  const configured = new Set(names);
  const missing = signature.inputs.filter((input) => !configured.has(input.name));
  const missingNames = missing.map((input) => `'${input.name}'`).join(", ");
  problems.invalid(
    `configuration expects ${names.length} inputs, model provides ${signature.inputs.length}${missingNames === "" ? "" : `; missing in the configuration: ${missingNames}`}`,
  );
}

function checkTensors(
  role: TensorRole,
  config: ModelConfig,
  provided: readonly SignatureTensor[],
  problems: ConfigProblems,
): void {
  for (const tensor of config[role]) {
    const match = provided.find((candidate) => candidate.name === tensor.name);
    if (match !== undefined) {
      checkTensor(role, config, tensor, match, problems);
      continue;
    }
    const allowed = provided.map((candidate) => candidate.name).join(", ");
    problems.invalid(`unexpected inference ${role} '${tensor.name}', allowed ${role}s are: ${allowed}`);
  }
}

/** Inputs that the sequence batcher fills: the controls, each [1] per request, and the states. */
function sequenceInputs(config: ModelConfig): SequenceTensor[] {
  const { controlInput = [], state = [] } = config.sequenceBatching ?? {};
  return [
    ...controlInput.map(({ name, datatype }) => ({ what: "control", name, datatype, dims: [1] })),
    ...state.map(({ inputName, datatype, dims }) => ({ what: "state", name: inputName, datatype, dims })),
  ];
}

/** A tensor between the sequence batcher and the model. */
interface SequenceTensor extends Pick<ModelTensorConfig, "name" | "datatype" | "dims"> {
  readonly what: string;
}

function checkSequenceTensors(config: ModelConfig, signature: Signature, problems: ConfigProblems): void {
  const stateOutputs = (config.sequenceBatching?.state ?? []).map(
    ({ outputName, datatype, dims }): SequenceTensor => ({ what: "state", name: outputName, datatype, dims }),
  );
  const check = (role: TensorRole, tensors: readonly SequenceTensor[]): void => {
    for (const tensor of tensors) {
      const match = signature[`${role}s`].find((candidate) => candidate.name === tensor.name);
      if (match !== undefined) {
        checkTensor(role, config, { ...tensor, reshape: null }, match, problems);
        continue;
      }
      const known = signature[`${role}s`].map((candidate) => candidate.name).join(", ");
      problems.invalid(
        `the model has no ${role} '${tensor.name}' for the ${tensor.what} of "sequence_batching", its ${role}s are: ${known}`,
      );
    }
  };
  check("input", sequenceInputs(config));
  check("output", stateOutputs);
}

function checkTensor(
  role: TensorRole,
  config: ModelConfig,
  tensor: ModelTensorConfig,
  provided: SignatureTensor,
  problems: ConfigProblems,
): void {
  const datatype = requireDataType(role, provided, problems);
  if (datatype !== null && datatype !== tensor.datatype) {
    problems.invalid(
      `${role} '${tensor.name}': configuration expects datatype ${configDataTypeName(tensor.datatype)}, model provides ${configDataTypeName(datatype)}`,
    );
  }
  const full = withBatchDim(modelDims(tensor), config.maxBatchSize);
  if (provided.shape === null || acceptsShape(provided.shape, full)) return;
  const batch =
    config.maxBatchSize > 0 ? ", with the batch dimension that max_batch_size > 0 puts first" : "";
  problems.invalid(
    `${role} '${tensor.name}': the model expects ${provided.shape.length} dimensions (shape ${formatShape(provided.shape)}) but the model configuration specifies ${full.length} dimensions (shape ${formatShape(full)}${batch})`,
  );
}

/** A variable dimension of the model takes anything; a fixed one takes only itself, not even "variable". */
function acceptsShape(model: Shape, configured: Shape): boolean {
  return model.length === configured.length && model.every((dim, i) => dim === -1 || dim === configured[i]);
}
