import type { Failure } from "../../core/status.ts";
import type { FoundModel } from "./find-models.ts";

/** To the scan thread. Calls with an `id` are answered with the same one. */
export type ToScanThread =
  /** Look at all models. */
  | { readonly kind: "scan"; readonly id: number }
  /** Look for the models of this name, in these repositories. */
  | {
      readonly kind: "find";
      readonly id: number;
      readonly name: string;
      readonly repositories: readonly string[];
    }
  /** Tell of changes from now on. */
  | { readonly kind: "watch" };

/** From the scan thread. */
export type FromScanThread =
  /**
   * Models that are new or have changed since the last scan told of them; several messages of one scan, so that the
   * event loop gets round between them.
   */
  | { readonly kind: "models"; readonly models: readonly FoundModel[] }
  /** The scan has ended. */
  | {
      readonly kind: "scanned";
      readonly id: number;
      /** Directories of models that are no more. */
      readonly gone: readonly string[];
      /** Repositories that cannot be read: of their models nothing was told. */
      readonly unreadable: readonly UnreadableRepository[];
    }
  | { readonly kind: "found"; readonly id: number; readonly found: readonly FoundModel[] | Failure }
  /** Something in a repository has changed. */
  | { readonly kind: "changed" };

/** A repository that cannot be read, and why. */
export interface UnreadableRepository {
  readonly repository: string;
  readonly problem: Failure;
}

/** What the thread is started with. */
export interface ScanThreadStart {
  readonly repositories: readonly string[];
}
