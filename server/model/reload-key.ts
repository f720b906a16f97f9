import type { ModelConfig } from "../model-config/model-config.ts";
import { renderModelConfig } from "../model-config/render-config.ts";

/**
 * What of a config needs a new load when it changes, as a text to compare: everything but where instances run and which
 * versions are served.
 *
 * @param config - As drafted, before it was completed from the model: what comes from the model changes with its file.
 * @see contract §5.4
 */
export function reloadKey(config: ModelConfig): string {
  const rest = { ...config, instanceGroup: [], versionPolicy: { kind: "all" } as const };
  return JSON.stringify(inKeyOrder(renderModelConfig(rest)));
}

/** The order in which a config names its settings means nothing. */
function inKeyOrder(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(inKeyOrder);
  if (typeof value !== "object" || value === null) return value;
  const sorted = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(sorted.map(([key, each]) => [key, inKeyOrder(each)]));
}
