import path from "node:path";
import { runGenerator } from "./load-generator.ts";
import type { LoadCall } from "./request-load.ts";

const scripts = path.resolve(import.meta.dirname, "../../../bench/harness");

/** One run of wrk, an HTTP/1.1 load generator with one thread here. */
export interface WrkLoad {
  readonly url: string;
  /** File with the body of every request, or with several bodies, see {@link bodyBytes}. */
  readonly bodyFile: string;
  /** Length of one body when the file holds several, which then take turns. */
  readonly bodyBytes?: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Each has one request in flight at a time. */
  readonly connectionCount: number;
  readonly seconds: number;
}

/** What wrk measured. All answers had status 200. */
export interface WrkResult {
  readonly requestCount: number;
  readonly requestsPerSecond: number;
  readonly p50Us: number;
  readonly p99Us: number;
  /** Cores that wrk kept busy, `null` where not known. */
  readonly generatorCores: number | null;
}

interface ScriptResult {
  readonly requestCount: number;
  readonly durationUs: number;
  readonly p50Us: number;
  readonly p99Us: number;
  readonly errorCount: number;
}

/** @throws Error when any request failed: then the numbers mean nothing. */
export async function runWrk(load: WrkLoad): Promise<WrkResult> {
  const headers = Object.entries(load.headers).map(([name, value]) => `${name}:${value}`);
  const turns = load.bodyBytes === undefined ? [] : [`body-bytes=${load.bodyBytes}`];
  return run(load, "post-body.lua", [load.bodyFile, ...turns, ...headers]);
}

/** A load of different requests to one model. */
export interface MixedWrkLoad extends Pick<WrkLoad, "connectionCount" | "seconds"> {
  readonly baseUrl: string;
  /** Sent in this order, round and round, over all connections. All to the same path. */
  readonly calls: readonly LoadCall[];
}

/** @throws Error when any request failed: then the numbers mean nothing. */
export function runMixedWrk(load: MixedWrkLoad): Promise<WrkResult> {
  const { baseUrl, calls, connectionCount, seconds } = load;
  const bodies = calls.map(
    ({ headers, bodyFile }) => `${headers["Inference-Header-Content-Length"]}:${bodyFile}`,
  );
  return run({ url: baseUrl + (calls[0]?.path ?? ""), connectionCount, seconds }, "post-mix.lua", bodies);
}

async function run(
  load: Pick<WrkLoad, "url" | "connectionCount" | "seconds">,
  script: string,
  scriptArgs: readonly string[],
): Promise<WrkResult> {
  // wrk takes whole seconds only.
  const duration = `${Math.max(1, Math.round(load.seconds))}s`;
  const args = [
    "-t1",
    `-c${load.connectionCount}`,
    `-d${duration}`,
    "-s",
    path.join(scripts, script),
    load.url,
  ];
  const { output, cores } = await runGenerator("wrk", [...args, "--", ...scriptArgs]);
  return parseWrk(output, cores);
}

/**
 * Reads the line that `post-body.lua` prints.
 *
 * @throws Error when any request failed, or none was made.
 */
export function parseWrk(output: string, generatorCores: number | null): WrkResult {
  const line = output.split("\n").find((each) => each.startsWith("RESULT "));
  if (line === undefined) throw new Error(`wrk printed no result:\n${output}`);
  const result = JSON.parse(line.slice("RESULT ".length)) as ScriptResult;
  if (result.errorCount > 0 || result.requestCount === 0) {
    throw new Error(`wrk counted ${result.errorCount} errors in ${result.requestCount} requests:\n${output}`);
  }
  return {
    requestCount: result.requestCount,
    requestsPerSecond: (result.requestCount * 1e6) / result.durationUs,
    p50Us: result.p50Us,
    p99Us: result.p99Us,
    generatorCores,
  };
}
