import type { Failure } from "../../core/status.ts";
import type { UnreadableModel } from "../model-scanner.ts";
import type { UnreadableRepository } from "../scan/scan-protocol.ts";
import type { CloudSettings } from "./cloud-settings.ts";

/** A repository, and where its copy is. */
export interface MirroredRepository {
  /** As the option gives it. */
  readonly address: string;
  /** The copy's own directory; the models are in a directory of it. */
  readonly directory: string;
}

/** What the thread is started with. */
export interface MirrorThreadStart {
  readonly repositories: readonly MirroredRepository[];
  readonly settings: CloudSettings;
}

/** To the mirror thread. Each call is answered with its `id`. */
export type ToMirrorThread =
  /** Make the copies what the repositories are. @remarks `names`: of these models only; `null`: of all. */
  | { readonly kind: "refresh"; readonly id: number; readonly names: readonly string[] | null }
  /** Which models are there? */
  | { readonly kind: "list"; readonly id: number };

/** From the mirror thread. */
export type FromMirrorThread =
  | { readonly kind: "refreshed"; readonly id: number; readonly outcome: MirrorOutcome }
  | { readonly kind: "listed"; readonly id: number; readonly names: readonly MirrorNames[] }
  /** For the log. */
  | { readonly kind: "news"; readonly news: MirrorNews };

/** Something for the log: what has been copied, or a warning of an SDK. */
export interface MirrorNews {
  readonly severity: "info" | "warning";
  readonly sentence: string;
}

/** What could not be copied. */
export interface MirrorOutcome {
  /** Repositories that could not be listed: their copies are as they were. */
  readonly unreadable: readonly UnreadableRepository[];
  readonly unreadableModels: readonly UnreadableModel[];
}

/** The models of a repository. */
export interface MirrorNames {
  readonly address: string;
  /** Sorted names, or why there are none. */
  readonly names: readonly string[] | Failure;
}
