import { type DataType, parseConfigDataType } from "../core/data-type.ts";
import type {
  ControlInput,
  DirectStrategy,
  InitialState,
  OldestStrategy,
  SequenceBatching,
  SequenceState,
} from "./model-config.ts";
import type * as wire from "./model-config.gen.ts";

type Control = wire.SequenceControlInput["control"][number];

const defaultIdleUs = 1_000_000;

/**
 * Fills the defaults of `sequence_batching` in.
 *
 * @param fields - Control inputs that break the rules of `validateControlInputs` come out without a meaning.
 */
export function normaliseSequenceBatching(
  fields: wire.ModelSequenceBatching | undefined,
  maxBatchSize: number,
): SequenceBatching | null {
  if (fields === undefined) return null;
  const idleUs = fields.max_sequence_idle_microseconds ?? 0;
  return {
    maxSequenceIdleUs: idleUs === 0 ? defaultIdleUs : idleUs,
    controlInput: (fields.control_input ?? []).map(normaliseControlInput),
    strategy:
      fields.oldest === undefined
        ? normaliseDirect(fields.direct ?? {})
        : normaliseOldest(fields.oldest, maxBatchSize),
    state: (fields.state ?? []).map(normaliseState),
    isIterative: fields.iterative_sequence ?? false,
  };
}

function normaliseControlInput({ name, control }: wire.SequenceControlInput): ControlInput {
  const first: Control = control[0] ?? {};
  const kind = first.kind ?? "CONTROL_SEQUENCE_START";
  if (kind === "CONTROL_SEQUENCE_CORRID") {
    return { name, kind, datatype: normaliseDataType(first.data_type), falseTrue: null };
  }
  const [datatype, values] = falseTrueOf(first);
  return { name, kind, datatype, falseTrue: [Number(values[0]), Number(values[1])] };
}

function falseTrueOf(control: Control): readonly [DataType, readonly (number | boolean)[]] {
  if ((control.int32_false_true ?? []).length > 0) return ["INT32", control.int32_false_true ?? []];
  if ((control.fp32_false_true ?? []).length > 0) return ["FP32", control.fp32_false_true ?? []];
  return ["BOOL", control.bool_false_true ?? []];
}

function normaliseDirect(fields: wire.SequenceStrategyDirect): DirectStrategy {
  return {
    kind: "direct",
    maxQueueDelayUs: fields.max_queue_delay_microseconds ?? 0,
    minimumSlotUtilization: fields.minimum_slot_utilization ?? 0,
  };
}

function normaliseOldest(fields: wire.SequenceStrategyOldest, maxBatchSize: number): OldestStrategy {
  const preferred = fields.preferred_batch_size ?? [];
  return {
    kind: "oldest",
    maxCandidateSequences: fields.max_candidate_sequences ?? 0,
    preferredBatchSize: preferred.length === 0 && maxBatchSize > 0 ? [maxBatchSize] : preferred,
    maxQueueDelayUs: fields.max_queue_delay_microseconds ?? 0,
    preserveOrdering: fields.preserve_ordering ?? false,
  };
}

function normaliseState(state: wire.SequenceState): SequenceState {
  const initial = state.initial_state?.[0];
  return {
    inputName: state.input_name,
    outputName: state.output_name,
    datatype: normaliseDataType(state.data_type),
    dims: state.dims,
    initialState: initial === undefined ? null : normaliseInitialState(initial),
    isSameBufferAsked: state.use_same_buffer_for_input_output ?? false,
  };
}

function normaliseInitialState(
  initial: NonNullable<wire.SequenceState["initial_state"]>[number],
): InitialState {
  return { name: initial.name, dims: initial.dims, dataFile: initial.data_file ?? null };
}

/** A control input whose type is missing is refused by its own check. */
function normaliseDataType(name: wire.DataType | undefined): DataType {
  return (name === undefined ? null : parseConfigDataType(name)) ?? "BOOL";
}
