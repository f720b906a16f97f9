import type { Readable } from "node:stream";
import type { StoreProblem } from "./store-problem.ts";

/** One object of a bucket, as a listing tells of it. */
export interface StoredObject {
  /** Its whole name in the bucket. */
  readonly key: string;
  readonly sizeBytes: number;
  /** Another one whenever the content is another one: the ETag, or a generation number. */
  readonly revision: string;
  /** It stands for an empty directory and has no content. */
  readonly isDirectory: boolean;
}

/**
 * A bucket or container of one provider. Every call goes over the network, takes its time and may throw whatever the
 * provider's SDK throws: {@link explain} makes a problem of that.
 */
export interface ObjectStore {
  /** All objects whose keys begin with the prefix, from all pages of the listing. */
  list(prefix: string): Promise<readonly StoredObject[]>;
  /**
   * What stands between the prefix and the next slash of keys that have one there, each once.
   *
   * @param prefix - "", or a text that ends with a slash.
   */
  listDirectories(prefix: string): Promise<readonly string[]>;
  /**
   * Opens an object for reading, in the revision that was listed: what has changed since is refused, now or by an error
   * of the stream.
   *
   * @param signal - Ends the transfer.
   * @returns The content. The caller reads it to its end or destroys it.
   */
  open(object: StoredObject, signal: AbortSignal): Promise<Readable>;
  /** Sorts what a call, or a stream, has thrown. */
  explain(thrown: unknown): StoreProblem;
}
