import path from "node:path";
import { type Failure, StatusError } from "../../server/core/status.ts";
import type { ModelConfig } from "../../server/model-config/model-config.ts";
import { renderModelConfig } from "../../server/model-config/render-config.ts";
import type { BatchSpec, ModelInstanceInit } from "../backend.ts";
import type { ExecutionRequest, RequestModelInstance } from "../request-execution.ts";
import type { ServerAccess } from "../server-access.ts";
import type { JavaScriptOptions } from "./javascript-backend.ts";
import type { ExecuteResult, JavaScriptModel, ModelConfigFields, ModelContext } from "./javascript-model.ts";
import { loadModel } from "./load-model.ts";
import { ModelCaller } from "./model-caller.ts";
import { failureOf } from "./model-error.ts";
import { ReceivedRequest, type ReceivedRequestSurroundings } from "./received-request.ts";

/**
 * Loads a JavaScript model. Imported by the instance's worker thread.
 *
 * @throws StatusError INVALID_ARG that says what is wrong with the model's file.
 */
export async function createModelInstance(
  init: ModelInstanceInit,
  server: ServerAccess,
): Promise<RequestModelInstance> {
  const model = await loadModel(init.modelPath);
  const { config, isAutoCompleteEnabled } = init.options as JavaScriptOptions;
  const completion = isAutoCompleteEnabled ? await complete(model, config as ModelConfigFields) : null;
  return new JavaScriptModelInstance(model, init, server, completion);
}

async function complete(model: JavaScriptModel, config: ModelConfigFields): Promise<object | null> {
  if (model.autoCompleteConfig === undefined) return null;
  const completion: unknown = await inHook("autoCompleteConfig", () => model.autoCompleteConfig?.(config));
  if (typeof completion === "object" && completion !== null && !Array.isArray(completion)) {
    // Only what a config file can hold is meant; functions or class instances could not reach the main thread.
    return JSON.parse(JSON.stringify(completion)) as object;
  }
  throw new StatusError(
    "INVALID_ARG",
    "autoCompleteConfig() must return an object with fields of the configuration",
  );
}

/** Says which of the model's functions threw. */
async function inHook<T>(name: string, hook: () => T | Promise<T>): Promise<T> {
  try {
    return await hook();
  } catch (thrown) {
    const { code, message } = failureOf(thrown);
    throw new StatusError(code, `${name}() of the model failed: ${message}`, { cause: thrown });
  }
}

class JavaScriptModelInstance implements RequestModelInstance {
  readonly signature = null;
  readonly completion: object | null;
  readonly #model: JavaScriptModel;
  readonly #init: ModelInstanceInit;
  readonly #server: ServerAccess;
  readonly #caller: ModelCaller;
  #bound: { readonly context: ModelContext; readonly surroundings: ReceivedRequestSurroundings } | null =
    null;

  constructor(
    model: JavaScriptModel,
    init: ModelInstanceInit,
    server: ServerAccess,
    completion: object | null,
  ) {
    this.#model = model;
    this.#init = init;
    this.#server = server;
    this.#caller = new ModelCaller(server);
    this.completion = completion;
  }

  async bind(spec: BatchSpec, config: ModelConfig): Promise<void> {
    const context = this.#contextOf(config);
    await inHook("initialize", () => this.#model.initialize?.(context));
    const surroundings = { spec, isDecoupled: config.isDecoupled, caller: this.#caller };
    this.#bound = { context, surroundings };
  }

  execute(requests: readonly ExecutionRequest[]): Failure | null | Promise<Failure | null> {
    if (this.#bound === null) throw new Error("execute before bind. This is a bug.");
    const { context, surroundings } = this.#bound;
    const received = requests.map((request) => new ReceivedRequest(request, surroundings));
    try {
      // Without a value or with null, as the author likes.
      const result = this.#model.execute(received, context) as ExecuteResult | Promise<ExecuteResult>;
      if (isPromise(result)) {
        return result.then(
          (settled) => this.#answer(received, settled, surroundings.isDecoupled),
          (thrown: unknown) => this.#failed(thrown),
        );
      }
      return this.#answer(received, result, surroundings.isDecoupled);
    } catch (thrown) {
      return this.#failed(thrown);
    }
  }

  async finalize(): Promise<void> {
    // A model that was never initialized has nothing to release.
    if (this.#bound !== null) await this.#model.finalize?.();
  }

  /** Answers from what `execute` returned. A response that is wrong fails its own request only. */
  #answer(requests: readonly ReceivedRequest[], result: ExecuteResult, isDecoupled: boolean): Failure | null {
    if (result === undefined || result === null) return null;
    if (isDecoupled) {
      return this.#misuse(
        "execute() of a decoupled model must not return responses: give them with request.respond() and request.end()",
      );
    }
    if (!Array.isArray(result) || result.length !== requests.length) {
      const found = Array.isArray(result) ? `${result.length} responses` : typeof result;
      return this.#misuse(
        `execute() must return an array with one response for each of ${requests.length} request(s), it returned ${found}`,
      );
    }
    for (const [i, request] of requests.entries()) {
      const answer = (
        result as readonly (Parameters<ReceivedRequest["respond"]>[0] | Error | null | undefined)[]
      )[i];
      if (answer === undefined || answer === null) continue;
      try {
        if (answer instanceof Error) void request.fail(answer);
        else void request.respond(answer);
      } catch (thrown) {
        this.#server.log("error", `wrong response: ${messageOf(thrown)}`);
        if (!request.isDone) void request.fail(messageOf(thrown));
      }
    }
    return null;
  }

  #failed(thrown: unknown): Failure {
    const stack = thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
    this.#server.log("error", `execute() threw: ${stack}`);
    return failureOf(thrown);
  }

  #misuse(message: string): Failure {
    this.#server.log("error", message);
    return { code: "INTERNAL", message };
  }

  #contextOf(config: ModelConfig): ModelContext {
    const { modelName, modelVersion, instanceName, modelPath, threadCount } = this.#init;
    const server = this.#server;
    return {
      modelName,
      modelVersion,
      instanceName,
      kind: "KIND_CPU",
      threadCount,
      versionDirectory: path.dirname(modelPath),
      config: renderModelConfig(config) as ModelConfigFields,
      parameters: Object.fromEntries(config.parameters),
      isDecoupled: config.isDecoupled,
      logger: {
        info: (message) => server.log("info", message),
        warning: (message) => server.log("warning", message),
        error: (message) => server.log("error", message),
        verbose: (message) => server.log("verbose", message),
      },
      infer: (call) => this.#caller.infer(call),
      inferStream: (call) => this.#caller.inferStream(call),
    };
  }
}

function isPromise(result: ExecuteResult | Promise<ExecuteResult>): result is Promise<ExecuteResult> {
  return typeof result === "object" && result !== null && "then" in result;
}

function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
