import { renderTable } from "../logging/table.ts";
import type { ExplainedPlan, ModelExplanation } from "./model-explanation.ts";

/** The explanation for people. Values that are empty by default are counted, not listed. Ends with a newline. */
export function formatExplanation(explanation: ModelExplanation): string {
  const { name, directory, file, versions, values, plan, warnings } = explanation;
  const shown = values.filter(
    ({ origin, value, detail }) => origin !== "default" || detail !== "" || !isEmpty(value),
  );
  const hiddenCount = values.length - shown.length;
  const rows = shown.map(({ path, value, origin, detail }) => [
    path,
    JSON.stringify(value),
    detail === "" ? origin : `${origin}: ${detail}`,
  ]);
  const blocks = [
    [
      `Model '${name}', version${versions.length === 1 ? "" : "s"} ${versions.join(", ")}`,
      `  directory: ${directory}`,
      `  config:    ${file ?? "none, everything is read from the model"}`,
    ].join("\n"),
    renderTable(["Field", "Value", "From"], rows).trimEnd(),
    ...(hiddenCount === 0 ? [] : [`${hiddenCount} more fields are empty by default; --json lists them.`]),
    plan === null
      ? "An ensemble has no instances: it runs in those of the models of its steps."
      : formatPlan(plan, versions.at(-1) ?? ""),
    ...warnings.map((warning) => `Warning: ${warning}`),
  ];
  return `${blocks.join("\n\n")}\n`;
}

/** The explanation for programs, as JSON with an indent of two. Ends with a newline. */
export function renderExplanation(explanation: ModelExplanation): string {
  const { name, directory, file, versions, values, plan, warnings } = explanation;
  const reply = {
    name,
    directory,
    file,
    versions: versions.map(Number),
    values,
    instances:
      plan === null
        ? null
        : {
            engine: plan.engine,
            cores: plan.coreCount,
            threads_per_instance: plan.threadCount,
            reasons: [...plan.groups, `threads: ${plan.threadReason}`],
            instances: plan.inits.map(({ instanceName, kind, deviceId, threadCount }) => ({
              name: instanceName,
              kind,
              gpu: deviceId < 0 ? null : deviceId,
              threads: threadCount,
            })),
          },
    warnings,
  };
  return `${JSON.stringify(reply, null, 2)}\n`;
}

function formatPlan(plan: ExplainedPlan, version: string): string {
  const { engine, inits, threadCount, threadReason, coreCount, groups } = plan;
  return [
    `Version ${version} runs in ${inits.length} instance(s) of ${threadCount} thread(s), on ${coreCount} core(s):`,
    ...groups.map((group) => `  ${group}`),
    `  threads: ${threadReason}`,
    ...(engine === null ? [] : [`  engine: ${engine.name}, ${engine.description}`]),
  ].join("\n");
}

/** Whether a value is what protobuf leaves out. */
function isEmpty(value: unknown): boolean {
  if (typeof value === "object" && value !== null) return Object.keys(value).length === 0;
  return value === 0 || value === false || value === "" || value === null;
}
