import { nearest } from "../core/edit-distance.ts";
import { ConfigProblems } from "./config-problems.ts";
import { ensembleBackend, ensemblePlatform } from "./ensemble-platform.ts";
import type { ModelConfigFields } from "./model-config.gen.ts";
import type { ModelConfigDocument } from "./read-config.ts";

/** What the completion of a config has to know of a backend. */
export interface BackendFacts {
  readonly name: string;
  /** The platforms that a config may name with it; the first is the default. */
  readonly platforms: readonly string[];
  readonly defaultModelFilename: string;
  /** Instances of a KIND_CPU group whose config gives no count. */
  readonly defaultCpuInstanceCount: number;
  /** `requests`: it answers each request by itself, so that its models may be decoupled. */
  readonly executionStyle: "batch" | "requests";
}

/** Where a backend is looked for. */
export interface BackendSearch {
  /** `null`: the model has no config file. */
  readonly document: ModelConfigDocument | null;
  /** Name of the model's directory. */
  readonly modelName: string;
  /** Names of the files and directories in the first version directory, by name; empty when there is none. */
  readonly versionDirectoryEntries: readonly string[];
  /** False after `--disable-auto-complete-config`: the directory and the model's name are not asked. */
  readonly isAutoCompleteEnabled: boolean;
  /** The backends of this server. */
  readonly backends: readonly BackendFacts[];
}

/** How a model is run. */
export interface ResolvedBackend {
  readonly backend: BackendFacts;
  /** "" when the backend has no platforms. */
  readonly platform: string;
  readonly defaultModelFilename: string;
}

interface KnownModelFile {
  readonly filename: string;
  readonly backend: string;
  readonly platform: string;
}

/** What the name of a model's file says, in the order in which a version directory is asked. */
const knownModelFiles: readonly KnownModelFile[] = [
  { filename: "model.savedmodel", backend: "tensorflow", platform: "tensorflow_savedmodel" },
  { filename: "model.graphdef", backend: "tensorflow", platform: "tensorflow_graphdef" },
  { filename: "model.json", backend: "tensorflow", platform: "tensorflow_js" },
  { filename: "model.plan", backend: "tensorrt", platform: "tensorrt_plan" },
  { filename: "model.onnx", backend: "onnxruntime", platform: "onnxruntime_onnx" },
  { filename: "model.xml", backend: "openvino", platform: "" },
  { filename: "model.pt", backend: "pytorch", platform: "pytorch_libtorch" },
  { filename: "model.pt2", backend: "pytorch", platform: "torch_aoti" },
  { filename: "model.py", backend: "python", platform: "" },
  { filename: "model.mjs", backend: "javascript", platform: "" },
  { filename: "model.js", backend: "javascript", platform: "" },
];

/** Backends that users of Triton know; those that this server lacks are "not supported yet", not a typing error. */
const knownBackends: ReadonlySet<string> = new Set([
  ...knownModelFiles.map((file) => file.backend),
  "dali",
  "fil",
  "identity",
  "repeat",
  "square",
  "tensorrtllm",
  "vllm",
]);

/**
 * Finds the backend that runs a model, from what its config says and, where that says nothing, from the files in
 * its first version directory or the end of its name.
 *
 * @throws StatusError INVALID_ARG when there is none or the config contradicts itself, UNSUPPORTED for a backend
 * that is known but not part of this server.
 */
export function autofillBackend(search: BackendSearch): ResolvedBackend {
  const { document, modelName } = search;
  const problems = new ConfigProblems(document?.file ?? `model '${modelName}'`, document);
  if (document === null && !search.isAutoCompleteEnabled) {
    problems.invalid("there is no config.json or config.pbtxt, and auto-complete is disabled");
    problems.throwIfAny();
  }
  const fields = document?.fields ?? {};
  checkName(fields, search, problems);
  if (isEnsemble(fields)) {
    checkEnsembleBackend(fields, problems);
    problems.throwIfAny();
    return { backend: ensembleBackend, platform: ensemblePlatform, defaultModelFilename: "" };
  }
  const wanted = wantedBackend(fields, search, problems);
  problems.throwIfAny();

  const backend = findBackend(wanted.name, search.backends, problems);
  const platform = fields.platform ?? "";
  if (backend !== null && platform !== "" && !backend.platforms.includes(platform)) {
    const allowed = backend.platforms.length === 0 ? "no platform" : backend.platforms.join(", ");
    problems.invalid(
      `unexpected 'platform' and 'backend' pair, got '${platform}' and '${backend.name}', which takes ${allowed}`,
    );
  }
  const filename = fields.default_model_filename ?? "";
  if (/(^|[/\\])\.\.([/\\]|$)|^[/\\]/.test(filename)) {
    problems.invalid(`"default_model_filename" must stay inside the version directory, got "${filename}"`);
  }
  problems.throwIfAny();
  if (backend === null) throw new Error("A missing backend was not noted. This is a bug.");
  const modelFilename = filename === "" ? (wanted.filename ?? backend.defaultModelFilename) : filename;
  return {
    backend,
    platform: platform === "" ? impliedPlatform(backend, modelFilename) : platform,
    defaultModelFilename: modelFilename,
  };
}

function checkName(fields: ModelConfigFields, search: BackendSearch, problems: ConfigProblems): void {
  const name = fields.name ?? "";
  if (name === "") {
    if (!search.isAutoCompleteEnabled)
      problems.invalid("must specify 'name' while auto-complete is disabled");
  } else if (name !== search.modelName) {
    problems.invalid(
      `directory name must equal model name, got "name" '${name}' in directory '${search.modelName}'`,
    );
  }
}

