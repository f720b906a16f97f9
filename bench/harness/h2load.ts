import { runGenerator } from "./load-generator.ts";

/** One run of h2load, an HTTP/2 load generator, as a gRPC client. */
export interface H2loadLoad {
  /** With the path of the RPC. */
  readonly url: string;
  /** File with the framed message: what a unary call sends as its body. */
  readonly bodyFile: string;
  readonly connectionCount: number;
  /** Calls in flight on each connection. */
  readonly streamCount: number;
  readonly requestCount: number;
}

/** What h2load measured. All answers had HTTP status 200; the gRPC status is not seen here. */
export interface H2loadResult {
  readonly requestCount: number;
  readonly requestsPerSecond: number;
  readonly meanUs: number;
  /** Cores that h2load kept busy, `null` where not known. */
  readonly generatorCores: number | null;
}

const unitUs: Readonly<Record<string, number>> = { us: 1, ms: 1e3, s: 1e6 };

/** @throws Error when any request failed or had another status: then the numbers mean nothing. */
export async function runH2load(load: H2loadLoad): Promise<H2loadResult> {
  const run = await runGenerator("h2load", [
    `-c${load.connectionCount}`,
    `-m${load.streamCount}`,
    `-n${load.requestCount}`,
    "-t1",
    `-d${load.bodyFile}`,
    "-Hcontent-type: application/grpc",
    "-Hte: trailers",
    load.url,
  ]);
  return parseH2load(run.output, load.requestCount, run.cores);
}

/**
 * Reads what h2load prints.
 *
 * @throws Error when any of the `requestCount` requests failed or had another status than 2xx.
 */
export function parseH2load(
  output: string,
  requestCount: number,
  generatorCores: number | null,
): H2loadResult {
  const rate = /^finished in [^,]+, ([\d.]+) req\/s/m.exec(output);
  const counts = /^requests: (\d+) total, \d+ started, \d+ done, (\d+) succeeded, (\d+) failed/m.exec(output);
  const statuses = /^status codes: (\d+) 2xx/m.exec(output);
  const times = /^time for request:\s+\S+\s+\S+\s+([\d.]+)(us|ms|s)/m.exec(output);
  if (rate === null || counts === null || statuses === null || times === null) {
    throw new Error(`h2load printed something unexpected:\n${output}`);
  }
  if (Number(counts[2]) !== requestCount || Number(statuses[1]) !== requestCount) {
    throw new Error(`h2load did not get an answer to each of its requests:\n${output}`);
  }
  return {
    requestCount,
    requestsPerSecond: Number(rate[1]),
    meanUs: Number(times[1]) * unitUs[times[2]!]!,
    generatorCores,
  };
}
