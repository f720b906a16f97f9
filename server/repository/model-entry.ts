import type { Model } from "../model/model.ts";
import type { LoadPlan } from "./model-lifecycle.ts";
import type { FoundModel } from "./scan/find-models.ts";
import type { ModelFingerprint } from "./scan/model-fingerprint.ts";

/** Where a version is in its life. The names are the protocol's. */
export type VersionState = "UNKNOWN" | "LOADING" | "READY" | "UNLOADING" | "UNAVAILABLE";

/** One known version of a model. */
export interface VersionEntry {
  state: VersionState;
  /** Why it is not READY; "" when there is nothing to say. */
  reason: string;
  /** The loaded model while READY or UNLOADING, else `null`. */
  model: Model | null;
}

/** The reason of a version that was unloaded on purpose: such a version does not make the server unready. */
export const unloadedReason = "unloaded";

/** What the repository manager knows of one model. */
export class ModelEntry {
  readonly name: string;
  /** Path of its repository with `--model-namespacing`, else "". */
  readonly namespace: string;
  /** By decimal version number. */
  readonly versions = new Map<string, VersionEntry>();
  /** Why the last load failed: also when older versions go on serving. "" when it did not. */
  failureReason = "";
  /** Why the directory's changes are not loaded, when they do not end; "" otherwise. */
  restlessReason = "";
  /**
   * What the directory looked like that is loaded; `null`: none is, its last load failed, or what is loaded came from a
   * client's files.
   */
  fingerprint: ModelFingerprint | null = null;
  /** The config that a client gave the loaded versions in place of the directory's own; `null`: it is the directory's. */
  configOverride: string | null = null;
  /** What is loaded, or was until a model that this ensemble needs went away; `null`: nothing, or it was unloaded. */
  plan: LoadPlan | null = null;
  /** The models that this ensemble is made of; empty for other models. */
  stepModels: readonly string[] = [];
  /** This ensemble went down with a model that it needs, and comes back with it. */
  isParked = false;
  /** It was asked for by name; otherwise it was loaded because an ensemble needs it. */
  isExplicit = false;
  #latestReady: Model | null = null;

  constructor(name: string, namespace: string) {
    this.name = name;
    this.namespace = namespace;
  }

  /** The ready version with the highest number, or `null`. */
  get latestReady(): Model | null {
    return this.#latestReady;
  }

  /** It was unloaded, or its directory is gone: what is kept is how its versions ended. */
  get isForgotten(): boolean {
    return this.plan === null && this.failureReason === "" && this.versions.size > 0;
  }

  /** Ready versions, ascending. */
  readyModels(): Model[] {
    const ready: Model[] = [];
    for (const { state, model } of this.versions.values())
      if (state === "READY" && model !== null) ready.push(model);
    return ready.sort((a, b) => Number(a.version) - Number(b.version));
  }

  set(version: string, state: VersionState, reason: string, model: Model | null): void {
    this.versions.set(version, { state, reason, model });
    this.#latestReady = this.readyModels().at(-1) ?? null;
  }

  /** Drops the versions that failed to load. */
  forgetFailures(): void {
    for (const [version, { state, reason }] of this.versions) {
      if (state === "UNAVAILABLE" && reason !== unloadedReason) this.versions.delete(version);
    }
  }

  /** Whether the directory is not the one that is loaded, or looks otherwise. */
  differsFrom(found: FoundModel): boolean {
    return (
      this.fingerprint?.whole !== found.fingerprint.whole || this.plan?.found.directory !== found.directory
    );
  }

  /** Whether a version has lost all its instances, so that only a new load helps. */
  isBroken(): boolean {
    return this.readyModels().some((model) => model.isBroken);
  }

  /** Whether nothing here keeps the server from being ready under `--strict-readiness`. */
  isReady(): boolean {
    // Somebody who copies a large model into the repository for minutes must not take the server out of service.
    if (this.versions.size === 0) return this.restlessReason !== "" && this.failureReason === "";
    if (this.isBroken()) return false;
    for (const { state, reason } of this.versions.values()) {
      if (state !== "READY" && !(state === "UNAVAILABLE" && reason === unloadedReason)) return false;
    }
    return true;
  }
}
