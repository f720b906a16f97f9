import assert from "node:assert/strict";
import { rmSync, utimesSync } from "node:fs";
import { StatusError } from "../../server/core/status.ts";
import { systemClock } from "../../server/core/clock.ts";
import type { Model } from "../../server/model/model.ts";
import type { LoadedModel } from "../../server/model/loaded-model.ts";
import type { ModelSource } from "../../server/model/model-source.ts";
import {
  ModelRepositoryManager,
  type RepositoryManagerParts,
} from "../../server/repository/model-repository-manager.ts";
import { RepositoryScanner } from "../../server/repository/repository-scanner.ts";
import { type Deferred, settle } from "./deferred.ts";
import { LogRecorder } from "./log-recorder.ts";
import { ManualModel } from "./manual-model.ts";
import { makeModelConfig } from "./model-config.ts";
import { fp32Tensor, makeRequest } from "./recorded-request.ts";
import type { TestDirectory } from "./temporary-directory.ts";

/** A loader that makes {@link ManualModel}s of every version there is, when the test lets it. */
class ManualLoader {
  readonly loaded: string[] = [];
  /** What each load was given. */
  readonly sources: ModelSource[] = [];
  readonly models = new Map<string, ManualModel>();
  /** Names of models that fail, and why. */
  readonly failures = new Map<string, string>();
  /** Names of models that wait until their gate is opened. */
  readonly gates = new Map<string, Deferred<void>>();
  /** Called at the beginning of each load. */
  onLoad: (name: string) => void = () => undefined;
  concurrent = 0;
  mostConcurrent = 0;

  async load(source: ModelSource): Promise<LoadedModel> {
    this.loaded.push(source.name);
    this.sources.push(source);
    if (source.configOverride === "invalid") throw new StatusError("INVALID_ARG", "not JSON");
    this.concurrent++;
    this.mostConcurrent = Math.max(this.mostConcurrent, this.concurrent);
    const versions = source.selectVersions(makeModelConfig({ versionPolicy: { kind: "all" } })).map(String);
    for (const version of versions) source.onLoading(version);
    this.onLoad(source.name);
    await (this.gates.get(source.name)?.promise ?? settle());
    this.concurrent--;
    const failed = this.failures.get(source.name);
    if (failed !== undefined) throw new StatusError("INVALID_ARG", failed);
    const made = versions.map((version) => {
      const manual = new ManualModel({ name: source.name, version });
      this.models.set(`${source.name}/${version}`, manual);
      return [version, manual.model] as const;
    });
    return {
      versions: new Map(made),
      apply: () => undefined,
      discard: async () => {
        await Promise.all(made.map(([, model]) => model.terminate()));
      },
    };
  }
}

/** A manager of repositories `a` and `b` in the test's directory, on a {@link ManualLoader}. */
export class RepositoryBench {
  readonly loader = new ManualLoader();
  readonly log = new LogRecorder();
  readonly events: string[] = [];
  /** How often something that was loaded was released. */
  releaseCount = 0;
  readonly manager: ModelRepositoryManager;
  readonly #directory: TestDirectory;
  #changes = 0;

  constructor(directory: TestDirectory, parts: Partial<RepositoryManagerParts> = {}) {
    this.#directory = directory;
    for (const name of ["a", "b"]) directory.make(name);
    const repositories = [directory.in("a"), directory.in("b")];
    this.manager = new ModelRepositoryManager({
      scanner: new RepositoryScanner(repositories),
      isNamespacing: false,
      configName: null,
      clock: systemClock,
      loadThreadCount: 4,
      settleMs: 0,
      loader: this.loader,
      listener: {
        onReady: ({ name, version }) => this.events.push(`${name}/${version} ready`),
        onUnloading: ({ name, version }) => this.events.push(`${name}/${version} unloading`),
        onReleased: () => this.releaseCount++,
      },
      logger: this.log.logger,
      ...parts,
    });
  }

  /** Adds versions to a model, or changes them. */
  put(name: string, versions: readonly string[], repository = "a"): void {
    this.#directory.make(repository, name);
    for (const version of versions) this.#directory.write("", repository, name, version, "model.onnx");
    this.change(name, repository);
  }

  /** Makes the model's modification time differ from all that it was before. */
  change(name: string, repository = "a"): void {
    const seconds = 2_000_000_000 + this.#changes++;
    utimesSync(this.#directory.in(repository, name), seconds, seconds);
  }

  delete(...parts: string[]): void {
    rmSync(this.#directory.in(...parts), { recursive: true });
  }

  /** States of all versions: `m/1 READY`, with the reason where there is one. */
  get states(): string[] {
    return this.manager
      .index()
      .map(
        ({ name, version, state, reason }) =>
          `${name}/${version} ${state}${reason === "" ? "" : `: ${reason}`}`,
      );
  }

  manual(key: string): ManualModel {
    const manual = this.loader.models.get(key);
    assert.ok(manual !== undefined, key);
    return manual;
  }

  /** A request that executes until {@link finish} is called for its model. */
  begin(key: string) {
    const manual = this.manual(key);
    const { request, sink } = makeRequest({ inputs: [fp32Tensor("INPUT0", [1, 4], [1, 2, 3, 4])] });
    assert.equal(manual.model.infer(request), null);
    manual.clock.endTurn();
    return { request, sink, finish: () => request.fail({ code: "INTERNAL", message: "over" }) };
  }

  found(name: string, version = ""): Model {
    const model = this.manager.find(name, version);
    assert.ok("infer" in model, JSON.stringify(model));
    return model;
  }
}
