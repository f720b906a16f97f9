import { nearest } from "../core/edit-distance.ts";
import { listValue, type OptionValue, parseInteger, ValueProblem } from "./option-value.ts";
import type { BackendConfigSetting } from "./server-options.ts";

/** A setting that `--backend-config` accepts. */
export interface BackendConfigKey {
  /** `null`: written without a backend, for all of them. */
  readonly backend: string | null;
  readonly key: string;
  /** What it may be: an integer from 0 (when it is left out), any text, or one of several words. */
  readonly values?: "text" | readonly string[];
  readonly doc: string;
}

const maxValue = 2_147_483_647;

/** Every setting that some part of the server reads. A key that is not here is refused, never ignored. */
export const backendConfigKeys: readonly BackendConfigKey[] = [
  {
    backend: null,
    key: "default-max-batch-size",
    doc: "`max_batch_size` of models that can batch and whose config does not give one. Default 4; 0 leaves batching off for them.",
  },
  {
    backend: "onnxruntime",
    key: "default-max-batch-size",
    doc: "The same for ONNX models only; wins over the global setting.",
  },
  {
    backend: "onnxruntime",
    key: "intra_op_thread_count",
    doc: "Threads that one instance uses inside an operator, for models whose config gives none. Default 0: a share of the core budget.",
  },
  {
    backend: "onnxruntime",
    key: "inter_op_thread_count",
    doc: "Threads that run independent operators at once, for models whose config gives none. Default 0: one.",
  },
  {
    backend: "tensorflow",
    key: "default-max-batch-size",
    doc: "The same for TensorFlow models only; wins over the global setting.",
  },
  {
    backend: "tensorflow",
    key: "engine",
    values: ["auto", "native", "wasm", "cpu"],
    doc: "What runs the models whose config has no `parameters.engine`. Default `auto`: native TensorFlow where it is installed, else WebAssembly.",
  },
  {
    backend: "tensorflow",
    key: "native-directory",
    values: "text",
    doc: "Directory that `npm run setup:tensorflow` was told to install into, if another than its own.",
  },
];

const syntax = "[<backend>,]<key>=<value>";

/** Reads one `--backend-config` argument. */
export function parseBackendConfigSetting(text: string): BackendConfigSetting | ValueProblem {
  const equals = text.indexOf("=");
  if (equals < 0) return ValueProblem.expected(syntax, text);
  const name = text.slice(0, equals);
  const value = text.slice(equals + 1);
  const comma = name.indexOf(",");
  const backend = comma < 0 ? null : name.slice(0, comma);
  const key = name.slice(comma + 1);
  if (backend === "" || key === "") return ValueProblem.expected(syntax, text);

  const settingsOfBackend = backendConfigKeys.filter((known) => known.backend === backend);
  const keysOfBackend = settingsOfBackend.map((known) => known.key);
  // It may be one of --backend-directory, which checks its settings itself.
  if (backend !== null && keysOfBackend.length === 0) return { backend, key, value };
  if (!keysOfBackend.includes(key)) {
    const owner = backend === null ? "" : ` of backend "${backend}"`;
    return unknownName(`key "${key}"${owner}`, key, keysOfBackend);
  }
  const values = settingsOfBackend.find((known) => known.key === key)?.values;
  if (values === "text") return { backend, key, value };
  if (values !== undefined) {
    return values.includes(value)
      ? { backend, key, value }
      : ValueProblem.expected(`one of ${values.join(", ")} for ${name}`, value);
  }
  const number = parseInteger(value);
  if (number === undefined || number < 0 || number > maxValue) {
    return ValueProblem.expected(`an integer from 0 to ${maxValue} for ${name}`, value);
  }
  return { backend, key, value: String(number) };
}

/** What is wrong with settings of backends that are not the server's own, when there is no directory with others. */
export function unknownBackendProblem(settings: readonly BackendConfigSetting[]): string | null {
  const own = [
    ...new Set(backendConfigKeys.flatMap((known) => (known.backend === null ? [] : [known.backend]))),
  ];
  const unknown = settings.find(({ backend }) => backend !== null && !own.includes(backend))?.backend;
  return unknown === undefined || unknown === null
    ? null
    : unknownName(`backend "${unknown}"`, unknown, own).message;
}

function unknownName(what: string, name: string, known: readonly string[]): ValueProblem {
  const suggestion = nearest(name, known);
  const hint = suggestion === null ? "" : `, did you mean ${suggestion}?`;
  return new ValueProblem(`names unknown ${what}${hint} (known: ${known.join(", ")})`);
}

/** The value of `--backend-config`: each occurrence adds a setting. */
export const backendConfigValue: OptionValue<readonly BackendConfigSetting[]> = listValue(
  syntax,
  syntax,
  parseBackendConfigSetting,
);

/**
 * What `--backend-config` says to one backend: the global settings, overruled by the backend's own. Of equal keys
 * the last one given wins.
 */
export function settingsForBackend(
  settings: readonly BackendConfigSetting[],
  backend: string,
): ReadonlyMap<string, string> {
  const result = new Map<string, string>();
  for (const scope of [null, backend]) {
    for (const setting of settings) {
      if (setting.backend === scope) result.set(setting.key, setting.value);
    }
  }
  return result;
}
