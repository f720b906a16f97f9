import { StatusError } from "../core/status.ts";
import type { Series } from "./collected-family.ts";
import type { ModelSample, ModelSource } from "./metric-families.ts";

/** A model version whose series are to be shown. */
export interface ModelRegistration extends ModelSource {
  readonly name: string;
  /** A decimal number. */
  readonly version: string;
  /** Path of its repository with `--model-namespacing`: a label of its own; `null`: there is no such label. */
  readonly namespace: string | null;
  /** The config's `metric_tags`: each becomes a label, its name prefixed with an underscore. */
  readonly tags: Readonly<Record<string, string>>;
}

interface RegisteredModel {
  readonly source: ModelSource;
  readonly labels: Readonly<Record<string, string>>;
}

/** The model versions whose series are on the page. */
export class ModelMetrics {
  /** By namespace, name and version. Several only while a version is being reloaded; the last one is shown. */
  readonly #models = new Map<string, RegisteredModel[]>();

  /**
   * Shows the series of a model version until the returned function is called.
   *
   * @remarks A page must not have two series with the same labels. While a version is reloaded its old and its new
   * copy exist at once: the newest registration is shown, and when that one goes, the one before it again.
   * @returns Removes this registration; calling it again does nothing.
   * @throws StatusError INVALID_ARG when a tag's name cannot be a label.
   */
  register(model: ModelRegistration): () => void {
    const registered: RegisteredModel = { source: model, labels: labelsOf(model) };
    const key = JSON.stringify([model.namespace, model.name, model.version]);
    const stack = this.#models.get(key) ?? [];
    stack.push(registered);
    this.#models.set(key, stack);
    return () => {
      const position = stack.indexOf(registered);
      if (position < 0) return;
      stack.splice(position, 1);
      if (stack.length === 0) this.#models.delete(key);
    };
  }

  /** The series of one family, model by model in the order of their registration. */
  collect(family: { read(source: ModelSource): readonly ModelSample[] }): Series[] {
    const series: Series[] = [];
    for (const stack of this.#models.values()) {
      const shown = stack.at(-1);
      if (shown === undefined) continue;
      for (const { suffix, labels, value } of family.read(shown.source)) {
        series.push({ suffix, labels: { ...shown.labels, ...labels }, value });
      }
    }
    return series;
  }
}

/** What the text format allows in a label name, after the underscore that every tag gets. */
const tagName = /^[a-zA-Z0-9_]+$/;

function labelsOf(model: ModelRegistration): Record<string, string> {
  const labels: Record<string, string> = { model: model.name, version: model.version };
  if (model.namespace !== null) labels["namespace"] = model.namespace;
  for (const [tag, value] of Object.entries(model.tags)) {
    if (!tagName.test(tag)) {
      throw new StatusError(
        "INVALID_ARG",
        `Model "${model.name}": metric_tags key ${JSON.stringify(tag)} cannot be a metric label, which consists of letters, digits and underscores`,
      );
    }
    labels[`_${tag}`] = value;
  }
  return labels;
}
