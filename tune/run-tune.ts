import { availableParallelism } from "node:os";
import { benchCandidate } from "./candidate-bench.ts";
import { candidateConfig } from "./candidate-config.ts";
import { type CandidateSettings, describeSettings } from "./candidate-settings.ts";
import { configJson } from "./config-file.ts";
import { type CopiedModel, PrivateRepository } from "./private-repository.ts";
import { quickSearch } from "./quick-search.ts";
import { SearchSpace } from "./search-space.ts";
import { searchValues } from "./search-values.ts";
import { adviceOf, type TuneReport } from "./tune-report.ts";
import type { TuneRequest } from "./tune-request.ts";
import type { TuneSubject } from "./tune-subject.ts";
import { type CandidateOutcome, TuningInterrupted, TuningSession } from "./tuning-session.ts";

/** Where a tuning tells what it does, and what ends it. */
export interface TuneSurroundings {
  /** A line about what goes on. */
  readonly note: (line: string) => void;
  /** Aborted when the user wants the end. */
  readonly signal: AbortSignal;
}

/** The model, what it needs, and how models are loaded. */
export interface TuneInput {
  readonly subject: TuneSubject;
  readonly request: TuneRequest;
  /** The directories of {@link TuneRequest.companions}. */
  readonly companions: readonly CopiedModel[];
  /** Options of the server about loading. */
  readonly serverArgs: readonly string[];
}

/**
 * Measures candidates and ranks them.
 *
 * @throws Error when the current settings cannot be measured: then nothing can be compared.
 */
export async function runTune(input: TuneInput, { note, signal }: TuneSurroundings): Promise<TuneReport> {
  const { subject, request, companions } = input;
  const coreCount = availableParallelism();
  // Who names threads means them, even beyond the cores.
  const maxThreads = request.values.threadCounts === null ? coreCount : null;
  const space = new SearchSpace(searchValues(subject, request, coreCount), maxThreads);
  const repository = await PrivateRepository.make([subject, ...companions]);
  const configOf = (settings: CandidateSettings): ReturnType<typeof candidateConfig> =>
    candidateConfig(subject.fields, settings, subject.obstacles.instanceCount === null);
  const plan = {
    model: subject.name,
    companions: request.companions,
    repository: repository.path,
    serverArgs: input.serverArgs,
    concurrencies: request.concurrencies,
    protocol: request.protocol,
    perfArgs: request.perfArgs,
    configOf: (settings: CandidateSettings, isCurrent: boolean) => (isCurrent ? null : configOf(settings)),
    signal,
  };
  const session = new TuningSession({
    goal: request.goal,
    current: subject.current,
    measure: (settings, isCurrent) => benchCandidate(plan, settings, isCurrent),
    signal,
    onMeasured: (settings, outcome) => note(`${describeSettings(settings)}: ${describeOutcome(outcome)}`),
  });
  const candidates = space.all();
  let wasInterrupted = false;
  try {
    const obstacle = await session.measureCurrent();
    if (obstacle !== null) throw new Error(`the current configuration cannot be measured: ${obstacle}`);
    if (request.search === "quick") await quickSearch(space, subject.current, session.fitness);
    else for (const candidate of candidates) await session.fitness(candidate);
    note("measuring the best candidates again");
    await session.confirm();
  } catch (thrown) {
    if (!(thrown instanceof TuningInterrupted)) throw thrown;
    wasInterrupted = true;
  } finally {
    await repository.remove();
  }
  const ranking = session.ranking();
  return {
    subject,
    request,
    candidateCount: candidates.length,
    ranking,
    failures: session.failures(),
    wasInterrupted,
    advice: adviceOf(ranking, ({ settings }) => configJson(configOf(settings), subject)),
  };
}

function describeOutcome(outcome: CandidateOutcome): string {
  if (outcome.kind === "failed") return `failed: ${outcome.reason}`;
  return outcome.levels
    .map(({ concurrency, throughput, p99Ms }) =>
      [
        ...(outcome.levels.length > 1 ? [`concurrency ${concurrency}:`] : []),
        `${throughput.toFixed(0)} infer/s, p99 ${p99Ms.toFixed(2)} ms`,
      ].join(" "),
    )
    .join("; ");
}
