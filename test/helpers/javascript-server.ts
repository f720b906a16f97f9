import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import {
  type Failure,
  InferenceRequest,
  type InferenceRequestInit,
  type InferenceResponse,
  InferenceServer,
  isFailure,
  type ResponseSink,
  type Tensor,
} from "../../server/index.ts";
import { defaultCloudSettings } from "../../server/repository/cloud/cloud-settings.ts";
import { defaultMetricsConfig } from "../../server/metrics/metrics-config.ts";
import { defaultTraceConfig } from "../../server/tracing/trace-config.ts";
import { LogRecorder } from "./log-recorder.ts";

/** A model of the JavaScript backend to write: its config (an input and an output when left out) and its code. */
export interface JavaScriptModelSketch {
  readonly config?: object;
  readonly code: string;
  /** `model.mjs` when left out. */
  readonly file?: string;
}

/** FP32 INPUT → FP32 OUTPUT of any length, without batching. */
export const vectorConfig = {
  input: [{ name: "INPUT", data_type: "TYPE_FP32", dims: [-1] }],
  output: [{ name: "OUTPUT", data_type: "TYPE_FP32", dims: [-1] }],
};

/** The same for a decoupled model. */
export const decoupledConfig = { ...vectorConfig, model_transaction_policy: { decoupled: true } };

/** What a request was answered with, in order: outputs by name, failures, and `end` for an end without a response. */
export type Answer = Readonly<Record<string, number[] | string[]>> | Failure | "end";

/** A request under way. */
export interface SentRequest {
  readonly request: InferenceRequest;
  readonly answers: Answer[];
  readonly responses: InferenceResponse[];
  /** Resolves with {@link answers} at the final call. */
  readonly done: Promise<readonly Answer[]>;
  /** Resolves when there are this many answers. */
  until(count: number): Promise<void>;
}

/** An embedded server with a repository of JavaScript models. */
export class JavaScriptServer {
  readonly log = new LogRecorder();
  readonly server: InferenceServer;
  readonly #root: string;

  /** @param more - Further repositories. */
  constructor(models: Readonly<Record<string, JavaScriptModelSketch>>, more: readonly string[] = []) {
    this.#root = mkdtempSync(path.join(tmpdir(), "nereid-js-"));
    for (const [name, sketch] of Object.entries(models)) this.write(name, sketch);
    this.server = new InferenceServer(
      {
        serverId: "embedded",
        allowClientShm: false,
        traceConfig: defaultTraceConfig,
        metricsConfig: defaultMetricsConfig,
        modelRepositoryPaths: [this.#root, ...more],
        cloudSettings: defaultCloudSettings,
        modelControlMode: "explicit",
        repositoryPollSecs: 15,
        modelLoadThreadCount: 4,
        modelLoadRetryCount: 0,
        modelConfigName: "",
        modelNamespacing: false,
        loadModelNames: [],
        strictReadiness: true,
        autoCompleteConfig: true,
        backendConfig: [],
        backendDirectoryPath: null,
        rateLimit: "off",
        rateLimitResources: [],
        cacheConfig: null,
      },
      this.log.logger,
    );
  }

  write(name: string, { config, code, file = "model.mjs" }: JavaScriptModelSketch): void {
    mkdirSync(path.join(this.#root, name, "1"), { recursive: true });
    writeFileSync(path.join(this.#root, name, "1", file), code);
    const content = { backend: "javascript", ...(config ?? vectorConfig) };
    writeFileSync(path.join(this.#root, name, "config.json"), JSON.stringify(content));
  }

  /** Loads a model. @returns Why it could not be, or `null`. */
  load(name: string): Promise<Failure | null> {
    return this.server.loadModel({ modelName: name, configOverride: null, files: new Map() });
  }

  /** Sends a request to a model that is loaded. */
  send(
    name: string,
    inputs: Tensor[],
    more: Partial<InferenceRequestInit> & { readonly window?: number; readonly onAnswer?: () => void } = {},
  ): SentRequest {
    const model = this.server.findModel(name, "");
    assert.ok(!isFailure(model), JSON.stringify(model));
    const answers: Answer[] = [];
    const responses: InferenceResponse[] = [];
    const waiting: { count: number; resolve: () => void }[] = [];
    let finish: (answers: readonly Answer[]) => void = () => undefined;
    const done = new Promise<readonly Answer[]>((resolve) => (finish = resolve));
    const take = (answer: Answer, isFinal: boolean): void => {
      answers.push(answer);
      for (const wait of waiting) if (answers.length >= wait.count) wait.resolve();
      more.onAnswer?.();
      if (isFinal) finish(answers);
    };
    const sink: ResponseSink = {
      onResponse: (response, isFinal) => {
        responses.push(response);
        take(Object.fromEntries(response.outputs.map((output) => [output.name, valuesOf(output)])), isFinal);
      },
      onFailure: ({ code, message }, isFinal) => take({ code, message }, isFinal),
      onEnd: () => take("end", true),
    };
    const request = new InferenceRequest({
      id: "",
      requestedOutputs: [],
      parameters: null,
      priority: 0,
      timeoutUs: 0,
      correlationId: 0,
      isSequenceStart: false,
      isSequenceEnd: false,
      ...more,
      inputs,
      sink,
    });
    request.responseWindow = more.window ?? 0;
    const refusal = model.infer(request);
    if (refusal !== null) take(refusal, true);
    const until = (count: number): Promise<void> =>
      answers.length >= count
        ? Promise.resolve()
        : new Promise((resolve) => waiting.push({ count, resolve }));
    return { request, answers, responses, done, until };
  }

  async stop(budgetMs = 10_000): Promise<boolean> {
    const isClean = await this.server.stop(budgetMs);
    rmSync(this.#root, { recursive: true, force: true });
    return isClean;
  }
}

const arrays = {
  FP32: Float32Array,
  INT32: Int32Array,
  UINT32: Uint32Array,
} as const;

function valuesOf({ datatype, data }: Tensor): number[] | string[] {
  const bytes = Uint8Array.from(data);
  if (datatype === "BYTES") {
    const texts: string[] = [];
    const view = new DataView(bytes.buffer);
    for (let at = 0; at < bytes.byteLength; ) {
      const length = view.getUint32(at, true);
      texts.push(new TextDecoder().decode(bytes.subarray(at + 4, at + 4 + length)));
      at += 4 + length;
    }
    return texts;
  }
  if (datatype === "FP32" || datatype === "INT32" || datatype === "UINT32") {
    return [...new arrays[datatype](bytes.buffer)];
  }
  return [...bytes];
}
