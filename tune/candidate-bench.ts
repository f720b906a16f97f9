import path from "node:path";
import type { CandidateSettings } from "./candidate-settings.ts";
import type { Measurement } from "./measurement.ts";
import { runPerf } from "./perf-run.ts";
import { TuningServer } from "./tuning-server.ts";
import type { CandidateOutcome } from "./tuning-session.ts";

/** What all candidates are measured with. */
export interface BenchPlan {
  readonly model: string;
  /** Models that it calls: they are loaded first, as they are. */
  readonly companions: readonly string[];
  /** Path of a repository with copies of all of them. */
  readonly repository: string;
  /** Options of the server. */
  readonly serverArgs: readonly string[];
  /** Requests that are kept outstanding, one measurement each. */
  readonly concurrencies: readonly number[];
  readonly protocol: "http" | "grpc";
  /** Options of perf_analyzer. */
  readonly perfArgs: readonly string[];
  /** The config of a candidate; `null`: the file. */
  readonly configOf: (settings: CandidateSettings, isCurrent: boolean) => object | null;
  /** Aborted when the user wants the end. */
  readonly signal: AbortSignal;
}

/**
 * Measures a candidate: a new server for each, so that one that leaks, crashes or fragments the memory harms nobody after
 * it, and the memory is its own.
 */
export async function benchCandidate(
  plan: BenchPlan,
  settings: CandidateSettings,
  isCurrent: boolean,
): Promise<CandidateOutcome> {
  const { signal, repository, serverArgs } = plan;
  let server: TuningServer;
  try {
    server = await TuningServer.start(repository, serverArgs, signal);
  } catch (thrown) {
    return { kind: "failed", reason: thrown instanceof Error ? thrown.message : String(thrown) };
  }
  try {
    for (const companion of plan.companions) {
      const reason = await server.load(companion, null, signal);
      if (reason !== null) return { kind: "failed", reason: `model '${companion}': ${reason}` };
    }
    const reason = await server.load(plan.model, plan.configOf(settings, isCurrent), signal);
    return reason === null ? await measureLevels(plan, server) : { kind: "failed", reason };
  } finally {
    await server.stop();
  }
}

async function measureLevels(plan: BenchPlan, server: TuningServer): Promise<CandidateOutcome> {
  const levels: Measurement[] = [];
  for (const concurrency of plan.concurrencies) {
    const measured = await runPerf(
      {
        model: plan.model,
        address: plan.protocol === "http" ? server.addresses.http : server.addresses.grpc,
        concurrency,
        args: plan.perfArgs,
        // Beside the repository, which is removed with all around it.
        csvFile: path.join(path.dirname(plan.repository), "report.csv"),
      },
      plan.signal,
    );
    if (typeof measured === "string") {
      const reason = server.isRunning ? measured : `the server died under load: ${server.lastLog}`;
      return { kind: "failed", reason };
    }
    levels.push({ ...measured, memoryMb: await server.peakMemoryMb() });
  }
  return { kind: "measured", levels };
}
