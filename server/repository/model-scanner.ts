import type { Failure } from "../core/status.ts";
import type { ModelName } from "./model-names.ts";
import type { FoundModel } from "./scan/find-models.ts";
import type { UnreadableRepository } from "./scan/scan-protocol.ts";

/** A model that is there and cannot be read. */
export interface UnreadableModel {
  readonly name: string;
  /** As the option gives it. */
  readonly repository: string;
  readonly problem: Failure;
}

/** What is in all repositories. */
export interface RepositoryScan {
  /** What can be loaded. Of a model that cannot be read now it is what could be read of it before, if anything. */
  readonly models: readonly FoundModel[];
  /** Repositories that cannot be read: nothing is known of their models. */
  readonly unreadable: readonly UnreadableRepository[];
  /** Models that cannot be read now, of repositories that can. */
  readonly unreadableModels: readonly UnreadableModel[];
}

/** Looks at the model repositories. Every call may take its time. */
export interface ModelScanner {
  /**
   * Looks at models. Rejects with a StatusError when nothing can be looked at, and after {@link close}.
   *
   * @param wanted - Names of models that are about to be loaded; those that they need count too. The result may have
   * more. `null`: all models.
   */
  scan(wanted: readonly string[] | null): Promise<RepositoryScan>;
  /**
   * Looks for the models of one name, in all repositories.
   *
   * @throws StatusError when a repository cannot be read.
   */
  find(name: string): Promise<readonly FoundModel[]>;
  /** Looks at one model again. @returns `null` when it is gone. @throws StatusError as {@link find}. */
  look(found: FoundModel): Promise<FoundModel | null>;
  /** The models of all repositories, not looked into. @throws StatusError as {@link find}. */
  names(): Promise<readonly ModelName[]>;
  /**
   * Moves the looking to a thread.
   *
   * @param onChange - Called when something in a repository has changed, where the file system tells; `null`: never.
   */
  useThread(onChange: (() => void) | null): void;
  /** Ends the thread. */
  close(): void;
}
