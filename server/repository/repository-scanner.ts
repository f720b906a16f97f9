import { StatusError } from "../core/status.ts";
import { listModelNames, type ModelName } from "./model-names.ts";
import type { ModelScanner, RepositoryScan } from "./model-scanner.ts";
import { findModel, findModels, type FoundModel } from "./scan/find-models.ts";
import type { UnreadableRepository } from "./scan/scan-protocol.ts";
import { ScanThread } from "./scan/scan-thread.ts";

/**
 * Looks at model repositories that are directories: by itself while nobody is served, in a thread of its own after
 * {@link useThread}.
 */
export class RepositoryScanner implements ModelScanner {
  readonly #repositories: readonly string[];
  #thread: ScanThread | null = null;

  /** @param repositories - A path that is given twice counts once. */
  constructor(repositories: readonly string[]) {
    this.#repositories = [...new Set(repositories)];
  }

  /**
   * Moves the looking to a thread.
   *
   * @param onChange - Called when something in a repository has changed, where the file system tells; `null`: never.
   */
  useThread(onChange: (() => void) | null): void {
    this.#thread ??= new ScanThread(this.#repositories, onChange);
    this.#thread.start();
  }

  /** Looks at all models. Rejects with a StatusError when the thread fails, and after {@link close}. */
  async scan(): Promise<RepositoryScan> {
    if (this.#thread !== null) return { ...(await this.#thread.scan()), unreadableModels: [] };
    const models: FoundModel[] = [];
    const unreadable: UnreadableRepository[] = [];
    for (const repository of this.#repositories) {
      try {
        models.push(...findModels(repository));
      } catch (thrown) {
        unreadable.push({ repository, problem: StatusError.from(thrown).toFailure() });
      }
    }
    return { models, unreadable, unreadableModels: [] };
  }

  /**
   * Looks for the models of one name, in all repositories.
   *
   * @throws StatusError when a repository cannot be read.
   */
  find(name: string): Promise<readonly FoundModel[]> {
    return this.#find(name, this.#repositories);
  }

  /** Looks at one model again. @returns `null` when it is gone. @throws StatusError as {@link find}. */
  async look({ name, repository }: FoundModel): Promise<FoundModel | null> {
    return (await this.#find(name, [repository]))[0] ?? null;
  }

  /** @throws StatusError as {@link find}. */
  names(): Promise<readonly ModelName[]> {
    return listModelNames(this.#repositories);
  }

  async #find(name: string, repositories: readonly string[]): Promise<readonly FoundModel[]> {
    if (this.#thread !== null) return this.#thread.find(name, repositories);
    return repositories.map((repository) => findModel(repository, name)).filter((found) => found !== null);
  }

  /** Ends the thread. */
  close(): void {
    this.#thread?.close();
  }
}
