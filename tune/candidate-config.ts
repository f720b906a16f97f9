import type { ModelConfigFields } from "../server/model-config/model-config.gen.ts";
import type { CandidateSettings } from "./candidate-settings.ts";

/** The parameter by which a config gives ONNX Runtime's instances their threads. */
export const threadParameter = "intra_op_thread_count";

/**
 * The configuration of a candidate: the author's own, with the candidate's settings in place.
 *
 * @param fields - What the author wrote, in canonical form.
 * @param tunesInstances - Whether the count of the one instance group is set; else groups stay as they are.
 * @returns A new object, in the form of `config.json`.
 */
export function candidateConfig(
  fields: ModelConfigFields,
  settings: CandidateSettings,
  tunesInstances: boolean,
): ModelConfigFields {
  const { instanceCount, threadCount, maxBatchSize, queueDelayUs } = settings;
  const [group = { kind: "KIND_CPU" }] = fields.instance_group ?? [];
  return {
    ...fields,
    ...(maxBatchSize === 0 ? {} : { max_batch_size: maxBatchSize }),
    ...(tunesInstances ? { instance_group: [{ ...group, count: instanceCount }] } : {}),
    ...(threadCount === null
      ? {}
      : {
          parameters: {
            ...fields.parameters,
            [threadParameter]: { string_value: String(threadCount) },
          },
        }),
    ...(queueDelayUs === null ? {} : { dynamic_batching: batching(fields, maxBatchSize, queueDelayUs) }),
  };
}

function batching(
  { dynamic_batching: written = {} }: ModelConfigFields,
  maxBatchSize: number,
  queueDelayUs: number,
): NonNullable<ModelConfigFields["dynamic_batching"]> {
  const { preferred_batch_size: preferred, ...others } = written;
  // A preferred size above the largest batch is refused, and a list of none means the default.
  const possible = (preferred ?? []).filter((size) => size <= maxBatchSize);
  return {
    ...others,
    ...(possible.length === 0 ? {} : { preferred_batch_size: possible }),
    max_queue_delay_microseconds: queueDelayUs,
  };
}
