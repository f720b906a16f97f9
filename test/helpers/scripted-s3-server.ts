import { createHash } from "node:crypto";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { after, before } from "mocha";

/** An error as S3 answers with it. */
export interface S3Refusal {
  readonly status: number;
  readonly code: string;
}

/** Objects on one page of a listing: few, so that every test has several pages. */
const pageSize = 3;

/** As much of S3 as reading a bucket takes, in memory. It looks at the id of the access key and at no signature. */
export class ScriptedS3Server {
  readonly bucket = "bucket";
  readonly keyId = "test-key";
  /** Keys of the objects that have been read, in order. */
  readonly read: string[] = [];
  /** What listings are answered with; `null`: with the listing. */
  listRefusal: S3Refusal | null = null;
  /** What reading these keys is answered with. */
  readonly readRefusals = new Map<string, S3Refusal>();
  readonly #objects = new Map<string, { readonly bytes: Buffer; readonly etag: string }>();
  readonly #server = http.createServer((request, response) => this.#answer(request, response));
  #port = 0;

  async start(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  /** The environment of a server that may read the bucket. */
  get environment(): Record<string, string> {
    return {
      AWS_ACCESS_KEY_ID: this.keyId,
      AWS_SECRET_ACCESS_KEY: "secret",
      AWS_EC2_METADATA_DISABLED: "true",
    };
  }

  /** @param path - Of a repository in the bucket. */
  address(path: string, bucket = this.bucket): string {
    return `s3://127.0.0.1:${this.#port}/${bucket}/${path}`;
  }

  put(key: string, content: string | Uint8Array): void {
    const bytes = Buffer.from(content);
    this.#objects.set(key, { bytes, etag: `"${createHash("md5").update(bytes).digest("hex")}"` });
  }

  /** Removes every object whose key begins so. */
  delete(prefix: string): void {
    for (const key of this.#objects.keys()) if (key.startsWith(prefix)) this.#objects.delete(key);
  }

  #answer(request: http.IncomingMessage, response: http.ServerResponse): void {
    const url = new URL(request.url ?? "/", "http://localhost");
    const [, bucket = "", ...rest] = url.pathname.split("/").map(decodeURIComponent);
    const key = rest.join("/");
    const refuse = ({ status, code }: S3Refusal): void => {
      response.writeHead(status, { "content-type": "application/xml" });
      response.end(`<Error><Code>${code}</Code><Message>scripted ${code}</Message></Error>`);
    };
    if (request.headers.authorization?.includes(`Credential=${this.keyId}/`) !== true) {
      return refuse({ status: 403, code: "InvalidAccessKeyId" });
    }
    if (bucket !== this.bucket) return refuse({ status: 404, code: "NoSuchBucket" });
    if (key === "") {
      if (this.listRefusal !== null) return refuse(this.listRefusal);
      response.writeHead(200, { "content-type": "application/xml" });
      return void response.end(this.#listing(url.searchParams));
    }
    this.read.push(key);
    const refusal = this.readRefusals.get(key);
    if (refusal !== undefined) return refuse(refusal);
    const object = this.#objects.get(key);
    if (object === undefined) return refuse({ status: 404, code: "NoSuchKey" });
    if ((request.headers["if-match"] ?? object.etag) !== object.etag) {
      return refuse({ status: 412, code: "PreconditionFailed" });
    }
    response.writeHead(200, { etag: object.etag, "content-length": object.bytes.byteLength });
    response.end(object.bytes);
  }

  #listing(query: URLSearchParams): string {
    const prefix = query.get("prefix") ?? "";
    const isShort = query.get("delimiter") === "/";
    const start = Number(query.get("continuation-token") ?? "0");
    const entries = new Map<string, string>();
    for (const key of [...this.#objects.keys()].sort()) {
      if (!key.startsWith(prefix)) continue;
      const { bytes, etag } = this.#objects.get(key)!;
      const end = isShort ? key.indexOf("/", prefix.length) : -1;
      const name = end < 0 ? key : key.slice(0, end + 1);
      entries.set(
        name,
        end < 0
          ? `<Contents><Key>${key}</Key><ETag>${etag.replaceAll('"', "&quot;")}</ETag><Size>${bytes.byteLength}</Size></Contents>`
          : `<CommonPrefixes><Prefix>${name}</Prefix></CommonPrefixes>`,
      );
    }
    const page = [...entries.values()].slice(start, start + pageSize);
    const next = start + page.length;
    const more = next < entries.size ? `<NextContinuationToken>${next}</NextContinuationToken>` : "";
    return `<ListBucketResult><IsTruncated>${more !== ""}</IsTruncated>${more}${page.join("")}</ListBucketResult>`;
  }
}

/** A bucket for all tests of the surrounding `describe`. */
export function useS3Server(fill: (s3: ScriptedS3Server) => void): ScriptedS3Server {
  const s3 = new ScriptedS3Server();
  before(async () => {
    fill(s3);
    await s3.start();
  });
  after(() => s3.stop());
  return s3;
}
