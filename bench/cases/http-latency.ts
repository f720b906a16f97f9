import path from "node:path";
import type { RawSessionAnswer, RawSessionQuestion } from "../baselines/raw-session.ts";
import type { WorkerRoundTripAnswer, WorkerRoundTripQuestion } from "../baselines/worker-round-trip.ts";
import { alternatingRounds } from "../harness/alternating-rounds.ts";
import type { BenchCase, CaseResult } from "../harness/bench-case.ts";
import { benchInput } from "../harness/bench-input.ts";
import type { BenchOptions } from "../harness/bench-options.ts";
import { identityBenchModel } from "../harness/bench-repository.ts";
import { EchoServer } from "../harness/echo-server.ts";
import { httpInferMessage, verifyHttpInfer } from "../harness/http-infer-message.ts";
import { MeasuringChild } from "../harness/measuring-child.ts";
import { median } from "../harness/median.ts";
import { NereidServer } from "../harness/nereid-server.ts";
import { StopList } from "../harness/stop-list.ts";
import { runWrk } from "../harness/wrk.ts";

/** The baselines of this case need less time than a load test to settle. */
const baselineSeconds = 1;

async function measure(options: BenchOptions, started: StopList): Promise<CaseResult> {
  const model = identityBenchModel;
  const input = benchInput(model.inputLength);
  const message = httpInferMessage(model, input, options.workDirectory);
  const server = started.add(await NereidServer.start(options.repository));
  const echo = started.add(await EchoServer.start("uws-echo"));
  const session = started.add(
    new MeasuringChild<RawSessionQuestion, RawSessionAnswer>(
      "raw-session",
      new URL("../baselines/raw-session.js", import.meta.url),
    ),
  );
  const worker = started.add(
    new MeasuringChild<WorkerRoundTripQuestion, WorkerRoundTripAnswer>(
      "worker-round-trip",
      new URL("../baselines/worker-round-trip.js", import.meta.url),
    ),
  );
  await verifyHttpInfer(server.httpUrl, message, input, 0);

  const client = async (baseUrl: string, seconds: number): Promise<number> => {
    const { bodyFile, headers } = message;
    const result = await runWrk({
      url: baseUrl + message.path,
      bodyFile,
      headers,
      connectionCount: 1,
      seconds,
    });
    return result.p50Us;
  };
  const raw = async (seconds: number): Promise<number> => {
    const answer = await session.ask({
      modelPath: path.join(options.repository, model.name, "1", "model.onnx"),
      inputName: model.inputName,
      outputName: model.outputName,
      input: [...input],
      batchSize: 1,
      intraOpThreadCount: model.intraOpThreadCount,
      seconds,
    });
    return answer.p50Us;
  };
  const echoUrl = `http://127.0.0.1:${echo.port}`;
  await client(server.httpUrl, options.warmUpSeconds);
  await client(echoUrl, baselineSeconds);
  await raw(baselineSeconds);

  const rounds = await alternatingRounds(
    options.roundCount,
    () => client(server.httpUrl, options.roundSeconds),
    async () => ({
      sessionUs: await raw(baselineSeconds),
      echoUs: await client(echoUrl, baselineSeconds),
      workerUs: (await worker.ask({ seconds: baselineSeconds / 2 })).p50Us,
    }),
  );

  // The parts overlap on a busy machine, where this may come out negative.
  const left = rounds.map(
    ({ server: serverUs, baseline }) => serverUs - baseline.sessionUs - baseline.echoUs - baseline.workerUs,
  );
  const added = rounds.map((round) => round.server - round.baseline.sessionUs);
  const serverUs = median(rounds.map((round) => round.server));
  const echoUs = median(rounds.map((round) => round.baseline.echoUs));
  const workerUs = median(rounds.map((round) => round.baseline.workerUs));
  const sessionUs = median(rounds.map((round) => round.baseline.sessionUs));
  return {
    measured: median(added),
    rounds: added,
    details: [
      { label: "server p50", value: serverUs, unit: "us" },
      { label: "session.run p50", value: sessionUs, unit: "us" },
      { label: "µWS echo p50 (machine: socket and client)", value: echoUs, unit: "us" },
      { label: "worker round trip p50 (machine: two thread wake-ups)", value: workerUs, unit: "us" },
      { label: "left to the server", value: median(left), unit: "us" },
    ],
  };
}

/** What a lone client waits beyond the model itself, and which part of that no server on this machine can save. */
export const httpLatency: BenchCase = {
  name: "http-latency",
  title: "p50 of one HTTP binary client − p50 of session.run in process, identity FP32[16]",
  target: { direction: "at most", value: 120, unit: "us" },
  async run(options) {
    const started = new StopList();
    try {
      return await measure(options, started);
    } finally {
      await started.stopAll();
    }
  },
};
