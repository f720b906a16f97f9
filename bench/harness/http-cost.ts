import type { ChildServer } from "./child-server.ts";
import { cpuSeconds } from "./cpu-time.ts";
import { runWrk, type WrkLoad } from "./wrk.ts";

/** What requests cost the process that answered them. */
export interface HttpCost {
  /** Processor time of a request, all threads of the process. */
  readonly cpuUs: number;
  readonly requestsPerSecond: number;
}

/**
 * Loads a server and measures what it costs.
 *
 * @throws Error where the system does not tell processor times.
 */
export async function httpCost(server: ChildServer, load: WrkLoad): Promise<HttpCost> {
  const before = cpuSeconds(server.pid);
  const result = await runWrk(load);
  const after = cpuSeconds(server.pid);
  server.assertRunning();
  if (before === null || after === null) throw new Error("This system does not tell processor times");
  return {
    cpuUs: ((after - before) / result.requestCount) * 1e6,
    requestsPerSecond: result.requestsPerSecond,
  };
}
