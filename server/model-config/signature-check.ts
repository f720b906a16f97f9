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
  if (config.output.length === 0) problems.invalid(`must specify 'output' for ${config.name}`);
  checkTensors("output", config, signature.outputs, problems);
}

/** Outputs may be left out, which hides them; a model does not run without all its inputs. */
function checkInputCount(config: ModelConfig, signature: Signature, problems: ConfigProblems): void {
  if (config.input.length === signature.inputs.length) return;
  const configured = new Set(config.input.map((input) => input.name));
  const missing = signature.inputs.filter((input) => !configured.has(input.name));
  const names = missing.map((input) => `'${input.name}'`).join(", ");
  problems.invalid(
    `configuration expects ${config.input.length} inputs, model provides ${signature.inputs.length}${names === "" ? "" : `; missing in the configuration: ${names}`}`,
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
