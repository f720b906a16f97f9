import { StatusError } from "../../core/status.ts";
import type { StepReader } from "../ensemble-dependencies.ts";
import type { ModelName } from "../model-names.ts";
import type { ModelScanner, RepositoryScan, UnreadableModel } from "../model-scanner.ts";
import { RepositoryScanner } from "../repository-scanner.ts";
import type { FoundModel } from "../scan/find-models.ts";
import type { UnreadableRepository } from "../scan/scan-protocol.ts";
import type { MirrorThread } from "./mirror-thread.ts";

/** What is used of the copies. */
export type Mirrors = Pick<MirrorThread, "directories" | "refresh" | "list">;

/**
 * Looks at repositories of which some are in the cloud: brings their copies up to date, looks at those, and calls the
 * repositories by their addresses.
 */
export class MirroredScanner implements ModelScanner {
  readonly #mirrors: Mirrors;
  readonly #steps: StepReader;
  readonly #local: RepositoryScanner;
  readonly #repositories: readonly string[];
  readonly #directoryOf: ReadonlyMap<string, string>;
  readonly #addressOf: ReadonlyMap<string, string>;

  /** @param repositories - Directories and addresses, in the order in which they were given. */
  constructor(repositories: readonly string[], mirrors: Mirrors, steps: StepReader) {
    this.#mirrors = mirrors;
    this.#steps = steps;
    this.#repositories = [...new Set(repositories)];
    this.#directoryOf = mirrors.directories;
    this.#addressOf = new Map([...this.#directoryOf].map(([address, directory]) => [directory, address]));
    this.#local = new RepositoryScanner(
      this.#repositories.map((each) => this.#directoryOf.get(each) ?? each),
    );
  }

  useThread(onChange: (() => void) | null): void {
    this.#local.useThread(onChange);
  }

  close(): void {
    this.#local.close();
  }

  async scan(wanted: readonly string[] | null): Promise<RepositoryScan> {
    if (wanted === null) {
      const { unreadable, unreadableModels } = await this.#mirrors.refresh(null);
      const local = await this.#scanLocal();
      const known = new Set(unreadable.map(({ repository }) => repository));
      const others = local.unreadable.filter(({ repository }) => !known.has(repository));
      return { ...local, unreadable: [...unreadable, ...others], unreadableModels };
    }
    // A listing tells at once whether the repositories can be read at all.
    const names = await this.#mirrors.list();
    const unreadable: UnreadableRepository[] = names.flatMap(({ address: repository, names: found }) =>
      "code" in found ? [{ repository, problem: found }] : [],
    );
    const existing = new Set(names.flatMap(({ names: found }) => ("code" in found ? [] : found)));
    const unreadableModels: UnreadableModel[] = [];
    let local = await this.#scanLocal();
    const asked = new Set<string>();
    for (let next = wanted; ; ) {
      const missing = next.filter((name) => existing.has(name) && !asked.has(name));
      for (const name of next) asked.add(name);
      if (missing.length > 0) {
        const outcome = await this.#mirrors.refresh(missing);
        unreadable.push(...outcome.unreadable);
        unreadableModels.push(...outcome.unreadableModels);
        local = await this.#scanLocal();
      }
      // What ensembles need is known when they are here.
      const found = local.models.filter(({ name }) => asked.has(name));
      next = found.flatMap((model) => this.#steps.namesOf(model, null)).filter((name) => !asked.has(name));
      if (next.length === 0) return { models: local.models, unreadable, unreadableModels };
    }
  }

  async find(name: string): Promise<readonly FoundModel[]> {
    const { unreadable, unreadableModels } = await this.#mirrors.refresh([name]);
    const [first] = [...unreadable, ...unreadableModels];
    if (first !== undefined) throw new StatusError(first.problem.code, first.problem.message);
    return (await this.#local.find(name)).map((found) => this.#addressed(found));
  }

  async look(found: FoundModel): Promise<FoundModel | null> {
    const repository = this.#directoryOf.get(found.repository) ?? found.repository;
    const now = await this.#local.look({ ...found, repository });
    return now === null ? null : this.#addressed(now);
  }

  async names(): Promise<readonly ModelName[]> {
    const inCloud = new Map((await this.#mirrors.list()).map(({ address, names }) => [address, names]));
    const names = await Promise.all(
      this.#repositories.map(async (repository): Promise<readonly ModelName[]> => {
        const found = inCloud.get(repository);
        if (found === undefined) return new RepositoryScanner([repository]).names();
        if ("code" in found) throw new StatusError(found.code, found.message);
        return found.map((name) => ({ name, repository }));
      }),
    );
    return names.flat();
  }

  async #scanLocal(): Promise<RepositoryScan> {
    const { models, unreadable } = await this.#local.scan();
    return {
      models: models.map((found) => this.#addressed(found)),
      unreadable: unreadable.map(({ repository, problem }) => ({
        repository: this.#addressOf.get(repository) ?? repository,
        problem,
      })),
      unreadableModels: [],
    };
  }

  #addressed(found: FoundModel): FoundModel {
    const address = this.#addressOf.get(found.repository);
    return address === undefined ? found : { ...found, repository: address };
  }
}
