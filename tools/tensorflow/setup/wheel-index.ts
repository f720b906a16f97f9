import { createHash } from "node:crypto";
import { createWriteStream } from "node:fs";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { ReadableStream } from "node:stream/web";
import type { Progress } from "./progress.ts";
import { SetupError } from "./setup-error.ts";
import type { TensorFlowWheel } from "./tensorflow-wheel.ts";

/** The index that pip asks when nobody tells it another one. */
export const defaultIndexUrl = "https://pypi.org/simple";

const indexTimeoutMs = 30_000;

/**
 * Downloads a wheel from a simple index, for machines without pip.
 *
 * @see PEP 503 and PEP 691 for the index
 * @throws SetupError that says what the index answered, or that the file is another one.
 */
export async function downloadFromIndex(
  wheel: TensorFlowWheel,
  indexUrl: string,
  target: string,
  progress: Progress,
): Promise<void> {
  const address = await findInIndex(wheel, indexUrl);
  const reply = await get(address, {});
  if (reply.body === null) throw new SetupError(`${hostOf(address)} answered without the file`);
  const hash = createHash("sha256");
  let doneBytes = 0;
  await pipeline(
    Readable.fromWeb(reply.body as ReadableStream<Uint8Array>),
    async function* (pieces: AsyncIterable<Uint8Array>) {
      for await (const piece of pieces) {
        hash.update(piece);
        doneBytes += piece.byteLength;
        progress.bytes(wheel.file, doneBytes, wheel.sizeBytes);
        yield piece;
      }
    },
    createWriteStream(target),
  );
  checkSum(wheel, hash.digest("hex"), hostOf(address));
}

/** @throws SetupError unless a wheel is the one that is known. */
export function checkSum(wheel: TensorFlowWheel, sha256: string, where: string): void {
  if (sha256 === wheel.sha256) return;
  throw new SetupError(
    `${wheel.file} from ${where} is not the file that is known: its SHA-256 is ${sha256}, expected ${wheel.sha256}`,
  );
}

async function findInIndex(wheel: TensorFlowWheel, indexUrl: string): Promise<string> {
  const page = `${indexUrl.replace(/\/+$/, "")}/${wheel.project}/`;
  const reply = await get(page, {
    accept: "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1",
  });
  const text = await reply.text();
  const isJson = (reply.headers.get("content-type") ?? "").includes("json");
  const links = isJson ? linksOfJson(text) : linksOfHtml(text);
  const link = links.find((candidate) =>
    decodeURIComponent(candidate).split(/[#?]/)[0]?.endsWith(`/${wheel.file}`),
  );
  if (link === undefined)
    throw new SetupError(`the index at ${hostOf(indexUrl)} has no ${wheel.file} under '${wheel.project}'`);
  return new URL(link, reply.url === "" ? page : reply.url).href;
}

function linksOfJson(text: string): string[] {
  const { files = [] } = JSON.parse(text) as { readonly files?: readonly { readonly url: string }[] };
  return files.map(({ url }) => url);
}

function linksOfHtml(text: string): string[] {
  return [...text.matchAll(/<a\b[^>]*\bhref\s*=\s*["']([^"']+)["']/gi)].map(([, link = ""]) =>
    link.replaceAll("&amp;", "&"),
  );
}

/** @throws SetupError when there is no answer, or none that says OK. Passwords in the address stay out of it. */
async function get(address: string, headers: Readonly<Record<string, string>>): Promise<Response> {
  const url = new URL(address);
  const authorization =
    url.username === ""
      ? {}
      : {
          authorization: `Basic ${Buffer.from(`${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`).toString("base64")}`,
        };
  url.username = "";
  url.password = "";
  // The time limit is for the answer's beginning; a body of hundreds of megabytes takes what it takes.
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), indexTimeoutMs);
  try {
    const reply = await fetch(url, { headers: { ...headers, ...authorization }, signal: abort.signal });
    if (!reply.ok) throw new SetupError(`${url.href} answered ${reply.status} ${reply.statusText}`);
    return reply;
  } catch (thrown) {
    if (thrown instanceof SetupError) throw thrown;
    const cause = thrown instanceof Error && thrown.cause instanceof Error ? `: ${thrown.cause.message}` : "";
    throw new SetupError(`${url.host} cannot be reached${cause}`, { cause: thrown });
  } finally {
    clearTimeout(timer);
  }
}

function hostOf(address: string): string {
  return new URL(address).host;
}
