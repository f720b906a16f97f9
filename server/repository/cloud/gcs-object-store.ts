import { addAbortSignal, type Readable } from "node:stream";
import type * as GoogleSdk from "@google-cloud/storage";
import type { CloudAddress } from "./cloud-address.ts";
import type { ObjectStore, StoredObject } from "./object-store.ts";
import { importPackage } from "./optional-package.ts";
import { failureOf, networkProblem, reasonOf, type StoreProblem, unknownProblem } from "./store-problem.ts";

type Sdk = typeof GoogleSdk;

/** Time for one answer, and for one call with all that is tried again: the next poll tries again too. */
const answerTimeoutMs = 60_000;
const retryOptions = { totalTimeout: 120, maxRetries: 2, maxRetryDelay: 5 };

/** Fields of an answer that are asked for: all those of an object are ten times as long. */
const listedFields = "items(name,size,generation),prefixes,nextPageToken";

/** What is read of one page of a listing. */
interface Page {
  readonly items?: readonly { readonly name: string; readonly size?: string; readonly generation?: string }[];
  readonly prefixes?: readonly string[];
}

/** A bucket of Google Cloud Storage. */
export class GcsObjectStore implements ObjectStore {
  readonly #bucket: GoogleSdk.Bucket;

  private constructor(bucket: GoogleSdk.Bucket) {
    this.#bucket = bucket;
  }

  /**
   * @param keyFile - Path of a key file; "": application default credentials, and none for public buckets.
   * @throws StatusError UNSUPPORTED when the SDK is not installed.
   */
  static async open(address: CloudAddress, keyFile: string): Promise<GcsObjectStore> {
    const { Storage } = await importPackage<Sdk>(
      "@google-cloud/storage",
      address,
      () => import("@google-cloud/storage"),
    );
    const storage = new Storage({
      ...(keyFile === "" ? {} : { keyFilename: keyFile }),
      timeout: answerTimeoutMs,
      retryOptions,
    });
    return new GcsObjectStore(storage.bucket(address.bucket));
  }

  async list(prefix: string): Promise<readonly StoredObject[]> {
    const objects: StoredObject[] = [];
    await this.#eachPage({ prefix }, ({ items = [] }) => {
      for (const { name: key, size = "0", generation: revision = "" } of items) {
        objects.push({ key, sizeBytes: Number(size), revision, isDirectory: key.endsWith("/") });
      }
    });
    return objects;
  }

  async listDirectories(prefix: string): Promise<readonly string[]> {
    const names: string[] = [];
    await this.#eachPage({ prefix, delimiter: "/" }, ({ prefixes = [] }) => {
      for (const directory of prefixes) names.push(directory.slice(prefix.length, -1));
    });
    return names;
  }

  open({ key, revision }: StoredObject, signal: AbortSignal): Promise<Readable> {
    const stream = this.#bucket.file(key, { generation: revision }).createReadStream();
    return Promise.resolve(addAbortSignal(signal, stream));
  }

  explain(thrown: unknown): StoreProblem {
    const network = networkProblem(thrown);
    if (network !== null) return network;
    const { code, message } = failureOf(thrown);
    const reason = reasonOf(code, message);
    if (/default credentials|invalid_grant|ENOENT|JSON/i.test(message) || code === "401") {
      const advice =
        "set GOOGLE_APPLICATION_CREDENTIALS to a key file that is valid, or run where a service account is attached";
      return { step: "credentials", reason, advice };
    }
    if (code === "403") {
      const advice = "let these credentials list and get objects (role storage.objectViewer)";
      return { step: "permission", reason, advice };
    }
    if (code === "404" && !/no such object/i.test(message)) {
      return { step: "bucket", reason, advice: "correct the address, or create the bucket" };
    }
    if (code === "404" || code === "412") {
      const advice = "it was listed a moment ago: leave the objects of a model alone while it is copied";
      return { step: "key", reason, advice };
    }
    return unknownProblem(thrown);
  }

  async #eachPage(options: GoogleSdk.GetFilesOptions, visit: (page: Page) => void): Promise<void> {
    let query: GoogleSdk.GetFilesOptions | null = { ...options, fields: listedFields, autoPaginate: false };
    while (query !== null) {
      const [, next, page]: [unknown, unknown, unknown] = await this.#bucket.getFiles(query);
      visit(page ?? {});
      query = (next as GoogleSdk.GetFilesOptions | null | undefined) ?? null;
    }
  }
}
