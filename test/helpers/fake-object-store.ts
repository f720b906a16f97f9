import { addAbortSignal, Readable } from "node:stream";
import type { ObjectStore, StoredObject } from "../../server/repository/cloud/object-store.ts";
import type { StoreProblem } from "../../server/repository/cloud/store-problem.ts";
import type { Deferred } from "./deferred.ts";

/** A bucket in memory. */
export class FakeObjectStore implements ObjectStore {
  /** By key. */
  readonly contents = new Map<string, { readonly bytes: Buffer; readonly revision: string }>();
  /** Keys that have been opened, in order. */
  readonly opened: string[] = [];
  /** Keys whose transfer fails, in the middle of it. */
  readonly failures = new Map<string, Error>();
  /** Keys whose transfer ends only when the gate opens. */
  readonly gates = new Map<string, Deferred<void>>();
  /** What every listing throws; `null`: it works. */
  listFailure: Error | null = null;
  openCount = 0;
  mostOpenCount = 0;
  #revisions = 0;

  put(key: string, content: string): void {
    this.contents.set(key, { bytes: Buffer.from(content), revision: `r${++this.#revisions}` });
  }

  delete(...keys: readonly string[]): void {
    for (const key of keys) this.contents.delete(key);
  }

  list(prefix: string): Promise<readonly StoredObject[]> {
    if (this.listFailure !== null) return Promise.reject(this.listFailure);
    const keys = [...this.contents.keys()].filter((key) => key.startsWith(prefix));
    return Promise.resolve(
      keys.sort().map((key) => {
        const { bytes, revision } = this.contents.get(key)!;
        return { key, sizeBytes: bytes.byteLength, revision, isDirectory: key.endsWith("/") };
      }),
    );
  }

  async listDirectories(prefix: string): Promise<readonly string[]> {
    const below = (await this.list(prefix)).map(({ key }) => key.slice(prefix.length));
    return [...new Set(below.filter((key) => key.includes("/")).map((key) => key.split("/")[0]!))];
  }

  open({ key }: StoredObject, signal: AbortSignal): Promise<Readable> {
    this.opened.push(key);
    this.openCount++;
    this.mostOpenCount = Math.max(this.mostOpenCount, this.openCount);
    const chunks = this.#chunksOf(key);
    const body = new Readable({
      read: () => {
        chunks.next().then(
          ({ value, done }) => body.push(done === true ? null : value),
          (thrown: unknown) => body.destroy(thrown as Error),
        );
      },
    });
    body.once("close", () => this.openCount--);
    return Promise.resolve(addAbortSignal(signal, body));
  }

  explain(thrown: unknown): StoreProblem {
    return { step: "request", reason: (thrown as Error).message, advice: "do something" };
  }

  async *#chunksOf(key: string): AsyncGenerator<Buffer> {
    const { bytes } = this.contents.get(key)!;
    yield bytes.subarray(0, 1);
    await this.gates.get(key)?.promise;
    const failure = this.failures.get(key);
    if (failure !== undefined) throw failure;
    yield bytes.subarray(1);
  }
}
