import type { BenchCase, CaseResult } from "../harness/bench-case.ts";
import { benchInput } from "../harness/bench-input.ts";
import type { BenchOptions } from "../harness/bench-options.ts";
import { identityBenchModel, largeIdentityBenchModel } from "../harness/bench-repository.ts";
import { httpInferMessage, verifyHttpInfer } from "../harness/http-infer-message.ts";
import { jsonInferMessage, verifyJsonInfer } from "../harness/json-infer-message.ts";
import type { LoopDelay } from "../harness/loop-delay-probe.ts";
import { median } from "../harness/median.ts";
import { NereidServer } from "../harness/nereid-server.ts";
import { StopList } from "../harness/stop-list.ts";
import { runWrk, type WrkLoad, type WrkResult } from "../harness/wrk.ts";

/** Clients that send megabytes of JSON and get megabytes of JSON back, one request after the other. */
const jsonClientCount = 4;

interface Round {
  readonly delay: LoopDelay;
  readonly json: WrkResult;
  readonly small: WrkResult;
  /** The small requests without the JSON beside them. */
  readonly alone: WrkResult;
  readonly idle: LoopDelay;
}

async function measure(options: BenchOptions, started: StopList): Promise<CaseResult> {
  const large = largeIdentityBenchModel;
  const small = identityBenchModel;
  const values = benchInput(large.inputLength);
  const json = jsonInferMessage(
    { modelName: large.name, inputName: large.inputName, datatype: "FP32", values: [...values] },
    options.workDirectory,
  );
  const smallInput = benchInput(small.inputLength);
  const binary = httpInferMessage(small, smallInput, options.workDirectory);
  const server = started.add(await NereidServer.startWatched(options.repository));
  await verifyJsonInfer(server.httpUrl, json, [...values]);
  await verifyHttpInfer(server.httpUrl, binary, smallInput, 0);

  const jsonLoad = (seconds: number): WrkLoad => ({
    ...json,
    url: server.httpUrl + json.path,
    connectionCount: jsonClientCount,
    seconds,
  });
  const smallLoad = (seconds: number): WrkLoad => ({
    ...binary,
    url: server.httpUrl + binary.path,
    connectionCount: 1,
    seconds,
  });
  await Promise.all([runWrk(jsonLoad(options.warmUpSeconds)), runWrk(smallLoad(options.warmUpSeconds))]);

  const rounds: Round[] = [];
  for (let i = 0; i < options.roundCount; i++) {
    await server.loopDelay("reset");
    const [jsonResult, smallResult] = await Promise.all([
      runWrk(jsonLoad(options.roundSeconds)),
      runWrk(smallLoad(options.roundSeconds)),
    ]);
    const delay = await server.loopDelay("reset");
    const alone = await runWrk(smallLoad(1));
    rounds.push({
      delay,
      json: jsonResult,
      small: smallResult,
      alone,
      idle: await server.loopDelay("reset"),
    });
  }
  const detail = (label: string, unit: string, pick: (round: Round) => number) => ({
    label,
    value: median(rounds.map(pick)),
    unit,
  });
  const delays = rounds.map(({ delay }) => delay.p99Ms);
  return {
    measured: median(delays),
    rounds: delays,
    details: [
      detail("event-loop delay p50", "ms", ({ delay }) => delay.p50Ms),
      detail("event-loop delay, longest", "ms", ({ delay }) => delay.maxMs),
      detail("event-loop delay p99 with the small requests only", "ms", ({ idle }) => idle.p99Ms),
      detail("large JSON requests", "infer/s", (round) => round.json.requestsPerSecond),
      detail("large JSON request p50", "us", (round) => round.json.p50Us),
      detail("small binary request beside them p50", "us", (round) => round.small.p50Us),
      detail("small binary request beside them p99", "us", (round) => round.small.p99Us),
      detail("small binary request alone p50", "us", ({ alone }) => alone.p50Us),
      detail("small binary request alone p99", "us", ({ alone }) => alone.p99Us),
      { label: "JSON body", value: json.body.byteLength, unit: "bytes" },
    ],
  };
}

/** Whether megabytes of JSON delay everybody else. */
export const jsonLoopDelay: BenchCase = {
  name: "json-loop-delay",
  title: `p99 of the event loop's delay while ${jsonClientCount} clients send 3 MB of JSON and get 3 MB back, FP32[150000], and one client sends small binary requests`,
  target: { direction: "at most", value: 20, unit: "ms" },
  async run(options) {
    const started = new StopList();
    try {
      return await measure(options, started);
    } finally {
      await started.stopAll();
    }
  },
};