/** Either mark is enough to know what was meant; {@link checkEnsembleBackend} says what is missing. */
function isEnsemble(fields: ModelConfigFields): boolean {
  return (
    fields.ensemble_scheduling !== undefined ||
    fields.platform === ensemblePlatform ||
    fields.backend === ensemblePlatform
  );
}

/** @see contract §6.7, "Static checks" */
function checkEnsembleBackend(fields: ModelConfigFields, problems: ConfigProblems): void {
  const { platform = "", backend = "" } = fields;
  if (fields.ensemble_scheduling === undefined) {
    problems.invalid(`an ensemble must say its steps in "ensemble_scheduling"`);
  }
  if (platform !== "" && platform !== ensemblePlatform) {
    problems.invalid(
      `ensemble scheduling cannot be set for a model whose platform is '${platform}': "platform" must be "${ensemblePlatform}"`,
    );
  }
  if (backend !== "") {
    problems.invalid(`no backend runs an ensemble: leave "backend" out, got "${backend}"`);
  }
}

interface WantedBackend {
  readonly name: string;
  /** The model's file when it follows from the way the backend was found, else `null`. */
  readonly filename: string | null;
}

/** The name of the backend by the first source that gives one. */
function wantedBackend(
  fields: ModelConfigFields,
  search: BackendSearch,
  problems: ConfigProblems,
): WantedBackend {
  const { backend = "", platform = "", default_model_filename: filename = "" } = fields;
  const { modelName } = search;
  if (backend !== "") return { name: backend, filename: fileOf(platform) ?? presentFileOf(backend, search) };
  if (platform !== "") {
    const name = backendOfPlatform(platform, search.backends);
    if (name === null) problems.invalid(unexpectedPlatform(platform, modelName, search.backends));
    return { name: name ?? "", filename: fileOf(platform) };
  }
  const byFilename = knownModelFiles.find((file) => file.filename === filename);
  if (byFilename !== undefined) return { name: byFilename.backend, filename };
  if (search.isAutoCompleteEnabled) {
    const byFiles = knownModelFiles.find((file) => search.versionDirectoryEntries.includes(file.filename));
    if (filename === "" && byFiles !== undefined)
      return { name: byFiles.backend, filename: byFiles.filename };
    const suffix = modelName.slice(modelName.lastIndexOf(".") + 1);
    if (modelName.includes(".") && suffix !== "") return { name: suffix, filename: `model.${suffix}` };
  }
  const reason = search.isAutoCompleteEnabled
    ? `neither "backend" nor "platform" is set and there is no file like model.onnx in its first version directory (one named by a number, such as 1)`
    : `neither "backend" nor "platform" is set, and auto-complete is disabled`;
  problems.invalid(
    `Could not determine backend for model '${modelName}': ${reason}. Expected model name of the form 'model.<backend_name>'`,
  );
  return { name: "", filename: null };
}

/** The file of this backend that the version directory has: a backend may know several. */
function presentFileOf(backend: string, search: BackendSearch): string | null {
  const { versionDirectoryEntries, isAutoCompleteEnabled } = search;
  if (!isAutoCompleteEnabled) return null;
  const present = knownModelFiles.find(
    (file) => file.backend === backend && versionDirectoryEntries.includes(file.filename),
  );
  return present?.filename ?? null;
}

/** The platform whose models have a file of this name, else the backend's default. */
function impliedPlatform(backend: BackendFacts, filename: string): string {
  const known = knownModelFiles.find((file) => file.backend === backend.name && file.filename === filename);
  const isServed = known !== undefined && backend.platforms.includes(known.platform);
  return isServed ? known.platform : (backend.platforms[0] ?? "");
}

function fileOf(platform: string): string | null {
  if (platform === "") return null;
  return knownModelFiles.find((file) => file.platform === platform)?.filename ?? null;
}

function backendOfPlatform(platform: string, backends: readonly BackendFacts[]): string | null {
  const served = backends.find((backend) => backend.platforms.includes(platform));
  return served?.name ?? knownModelFiles.find((file) => file.platform === platform)?.backend ?? null;
}

function unexpectedPlatform(platform: string, modelName: string, backends: readonly BackendFacts[]): string {
  const allowed = backends.flatMap((backend) => backend.platforms);
  const suggestion = nearest(platform, allowed);
  const hint = suggestion === null ? "" : `, did you mean '${suggestion}'?`;
  return `unexpected platform type '${platform}' for ${modelName}${hint === "" ? "," : hint} allowed are ${allowed.join(", ")}`;
}

function findBackend(
  name: string,
  backends: readonly BackendFacts[],
  problems: ConfigProblems,
): BackendFacts | null {
  const found = backends.find((backend) => backend.name === name);
  if (found !== undefined) return found;
  const names = backends.map((backend) => backend.name);
  if (knownBackends.has(name)) {
    problems.unsupported(`backend '${name}' is not supported yet, available are ${names.join(", ")}`);
    return null;
  }
  const suggestion = nearest(name, names);
  const hint = suggestion === null ? "," : `, did you mean '${suggestion}'?`;
  problems.invalid(
    `unable to find backend library for backend '${name}'${hint} available are ${names.join(", ")}`,
  );
  return null;
}
