import { isCloudAddress, parseCloudAddress } from "../repository/cloud/cloud-address.ts";
import { backendConfigValue } from "./backend-config.ts";
import type { OptionDefinition } from "./option-definition.ts";
import {
  booleanValue,
  choiceValue,
  fileStemValue,
  integerValue,
  listValue,
  optionalPathValue,
  type OptionValue,
  presenceValue,
  textListValue,
  ValueProblem,
} from "./option-value.ts";
import { maxTimerSecs } from "./process-options.ts";
import type { ModelControlMode, ServerOptions } from "./server-options.ts";

const repositoryPathValue: OptionValue<readonly string[]> = listValue(
  "<path>",
  "a value that is not empty",
  (text) => {
    if (text === "") return ValueProblem.expected("a value that is not empty", text);
    if (!isCloudAddress(text)) return text;
    const address = parseCloudAddress(text);
    return "expected" in address ? ValueProblem.expected(address.expected, text) : text;
  },
);

/** More would only contend for the cores and the disk. */
const maxLoadThreadCount = 128;
/** Who needs more has another problem. */
const maxLoadRetryCount = 100;

/** The options that say which models are served, and how backends run them. */
export const modelOptions = {
  modelRepositoryPaths: {
    flag: "--model-repository",
    aliases: ["--model-store"],
    group: "Model repository",
    value: repositoryPathValue,
    doc:
      "Directory with one subdirectory per model, or the address of one in the cloud: s3://, gs:// or as://, see " +
      "docs/cloud-repositories.md. Give the option once for each repository.",
    defaultValue: [],
    defaultText: "none, required",
    defaultReason: "Only you know where your models are.",
  },
  modelControlMode: {
    flag: "--model-control-mode",
    group: "Model repository",
    value: choiceValue<ModelControlMode>(["none", "poll", "explicit"]),
    doc:
      "When models are loaded and unloaded. none: all at start, later changes are ignored. poll: all at start, and " +
      "changes on disk are picked up. explicit: only those named by --load-model, and those that clients load.",
    defaultValue: "none",
    defaultReason: "A half-copied model can never be loaded by accident.",
  },
  repositoryPollSecs: {
    flag: "--repository-poll-secs",
    group: "Model repository",
    value: integerValue(1, maxTimerSecs),
    unit: "seconds",
    doc:
      "Time between two looks at the repository in mode poll. Lower it while developing a model, raise it when the " +
      "repository is large or on a network file system.",
    defaultValue: 15,
    defaultReason: "Triton's default.",
  },
  loadModelNames: {
    flag: "--load-model",
    group: "Model repository",
    value: textListValue("<name>"),
    doc: "Model to load at start in mode explicit. Give the option once for each model; `*` alone loads all.",
    defaultValue: [],
    defaultText: "none",
    defaultReason: "In mode explicit nothing is loaded unless it is asked for.",
  },
  modelLoadThreadCount: {
    flag: "--model-load-thread-count",
    group: "Model repository",
    value: integerValue(1, maxLoadThreadCount),
    doc:
      "Models that load at the same time. Raise it when many small models load slowly at start; lower it when their " +
      "loading takes too much memory at once.",
    defaultValue: 4,
    defaultReason: "Triton's default: enough to keep the cores busy, few enough to bound the memory peak.",
  },
  modelLoadRetryCount: {
    flag: "--model-load-retry-count",
    group: "Model repository",
    value: integerValue(0, maxLoadRetryCount),
    doc: "How often the load of a model version that failed is tried again at once, before it counts as failed.",
    defaultValue: 0,
    defaultReason: "Most loads that fail would fail again.",
  },
  modelConfigName: {
    flag: "--model-config-name",
    group: "Model repository",
    value: fileStemValue("<name>"),
    doc:
      "Use the configuration `configs/<name>.json` of each model that has it, instead of its `config.json`: one " +
      "repository for machines of several kinds.",
    defaultValue: "",
    defaultText: "none",
    defaultReason: "Most models have one configuration.",
  },
  modelNamespacing: {
    flag: "--model-namespacing",
    group: "Model repository",
    value: booleanValue,
    doc:
      "Let several repositories have models of one name. Ensembles use the model of their own repository; a request " +
      "for a name that several models have is refused.",
    defaultValue: false,
    defaultReason: "Clients ask for models by name alone.",
  },
  exitOnError: {
    flag: "--exit-on-error",
    group: "Model repository",
    value: booleanValue,
    doc: "End with exit code 1 when a model fails to load at start. Turn off to serve the models that did load.",
    defaultValue: true,
    defaultReason: "A deployment with a broken model should be noticed before it takes traffic.",
  },
  strictReadiness: {
    flag: "--strict-readiness",
    group: "Model repository",
    value: booleanValue,
    doc: "Report the server as ready only when all its models are. Turn off to be ready as soon as the server can answer.",
    defaultValue: true,
    defaultReason: "A load balancer should not send requests for a model that would be refused.",
  },
  autoCompleteConfig: {
    flag: "--disable-auto-complete-config",
    group: "Model repository",
    value: presenceValue(false),
    doc: "Require complete model configurations. Without it, whatever a configuration leaves out is read from the model file.",
    defaultValue: true,
    defaultText: "off",
    defaultReason: "A model should be servable without writing down what its file already says.",
  },
  backendDirectoryPath: {
    flag: "--backend-directory",
    group: "Backend",
    value: optionalPathValue,
    doc:
      "Directory with further backends and schedulers, written as ES modules: `<name>/backend.mjs` is a backend that " +
      "configurations call by its name, `<name>/scheduler.mjs` a scheduler. They run with all rights of the server. " +
      "See docs/extensions.md.",
    defaultValue: null,
    defaultText: "none",
    defaultReason: "Code that nobody named is not run.",
  },
  backendConfig: {
    flag: "--backend-config",
    group: "Backend",
    value: backendConfigValue,
    doc: "A setting for one backend, or without a backend's name for all. Give the option once for each setting.",
    defaultValue: [],
    defaultText: "none",
    defaultReason: "The server's own choices fit most models; a model's configuration can overrule them too.",
  },
} satisfies Partial<{ readonly [F in keyof ServerOptions]: OptionDefinition<ServerOptions[F]> }>;
