import path from "node:path";
import { identityModel } from "../../tools/onnx-builder/model-zoo.ts";
import { writeModelDirectory } from "../../tools/model-directory.ts";
import { mkdirSync, writeFileSync } from "node:fs";
import { alternatingRounds } from "../harness/alternating-rounds.ts";
import type { BenchCase, CaseResult } from "../harness/bench-case.ts";
import { benchInput } from "../harness/bench-input.ts";
import type { BenchOptions } from "../harness/bench-options.ts";
import { verifyValues } from "../harness/http-infer-message.ts";
import { firstOutput, loadCall } from "../harness/load-call.ts";
import { median } from "../harness/median.ts";
import { NereidServer } from "../harness/nereid-server.ts";
import type { LoadCall, RequestLoadAnswer } from "../harness/request-load.ts";
import { startRequestLoad } from "../harness/request-load-generator.ts";
import { StopList } from "../harness/stop-list.ts";

const inFlight = 8;
const stepCount = 3;
const length = 4_096;

const tensorConfig = { data_type: "TYPE_FP32", dims: [length] };
const io = {
  input: [{ name: "INPUT0", ...tensorConfig }],
  output: [{ name: "OUTPUT0", ...tensorConfig }],
};

function writeModels(repository: string): void {
  const model = identityModel("FP32", ["batch", length]);
  for (let step = 0; step < stepCount; step++) {
    const config = {
      backend: "onnxruntime",
      max_batch_size: 16,
      ...io,
      dynamic_batching: {},
      instance_group: [{ kind: "KIND_CPU", count: 1 }],
      parameters: { intra_op_thread_count: { string_value: "1" } },
    };
    writeModelDirectory(repository, `step${step}`, config, model);
  }
  /** The tensor that goes into a step. */
  const before = (step: number): string => (step === 0 ? "INPUT0" : `between${step}`);
  const steps = Array.from({ length: stepCount }, (_, step) => ({
    model_name: `step${step}`,
    model_version: -1,
    input_map: { INPUT0: before(step) },
    output_map: { OUTPUT0: step === stepCount - 1 ? "OUTPUT0" : before(step + 1) },
  }));
  const ensemble = path.join(repository, "ensemble");
  mkdirSync(path.join(ensemble, "1"), { recursive: true });
  const config = { platform: "ensemble", max_batch_size: 16, ...io, ensemble_scheduling: { step: steps } };
  writeFileSync(path.join(ensemble, "config.json"), JSON.stringify(config));
}

async function measure(options: BenchOptions, started: StopList): Promise<CaseResult> {
  const repository = path.join(options.workDirectory, "ensemble-models");
  writeModels(repository);
  const server = started.add(await NereidServer.start(repository));
  const generator = started.add(startRequestLoad());
  const data = new Uint8Array(benchInput(length).buffer);
  const call = (model: string, appendsPreviousOutput: boolean): LoadCall =>
    loadCall(options.workDirectory, {
      id: `ensemble-calls-${model}`,
      model,
      inputs: [{ name: "INPUT0", datatype: "FP32", shape: [1, length], data }],
      appendsPreviousOutput,
    });
  const steps = Array.from({ length: stepCount }, (_, step) => call(`step${step}`, step > 0));
  const load = (calls: readonly LoadCall[], seconds: number): Promise<RequestLoadAnswer> =>
    generator.ask({
      baseUrl: server.httpUrl,
      kinds: [{ name: "all", calls, percent: 100 }],
      pace: { kind: "closed", inFlight },
      leadSeconds: 0.2,
      seconds,
      lateAfterUs: Number.MAX_SAFE_INTEGER,
    });
  const ensemble = [call("ensemble", false)];
  for (const one of [...ensemble, steps[0]!]) {
    verifyValues(one.path, await firstOutput(server.httpUrl, one), benchInput(length), 0);
  }
  await load(ensemble, options.warmUpSeconds);
  await load(steps, options.warmUpSeconds);
  const rounds = await alternatingRounds(
    options.roundCount,
    () => load(ensemble, options.roundSeconds),
    () => load(steps, options.roundSeconds),
  );
  const ratios = rounds.map((round) => round.server.goodPerSecond / round.baseline.goodPerSecond);
  return {
    measured: median(ratios),
    rounds: ratios,
    details: [
      { label: "ensemble", value: median(rounds.map((r) => r.server.goodPerSecond)), unit: "requests/s" },
      {
        label: "three calls",
        value: median(rounds.map((r) => r.baseline.goodPerSecond)),
        unit: "requests/s",
      },
      { label: "ensemble p50", value: median(rounds.map((r) => r.server.kinds[0]!.p50Us)), unit: "us" },
      { label: "three calls p50", value: median(rounds.map((r) => r.baseline.kinds[0]!.p50Us)), unit: "us" },
      {
        label: "generator on the ensemble",
        value: median(rounds.map((r) => r.server.generatorCores)),
        unit: "cores",
      },
      {
        label: "generator on the three calls",
        value: median(rounds.map((r) => r.baseline.generatorCores)),
        unit: "cores",
      },
    ],
  };
}

/** What it saves to leave the tensors between the steps of a pipeline in the server. */
export const ensembleCalls: BenchCase = {
  name: "ensemble-calls",
  title: `an ensemble of three identity steps over FP32[${length}] ÷ a client that makes the three calls, ${inFlight} at a time, requests/s`,
  target: { direction: "at least", value: 1.5, unit: "" },
  async run(options) {
    const started = new StopList();
    try {
      return await measure(options, started);
    } finally {
      await started.stopAll();
    }
  },
};
