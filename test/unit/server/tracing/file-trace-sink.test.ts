import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { describe, it } from "mocha";
import { FileTraceSink } from "../../../../server/tracing/file-trace-sink.ts";
import type { TraceValues } from "../../../../server/tracing/trace-config.ts";
import { LogRecorder } from "../../../helpers/log-recorder.ts";
import { useTestDirectory } from "../../../helpers/temporary-directory.ts";
import { traceConfig, TracerBench } from "../../../helpers/traced-requests.ts";

describe("FileTraceSink", () => {
  const directory = useTestDirectory();
  let fileNumber = 0;

  /** A tracer with real files, whose traces are of requests that have no more than a beginning. */
  async function open(values: Partial<TraceValues>, place?: string) {
    const file = place ?? directory.in(`t${fileNumber++}.json`);
    const log = new LogRecorder();
    const bench = await TracerBench.open(traceConfig(values));
    const sink = new FileTraceSink(file, log.logger);
    await bench.tracer.open(sink);
    return { bench, sink, log, file };
  }

  /** The ids of the traces in a file, in order; `null` when there is no such file. */
  function idsIn(file: string): number[] | null {
    if (!existsSync(file)) return null;
    const entries = JSON.parse(readFileSync(file, "utf8")) as { id: number; model_name?: string }[];
    return entries.filter((entry) => entry.model_name !== undefined).map(({ id }) => id);
  }

  const trace = (bench: TracerBench, count: number, model = "m"): void => {
    for (let i = 0; i < count; i++) bench.sample(model)?.end();
  };

  it("FileTraceSink writes all traces into the file when it closes, without a log frequency", async () => {
    const { bench, file } = await open({});
    trace(bench, 3);
    await bench.tracer.close(5000);
    assert.deepEqual([idsIn(file), idsIn(`${file}.0`)], [[1, 2, 3], null]);
  });

  it("(row 174) FileTraceSink writes so many traces into each file, and the rest when it closes", async () => {
    const { bench, file } = await open({ rate: 6, logFrequency: 2 });
    trace(bench, 20);
    await bench.tracer.close(5000);
    assert.deepEqual([idsIn(`${file}.0`), idsIn(`${file}.1`), idsIn(file)], [[1, 2], [3], null]);
  });

  it("FileTraceSink writes the last traces that the count allows into a file with an index", async () => {
    const { bench, sink, file } = await open({ count: 2 });
    trace(bench, 5);
    await sink.close();
    assert.deepEqual([idsIn(`${file}.0`), idsIn(file)], [[1, 2], null]);
  });

  it("FileTraceSink waits for the last trace of a count that is still open", async () => {
    const { bench, sink, file } = await open({ count: 2 });
    const slow = bench.sample();
    trace(bench, 1);
    slow?.end();
    await sink.close();
    assert.deepEqual(idsIn(`${file}.0`), [2, 1]);
  });

  it("FileTraceSink collects the traces of each setting by themselves", async () => {
    const { bench, file } = await open({ logFrequency: 2 });
    bench.tracer.changeSettings("own", [{ name: "log_frequency", values: ["3"] }]);
    for (let i = 0; i < 3; i++) {
      trace(bench, 1, "own");
      trace(bench, 1, "m");
    }
    await bench.tracer.close(5000);
    assert.deepEqual([idsIn(`${file}.0`), idsIn(`${file}.1`), idsIn(`${file}.2`)], [[2, 4], [1, 3, 5], [6]]);
  });

  it("FileTraceSink writes no file without a trace", async () => {
    const { bench, file } = await open({});
    await bench.tracer.close(5000);
    assert.equal(idsIn(file), null);
  });

  it("FileTraceSink logs once that it cannot write, and goes on", async () => {
    const nowhere = directory.in("nowhere", "t.json");
    const { bench, sink, log } = await open({ logFrequency: 1 }, nowhere);
    trace(bench, 3);
    await sink.close();
    assert.equal(log.ofSeverity("E").length, 1);
    assert.match(log.ofSeverity("E").join(), /Traces could not be written.*ENOENT/);
  });

  it("FileTraceSink loses traces rather than memory, and says so", async () => {
    const { bench, sink, log, file } = await open({});
    // One is being written, 10000 wait.
    trace(bench, 10_003);
    await sink.close();
    assert.equal(idsIn(file)?.length, 10_001);
    assert.match(log.ofSeverity("W").join(), /A trace was lost.*2 traces were lost altogether/s);
  });

  it("FileTraceSink takes nothing more when it has been closed", async () => {
    const { bench, sink, file } = await open({});
    const late = bench.sample();
    trace(bench, 1);
    await sink.close();
    late?.end();
    await sink.close();
    assert.deepEqual(idsIn(file), [2]);
  });
});
