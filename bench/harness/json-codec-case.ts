import type { JsonCodecAnswer, JsonCodecQuestion } from "../baselines/json-codec.ts";
import type { BenchCase, CaseResult } from "./bench-case.ts";
import type { BenchOptions } from "./bench-options.ts";
import { httpCost } from "./http-cost.ts";
import { type JsonInferInit, jsonInferMessage, verifyJsonInfer } from "./json-infer-message.ts";
import { MeasuringChild } from "./measuring-child.ts";
import { median } from "./median.ts";
import { NereidServer } from "./nereid-server.ts";
import { StopList } from "./stop-list.ts";
import { runWrk } from "./wrk.ts";

const connectionCount = 16;

async function measure(init: JsonInferInit, options: BenchOptions, started: StopList): Promise<CaseResult> {
  const codec = started.add(
    new MeasuringChild<JsonCodecQuestion, JsonCodecAnswer>(
      "json-codec",
      new URL("../baselines/json-codec.js", import.meta.url),
    ),
  );
  await codec.ask({ ...init, seconds: options.warmUpSeconds });
  const rounds: JsonCodecAnswer[] = [];
  for (let i = 0; i < options.roundCount; i++) {
    rounds.push(await codec.ask({ ...init, seconds: options.roundSeconds / 2 }));
  }

  const message = jsonInferMessage(init, options.workDirectory);
  const server = started.add(await NereidServer.start(options.repository));
  await verifyJsonInfer(server.httpUrl, message, init.values);
  const load = {
    url: server.httpUrl + message.path,
    bodyFile: message.bodyFile,
    headers: message.headers,
    connectionCount,
    seconds: options.warmUpSeconds,
  };
  await runWrk(load);
  const cost = await httpCost(server.process, { ...load, seconds: options.roundSeconds });

  const ratios = rounds.map(
    (round) => (round.parseUs + round.writeUs) / (round.engineParseUs + round.engineWriteUs),
  );
  const us = (label: string, pick: (answer: JsonCodecAnswer) => number) => ({
    label,
    value: median(rounds.map(pick)),
    unit: "us",
  });
  return {
    measured: median(ratios),
    rounds: ratios,
    details: [
      us("parse", (round) => round.parseUs),
      us("JSON.parse and the tensor's bytes", (round) => round.engineParseUs),
      us("JSON.parse alone", (round) => round.jsonParseUs),
      us("write", (round) => round.writeUs),
      us("the tensor's values and JSON.stringify", (round) => round.engineWriteUs),
      { label: "body", value: message.body.byteLength, unit: "bytes" },
      { label: "server, processor time of a request", value: cost.cpuUs, unit: "us" },
      { label: "server", value: cost.requestsPerSecond, unit: "infer/s" },
    ],
  };
}

/** A case that measures what JSON costs beside the engine's own JSON.parse and JSON.stringify. */
export function jsonCodecCase(name: string, what: string, init: () => JsonInferInit): BenchCase {
  return {
    name,
    title: `time to parse and to write ${what} as JSON ÷ the same with JSON.parse and JSON.stringify`,
    target: { direction: "at most", value: 1, unit: "" },
    async run(options) {
      const started = new StopList();
      try {
        return await measure(init(), options, started);
      } finally {
        await started.stopAll();
      }
    },
  };
}
