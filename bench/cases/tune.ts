import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import path from "node:path";
import type { ModelConfigFields } from "../../server/model-config/model-config.gen.ts";
import { benchCandidate } from "../../tune/candidate-bench.ts";
import { candidateConfig } from "../../tune/candidate-config.ts";
import { type CandidateSettings, describeSettings, settingsKey } from "../../tune/candidate-settings.ts";
import { PrivateRepository } from "../../tune/private-repository.ts";
import { alternatingRounds } from "../harness/alternating-rounds.ts";
import type { BenchCase, CaseResult, Detail } from "../harness/bench-case.ts";
import type { BenchOptions } from "../harness/bench-options.ts";
import { median } from "../harness/median.ts";

const entry = path.resolve(import.meta.dirname, "../../server/main.js");

/** An ONNX model with work to do, one with next to none, and one of TensorFlow, whose instances have one thread each. */
const models = ["digits", "simple", "diabetes_graphdef"] as const;

/** Small enough to try everything, and wide enough that candidates differ. */
const space = ["--instance-counts=1,2", "--max-batch-sizes=4,16,64", "--queue-delays-us=0,1000"];
const concurrency = 32;
/** Short windows: what is found is compared in rounds of its own afterwards. */
const perfArgs = ["--measurement-interval=400", "--stability-percentage=20", "--max-trials=4"];

/** The winner of `nereid tune`, read from its CSV. */
async function winnerOf(
  model: string,
  search: "brute" | "quick",
  options: BenchOptions,
): Promise<{ readonly settings: CandidateSettings; readonly triedCount: number }> {
  const csvFile = path.join(options.workDirectory, `tune-${model}-${search}.csv`);
  const args = [
    ...["tune", model, `--model-repository=${options.sampleRepository}`, `--search=${search}`, ...space],
    ...[`--concurrency=${concurrency}`, `--report-csv=${csvFile}`, "--", ...perfArgs],
  ];
  const child = spawn(process.execPath, [entry, ...args], { stdio: ["ignore", "ignore", "pipe"] });
  let log = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    log += text;
  });
  const code = await new Promise((resolve) => child.once("close", resolve));
  if (code !== 0) throw new Error(`nereid tune ${model} ended with ${String(code)}:\n${log.slice(-4_000)}`);
  const [header = "", best = "", ...others] = readFileSync(csvFile, "utf8").trimEnd().split("\n");
  const names = header.split(",");
  const cell = (name: string): string => best.split(",")[names.indexOf(name)] ?? "";
  const optional = (name: string): number | null => (cell(name) === "" ? null : Number(cell(name)));
  return {
    settings: {
      instanceCount: Number(cell("instance_group")),
      threadCount: optional("thread_count"),
      maxBatchSize: Number(cell("max_batch_size")),
      queueDelayUs: optional("max_queue_delay_microseconds"),
    },
    triedCount: others.length + 1,
  };
}

/** Throughput of what the quick search found ÷ that of what the brute search found, both measured in turns. */
async function compare(
  model: string,
  options: BenchOptions,
): Promise<{ readonly ratios: readonly number[]; readonly details: readonly Detail[] }> {
  const brute = await winnerOf(model, "brute", options);
  const quick = await winnerOf(model, "quick", options);
  const details: Detail[] = [
    { label: `${model}: brute, ${describeSettings(brute.settings)}`, value: brute.triedCount, unit: "tried" },
    { label: `${model}: quick, ${describeSettings(quick.settings)}`, value: quick.triedCount, unit: "tried" },
  ];
  if (settingsKey(brute.settings) === settingsKey(quick.settings)) return { ratios: [1], details };
  const directory = path.join(options.sampleRepository, model);
  const fields = JSON.parse(readFileSync(path.join(directory, "config.json"), "utf8")) as ModelConfigFields;
  const repository = await PrivateRepository.make([{ name: model, directory }]);
  try {
    const throughputOf = async (settings: CandidateSettings): Promise<number> => {
      const outcome = await benchCandidate(
        {
          model,
          companions: [],
          repository: repository.path,
          serverArgs: [],
          concurrencies: [concurrency],
          protocol: "http",
          perfArgs: [`--measurement-interval=${options.roundSeconds * 250}`, ...perfArgs.slice(1)],
          configOf: (candidate) => candidateConfig(fields, candidate, true),
          signal: new AbortController().signal,
        },
        settings,
        false,
      );
      if (outcome.kind === "failed")
        throw new Error(`${model}, ${describeSettings(settings)}: ${outcome.reason}`);
      return outcome.levels[0]?.throughput ?? 0;
    };
    const rounds = await alternatingRounds(
      options.roundCount,
      () => throughputOf(quick.settings),
      () => throughputOf(brute.settings),
    );
    const ratios = rounds.map((round) => round.server / round.baseline);
    return {
      ratios,
      details: [...details, { label: `${model}: quick ÷ brute`, value: median(ratios), unit: "" }],
    };
  } finally {
    await repository.remove();
  }
}

async function measure(options: BenchOptions): Promise<CaseResult> {
  const found: Awaited<ReturnType<typeof compare>>[] = [];
  for (const model of models) found.push(await compare(model, options));
  const worst = found.reduce((a, b) => (median(b.ratios) < median(a.ratios) ? b : a));
  return {
    measured: median(worst.ratios),
    rounds: worst.ratios,
    details: found.flatMap(({ details }) => details),
  };
}

/** Whether a search that measures a part of the candidates finds one that is as good as the best of all. */
export const tuneCase: BenchCase = {
  name: "tune",
  title: `throughput of what nereid tune's quick search finds ÷ of the best of all candidates, the worst of ${models.length} sample models`,
  target: { direction: "at least", value: 0.95, unit: "" },
  run: measure,
};
