import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { batchSizesCase } from "./cases/batch-sizes.ts";
import { ensembleCalls } from "./cases/ensemble-calls.ts";
import { cacheHit } from "./cases/cache-hit.ts";
import { grpc600k } from "./cases/grpc-600k.ts";
import { grpcStream } from "./cases/grpc-stream.ts";
import { grpcThroughput } from "./cases/grpc-throughput.ts";
import { http600k } from "./cases/http-600k.ts";
import { httpBytes } from "./cases/http-bytes.ts";
import { httpJson } from "./cases/http-json.ts";
import { httpLatency } from "./cases/http-latency.ts";
import { httpThroughput } from "./cases/http-throughput.ts";
import { jsonLoopDelay } from "./cases/json-loop-delay.ts";
import { mlpThroughput } from "./cases/mlp-throughput.ts";
import { reloadLatency, reloads } from "./cases/reload.ts";
import { repositoryScan } from "./cases/repository-scan.ts";
import { perfGrpc } from "./cases/perf-grpc.ts";
import { perfHttp } from "./cases/perf-http.ts";
import { overloadGoodput, overloadLate } from "./cases/overload-goodput.ts";
import { overloadPriorities } from "./cases/overload-priorities.ts";
import { paddingThroughput } from "./cases/padding-throughput.ts";
import { sequences } from "./cases/sequences.ts";
import { startUp } from "./cases/start-up.ts";
import { tensorFlowThroughput } from "./cases/tensorflow-throughput.ts";
import type { BenchCase } from "./harness/bench-case.ts";
import { writeBenchRepository } from "./harness/bench-repository.ts";
import { missingGenerators } from "./harness/load-generator.ts";
import { describeMachine } from "./harness/machine.ts";
import { formatReport, type ReportRow, writeReport } from "./harness/report.ts";

const allCases: readonly BenchCase[] = [
  httpThroughput,
  httpLatency,
  http600k,
  httpJson,
  httpBytes,
  jsonLoopDelay,
  grpcThroughput,
  grpc600k,
  grpcStream,
  mlpThroughput,
  tensorFlowThroughput,
  batchSizesCase,
  ensembleCalls,
  paddingThroughput,
  overloadGoodput,
  overloadLate,
  overloadPriorities,
  sequences,
  repositoryScan,
  reloads,
  reloadLatency,
  cacheHit,
  perfHttp,
  perfGrpc,
  startUp,
];

/** Exit codes: the run is complete, it failed or was asked for wrongly, a program is missing. */
const exitCode = { complete: 0, failed: 1, missingProgram: 2 } as const;

const root = path.resolve(import.meta.dirname, "../..");

/** Runs the cases whose name holds `filter`, and saves the numbers when that is all of them. */
async function main(filter: string): Promise<number> {
  const missing = missingGenerators();
  if (missing !== null) {
    console.error(missing);
    return exitCode.missingProgram;
  }
  const cases = allCases.filter((each) => each.name.includes(filter));
  if (cases.length === 0) {
    console.error(
      `No case is called like "${filter}". There are: ${allCases.map(({ name }) => name).join(", ")}`,
    );
    return exitCode.failed;
  }
  const date = new Date();
  const machine = describeMachine();
  console.log(
    `${machine.cpu}, ${machine.coreCount} cores, Node ${machine.node}, commit ${machine.commit ?? "unknown"}`,
  );
  const workDirectory = mkdtempSync(path.join(tmpdir(), "nereid-bench-"));
  try {
    const repository = path.join(workDirectory, "models");
    writeBenchRepository(repository);
    const options = {
      workDirectory,
      repository,
      sampleRepository: path.join(root, "model_repository"),
      roundCount: 5,
      roundSeconds: 3,
      warmUpSeconds: 2,
    };
    const rows: ReportRow[] = [];
    for (const benchCase of cases) {
      console.log(`running ${benchCase.name} …`);
      rows.push({ benchCase, result: await benchCase.run(options) });
    }
    console.log(`\n${formatReport(rows)}\n`);
    if (cases.length === allCases.length) {
      const file = writeReport(path.join(root, "bench", "results"), date, machine, rows);
      console.log(`Saved as ${path.relative(root, file)} and bench/results/latest.json`);
    }
    return exitCode.complete;
  } finally {
    rmSync(workDirectory, { recursive: true, force: true });
  }
}

try {
  process.exitCode = await main(process.argv[2] ?? "");
} catch (error) {
  console.error(error);
  process.exitCode = exitCode.failed;
}
