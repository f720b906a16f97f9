import { configDataTypeName } from "../core/data-type.ts";
import type { ConfigProblems } from "./config-problems.ts";
import type { ModelConfigFields, ModelInput } from "./model-config.gen.ts";
import { requireDataType, type Signature, type SignatureTensor, type TensorRole } from "./model-signature.ts";

/** A config with what the model file says filled in. */
export interface Autocompleted {
  readonly fields: ModelConfigFields;
  /** What was filled in and its author may want to know of, without the model's name. */
  readonly notices: readonly string[];
}

/**
 * Fills in what a config leaves out and the model knows: the batch size, the scheduler, and the list of inputs or
 * outputs when it is missing. A list that is present is left as it is, and a config that has both is not touched.
 *
 * @param defaultMaxBatchSize - `max_batch_size` of a model that batches and whose config does not say; 0 leaves
 * batching off.
 * @param problems - Receives what the model cannot do, or has no config form.
 */
export function autocompleteFromSignature(
  fields: ModelConfigFields,
  signature: Signature,
  defaultMaxBatchSize: number,
  problems: ConfigProblems,
): Autocompleted {
  const hasInput = (fields.input ?? []).length > 0;
  const hasOutput = (fields.output ?? []).length > 0;
  if (hasInput && hasOutput) return { fields, notices: [] };

  const notices: string[] = [];
  const completed: ModelConfigFields = { ...fields };
  let maxBatchSize = fields.max_batch_size ?? 0;
  if (!modelBatches(signature)) {
    if (maxBatchSize > 0) {
      problems.invalid("model does not support batching while non-zero max_batch_size is specified");
    }
  } else if (maxBatchSize === 0 && defaultMaxBatchSize > 0) {
    maxBatchSize = defaultMaxBatchSize;
    completed.max_batch_size = maxBatchSize;
    notices.push(
      `max_batch_size set to ${maxBatchSize}, because the model batches and its configuration leaves out inputs or outputs`,
    );
  }
  const hasScheduler = fields.dynamic_batching !== undefined || fields.sequence_batching !== undefined;
  if (maxBatchSize > 1 && !hasScheduler) {
    completed.dynamic_batching = {};
    notices.push("dynamic batching switched on, because the model batches");
  }
  const context = { isBatching: maxBatchSize > 0, problems };
  if (!hasInput)
    completed.input = clientInputs(fields, signature).flatMap((tensor) =>
      fromSignature("input", tensor, context),
    );
  if (!hasOutput)
    completed.output = clientOutputs(fields, signature).flatMap((tensor) =>
      fromSignature("output", tensor, context),
    );
  return { fields: completed, notices };
}

/** The inputs that the server does not make itself. */
function clientInputs(fields: ModelConfigFields, signature: Signature): readonly SignatureTensor[] {
  const { control_input: controls = [], state: states = [] } = fields.sequence_batching ?? {};
  const generated = new Set([
    ...(fields.batch_input ?? []).flatMap((input) => input.target_name),
    ...controls.map((control) => control.name),
    ...states.map((state) => state.input_name),
  ]);
  for (const { mask } of Object.values(fields.dynamic_batching?.pad ?? {})) {
    if (mask !== undefined) generated.add(mask);
  }
  return signature.inputs.filter((input) => !generated.has(input.name));
}

/** The outputs that do not stay inside the server. */
function clientOutputs(fields: ModelConfigFields, signature: Signature): readonly SignatureTensor[] {
  const states = new Set((fields.sequence_batching?.state ?? []).map((state) => state.output_name));
  return signature.outputs.filter((output) => !states.has(output.name));
}

/** Whether each input and output has a first dimension that varies. */
function modelBatches(signature: Signature): boolean {
  return [...signature.inputs, ...signature.outputs].every((tensor) => tensor.shape?.[0] === -1);
}

/** The config entry of one tensor; none when the tensor has no config form, which is then noted. */
function fromSignature(
  role: TensorRole,
  tensor: SignatureTensor,
  context: { readonly isBatching: boolean; readonly problems: ConfigProblems },
): ModelInput[] {
  const datatype = requireDataType(role, tensor, context.problems);
  if (datatype === null) return [];
  if (tensor.shape === null) {
    context.problems.invalid(
      `${role} '${tensor.name}' has no fixed number of dimensions in the model: the configuration must specify "${role}" with its 'dims'`,
    );
    return [];
  }
  const entry = { name: tensor.name, data_type: configDataTypeName(datatype) };
  const dims = context.isBatching ? tensor.shape.slice(1) : [...tensor.shape];
  if (dims.length > 0) return [{ ...entry, dims }];
  if (context.isBatching) return [{ ...entry, dims: [1], reshape: { shape: [] } }];
  context.problems.unsupported(
    `${role} '${tensor.name}' is a scalar without dimensions, which is not supported for a model that does not batch`,
  );
  return [];
}
