import { createWriteStream } from "node:fs";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { StatusError } from "../../core/status.ts";
import type { CloudAddress } from "./cloud-address.ts";
import type { ObjectStore, StoredObject } from "./object-store.ts";
import { storeError } from "./store-problem.ts";

/** How to save an object. */
export interface SaveOptions {
  /** The repository that the object is of, for messages. */
  readonly address: CloudAddress;
  /** Ends the transfer. */
  readonly signal: AbortSignal;
  /** A transfer that brings nothing for so long is given up, ms. */
  readonly stallMs: number;
}

/**
 * Writes an object to a file that is not there yet, as it comes from the network.
 *
 * @throws StatusError when it cannot be read, is not what was listed, or cannot be written. The file may be there then.
 */
export async function saveObject(
  store: ObjectStore,
  object: StoredObject,
  file: string,
  { address, signal, stallMs }: SaveOptions,
): Promise<void> {
  const place = addressOf(object, address);
  let body: Readable;
  try {
    body = await store.open(object, signal);
  } catch (thrown) {
    throw storeError(place, store.explain(thrown));
  }
  let ownError: unknown = null;
  body.once("error", (error) => (ownError = error));
  const stall = setTimeout(() => body.destroy(new Error(`nothing came for ${stallMs / 1_000} s`)), stallMs);
  let sizeBytes = 0;
  const counted = async function* (chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of chunks) {
      stall.refresh();
      sizeBytes += chunk.byteLength;
      yield chunk;
    }
  };
  try {
    await pipeline(body, counted, createWriteStream(file, { flags: "wx", mode: 0o600 }), { signal });
  } catch (thrown) {
    if (thrown === ownError) throw storeError(place, store.explain(thrown));
    throw new StatusError("INTERNAL", `cannot write the copy of '${place}': ${(thrown as Error).message}`, {
      cause: thrown,
    });
  } finally {
    clearTimeout(stall);
  }
  if (sizeBytes === object.sizeBytes) return;
  throw storeError(place, {
    step: "key",
    reason: `${sizeBytes} bytes came, not the ${object.sizeBytes} that were listed`,
    advice: "store it without a content encoding, and leave it alone while it is copied",
  });
}

/** The address of an object, as its repository's address is written. */
function addressOf({ key }: StoredObject, { text, prefix }: CloudAddress): string {
  return `${text.replace(/\/+$/, "")}/${key.slice(prefix.length)}`;
}
