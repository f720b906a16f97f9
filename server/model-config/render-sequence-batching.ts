import { configDataTypeName } from "../core/data-type.ts";
import type {
  ControlInput,
  DirectStrategy,
  OldestStrategy,
  SequenceBatching,
  SequenceState,
} from "./model-config.ts";
import type * as wire from "./model-config.gen.ts";

type Control = wire.SequenceControlInput["control"][number];

/** The rules of the sequence batcher as clients see them. */
export function renderSequenceBatching(batching: SequenceBatching): wire.ModelSequenceBatching {
  return {
    max_sequence_idle_microseconds: batching.maxSequenceIdleUs,
    control_input: batching.controlInput.map(renderControlInput),
    ...renderStrategy(batching.strategy),
    state: batching.state.map(renderState),
    iterative_sequence: batching.isIterative,
  };
}

function renderControlInput(input: ControlInput): wire.SequenceControlInput {
  const lists = { int32_false_true: [], fp32_false_true: [], bool_false_true: [] };
  return {
    name: input.name,
    control: [{ kind: input.kind, ...lists, ...renderMeaning(input) }],
  };
}

function renderMeaning({ falseTrue, datatype }: ControlInput): Control {
  if (falseTrue === null) return { data_type: configDataTypeName(datatype) };
  const values = [...falseTrue];
  const unused = { data_type: "TYPE_INVALID" } as const;
  if (datatype === "INT32") return { ...unused, int32_false_true: values };
  if (datatype === "FP32") return { ...unused, fp32_false_true: values };
  return { ...unused, bool_false_true: values.map((value) => value !== 0) };
}

function renderStrategy(
  strategy: DirectStrategy | OldestStrategy,
): Pick<wire.ModelSequenceBatching, "direct" | "oldest"> {
  if (strategy.kind === "direct") {
    return {
      direct: {
        max_queue_delay_microseconds: strategy.maxQueueDelayUs,
        minimum_slot_utilization: strategy.minimumSlotUtilization,
      },
    };
  }
  return {
    oldest: {
      max_candidate_sequences: strategy.maxCandidateSequences,
      preferred_batch_size: [...strategy.preferredBatchSize],
      max_queue_delay_microseconds: strategy.maxQueueDelayUs,
      preserve_ordering: strategy.preserveOrdering,
    },
  };
}

function renderState(state: SequenceState): wire.SequenceState {
  const { initialState } = state;
  const dataType = configDataTypeName(state.datatype);
  return {
    input_name: state.inputName,
    output_name: state.outputName,
    data_type: dataType,
    dims: [...state.dims],
    initial_state:
      initialState === null
        ? []
        : [
            {
              data_type: dataType,
              dims: [...initialState.dims],
              ...(initialState.dataFile === null
                ? { zero_data: true }
                : { data_file: initialState.dataFile }),
              name: initialState.name,
            },
          ],
    use_same_buffer_for_input_output: state.isSameBufferAsked,
    use_growable_memory: false,
  };
}
