import { parseOptions } from "../perf_analyzer/options/parse-options.ts";
import { type Constraint, type MetricName, metricNames, type Objective, type TuneGoal } from "./tune-goal.ts";

/** What a command line of `nereid tune` asks for. */
export interface TuneRequest {
  readonly goal: TuneGoal;
  readonly search: "quick" | "brute";
  /** Requests that are kept outstanding; at least one. */
  readonly concurrencies: readonly number[];
  /** The values to try; `null`: what makes sense. */
  readonly values: {
    readonly instanceCounts: readonly number[] | null;
    readonly threadCounts: readonly number[] | null;
    readonly maxBatchSizes: readonly number[] | null;
    readonly queueDelaysUs: readonly number[] | null;
  };
  /** Other models that the model calls. */
  readonly companions: readonly string[];
  readonly applies: boolean;
  readonly csvFile: string | null;
  readonly htmlFile: string | null;
  /** For perf_analyzer. */
  readonly perfArgs: readonly string[];
  readonly protocol: "http" | "grpc";
  /** What a request counts for in a batch. */
  readonly rowsPerRequest: number;
}

/** The command's own options; those with a value take the next argument. */
export const tuneFlags = [
  { flag: "--search", takesValue: true },
  { flag: "--objective", takesValue: true },
  { flag: "--constraint", takesValue: true },
  { flag: "--concurrency", takesValue: true },
  { flag: "--instance-counts", takesValue: true },
  { flag: "--thread-counts", takesValue: true },
  { flag: "--max-batch-sizes", takesValue: true },
  { flag: "--queue-delays-us", takesValue: true },
  { flag: "--load-model", takesValue: true },
  { flag: "--report-csv", takesValue: true },
  { flag: "--report-html", takesValue: true },
  { flag: "--apply", takesValue: false },
] as const;

/** Enough to keep a few instances and their batches busy. */
const defaultConcurrency = 32;

/**
 * Windows shorter than perf_analyzer's own: what is compared are ratios of tens of percents, and the best are measured
 * again.
 */
const defaultPerfArgs = [
  "--measurement-interval=1000",
  "--stability-percentage=15",
  "--max-trials=8",
] as const;

/** A text that no user writes as the name of a file. */
const ownCsvFile = "\u0000";

/**
 * Reads the command's own options.
 *
 * @param own - Their values by their flags.
 * @param perfArgs - What is written for perf_analyzer.
 * @returns What is wrong, as a text, when something is.
 */
export function readTuneRequest(
  model: string,
  own: ReadonlyMap<string, string>,
  perfArgs: readonly string[],
): TuneRequest | string {
  const problems: string[] = [];
  const read = <T>(flag: string, fallback: T, parse: (text: string) => T | null, allowed: string): T => {
    const text = own.get(flag);
    const value = text === undefined ? fallback : parse(text);
    if (value !== null || text === undefined) return value ?? fallback;
    problems.push(`${flag} expects ${allowed}, got ${JSON.stringify(text)}`);
    return fallback;
  };
  const names = `a metric: ${metricNames.join(", ")}`;
  const numbers = (flag: string, min: number): readonly number[] | null =>
    read<readonly number[] | null>(
      flag,
      null,
      (text) => readNumbers(text, min),
      `whole numbers of at least ${min}, with commas between them`,
    );
  const goal: TuneGoal = {
    objectives: read<readonly Objective[]>(
      "--objective",
      [{ metric: "perf_throughput", weight: 1 }],
      (text) => readList(text, readObjective),
      `<metric>[:<weight>] with commas between them, a weight above 0, and ${names}`,
    ),
    constraints: read<readonly Constraint[]>(
      "--constraint",
      [],
      (text) => readList(text, readConstraint),
      `<metric>:max:<number> or <metric>:min:<number> with commas between them, a number above 0, and ${names}`,
    ),
  };
  const perf = readPerfArgs(model, perfArgs);
  if (typeof perf === "string") return perf;
  const request: TuneRequest = {
    goal,
    search: read<TuneRequest["search"]>(
      "--search",
      "quick",
      (text) => (["quick", "brute"] as const).find((search) => search === text) ?? null,
      "quick or brute",
    ),
    concurrencies: numbers("--concurrency", 1) ?? [defaultConcurrency],
    values: {
      instanceCounts: numbers("--instance-counts", 1),
      threadCounts: numbers("--thread-counts", 1),
      maxBatchSizes: numbers("--max-batch-sizes", 1),
      queueDelaysUs: numbers("--queue-delays-us", 0),
    },
    companions: own.get("--load-model")?.split(",") ?? [],
    applies: own.has("--apply"),
    csvFile: own.get("--report-csv") ?? null,
    htmlFile: own.get("--report-html") ?? null,
    ...perf,
  };
  return problems[0] ?? request;
}

/** Every metric that the goal needs. */
export function metricsOf({ objectives, constraints }: TuneGoal): readonly MetricName[] {
  return [...objectives, ...constraints].map(({ metric }) => metric);
}

function readPerfArgs(
  model: string,
  given: readonly string[],
): Pick<TuneRequest, "perfArgs" | "protocol" | "rowsPerRequest"> | string {
  const perfArgs = [...defaultPerfArgs, ...given];
  const reserved = ["-m", model, "--concurrency-range=1", "-f", ownCsvFile, "--verbose-csv"];
  const commandLine = parseOptions([...reserved, ...perfArgs]);
  if (commandLine.kind === "error") return `After --: ${commandLine.message}`;
  if (commandLine.kind !== "run") return "After --: expects options of perf_analyzer that measure";
  const { options } = commandLine;
  const isReserved =
    options.modelName !== model ||
    options.url !== null ||
    options.csvFile !== ownCsvFile ||
    options.concurrencyRange?.end !== 1 ||
    options.percentile !== null ||
    options.latencyThresholdMs !== 0 ||
    options.htmlReportFile !== null ||
    options.profileExportFile !== null;
  if (isReserved) {
    return "After --: the model, the server's address, the load, the percentile and the reports are set by nereid tune; write its own options --concurrency, --constraint, --report-csv and --report-html for them";
  }
  return { perfArgs, protocol: options.protocol, rowsPerRequest: options.batchSize };
}

function readList<T>(text: string, readItem: (item: string) => T | null): readonly T[] | null {
  const items = text.split(",").map(readItem);
  return items.includes(null) ? null : items.filter((item) => item !== null);
}

function readNumbers(text: string, min: number): readonly number[] | null {
  return readList(text, (item) => {
    const value = /^\d{1,9}$/.test(item) ? Number(item) : Number.NaN;
    return value >= min ? value : null;
  });
}

function readObjective(item: string): Objective | null {
  const [name, weight = "1", ...more] = item.split(":");
  const metric = metricNames.find((each) => each === name);
  const value = readPositive(weight);
  return metric === undefined || value === null || more.length > 0 ? null : { metric, weight: value };
}

function readConstraint(item: string): Constraint | null {
  const [name, bound, number = "", ...more] = item.split(":");
  const metric = metricNames.find((each) => each === name);
  const value = readPositive(number);
  if (metric === undefined || value === null || more.length > 0) return null;
  return bound === "min" || bound === "max" ? { metric, bound, value } : null;
}

function readPositive(text: string): number | null {
  const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : 0;
  return value > 0 ? value : null;
}
