import type { ConfigProblems } from "./config-problems.ts";
import { childPath } from "./json-path.ts";
import type { ModelConfigFields, SequenceControlInput } from "./model-config.gen.ts";

type Control = SequenceControlInput["control"][number];

const valueLists = ["int32_false_true", "fp32_false_true", "bool_false_true"] as const;

/** Types that a correlation id can be given as. */
const correlationIdTypes: readonly string[] = [
  "TYPE_UINT64",
  "TYPE_INT64",
  "TYPE_UINT32",
  "TYPE_INT32",
  "TYPE_STRING",
];

/**
 * Checks what each control input says. Looks at the fields as written, because a complete config has no place for a
 * contradiction.
 *
 * @param problems - Receives what is wrong.
 * @see contract §4.2, Control
 */
export function validateControlInputs(fields: ModelConfigFields, problems: ConfigProblems): void {
  const inputs = fields.sequence_batching?.control_input ?? [];
  const firstOfKind = new Map<string, string>();
  for (const [i, input] of inputs.entries()) {
    const path = childPath("sequence_batching.control_input", i);
    const control = input.control[0];
    if (control === undefined || input.control.length > 1) {
      problems.invalid(
        `"${path}.control": control input '${input.name}' must have exactly one meaning, got ${input.control.length}`,
      );
      continue;
    }
    const kind = control.kind ?? "CONTROL_SEQUENCE_START";
    const earlier = firstOfKind.get(kind);
    if (earlier === undefined) firstOfKind.set(kind, input.name);
    else {
      problems.invalid(`"${path}.control[0].kind": ${kind} is told by control input '${earlier}' already`);
    }
    if (kind === "CONTROL_SEQUENCE_CORRID") checkCorrelationId(control, input.name, path, problems);
    else checkFlag(control, input.name, path, problems);
  }
}

function checkCorrelationId(control: Control, name: string, path: string, problems: ConfigProblems): void {
  const given = valueLists.filter((list) => (control[list] ?? []).length > 0);
  for (const list of given) {
    problems.invalid(
      `"${path}.control[0].${list}": control input '${name}' tells an id, which has no values for false and true`,
    );
  }
  const type = control.data_type ?? "TYPE_INVALID";
  if (correlationIdTypes.includes(type)) return;
  problems.invalid(
    `"${path}.control[0].data_type": control input '${name}' tells an id, which must be one of ${correlationIdTypes.join(", ")}, got ${type}`,
  );
}

function checkFlag(control: Control, name: string, path: string, problems: ConfigProblems): void {
  const given = valueLists.filter((list) => (control[list] ?? []).length > 0);
  if (given.length !== 1) {
    problems.invalid(
      `"${path}.control[0]": control input '${name}' must have exactly one of ${valueLists.join(", ")}, got ${given.length === 0 ? "none" : given.join(" and ")}`,
    );
    return;
  }
  for (const list of given) {
    const count = control[list]?.length ?? 0;
    if (count === 2) continue;
    problems.invalid(
      `"${path}.control[0].${list}" must have exactly two values, for false and true, got ${count}`,
    );
  }
  if ((control.data_type ?? "TYPE_INVALID") !== "TYPE_INVALID") {
    problems.invalid(
      `"${path}.control[0].data_type" is for CONTROL_SEQUENCE_CORRID only: control input '${name}' has the type of its values`,
    );
  }
}
