import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, afterEach, before, describe, it } from "mocha";
import {
  type PerfAnalyzerEnd,
  reportedNumber,
  runPerfAnalyzer,
} from "../../helpers/perf-analyzer-process.ts";
import { ScriptedKserveServer } from "../../helpers/scripted-kserve-server.ts";
import { ScriptedStreamServer, type StreamScript } from "../../helpers/scripted-stream-server.ts";

/** The server's event loop and the client's have their own delays: absolute times are compared with this much slack. */
const slackUs = 15_000;

function within(reported: number, truth: number, allowed: number): void {
  assert.ok(Math.abs(reported - truth) <= allowed, `${reported} against ${truth} ± ${allowed}`);
}

describe("perf_analyzer over streams with known delays", () => {
  let server: ScriptedStreamServer | null = null;
  let directory = "";
  before(() => {
    directory = mkdtempSync(path.join(tmpdir(), "nereid-perf-"));
  });
  after(() => rmSync(directory, { recursive: true, force: true }));
  afterEach(() => {
    server?.stop();
    server = null;
  });

  async function run(
    script: StreamScript,
    ...args: string[]
  ): Promise<{ end: PerfAnalyzerEnd; server: ScriptedStreamServer }> {
    const started = await ScriptedStreamServer.start(script);
    server = started;
    const target = ["-m", "m", "-i", "grpc", "-u", started.address, "--streaming"];
    return { end: await runPerfAnalyzer([...target, ...args]), server: started };
  }

  for (const hasEmptyEnd of [false, true]) {
    const how = hasEmptyEnd ? "a message of its own" : "the last response";
    it(`reports responses, the first one and the last one, when ${how} ends a request`, async () => {
      const { end, server: truth } = await run(
        { responsesMs: () => [100, 250, 400], hasEmptyEnd },
        ...["--concurrency-range=4", "--request-count=24"],
      );
      assert.equal(end.code, 0, end.stderr);
      assert.equal(truth.seen.length, 24);
      assert.equal(truth.streamCount, 4, "each outstanding request has its stream");
      assert.equal(reportedNumber(end.stdout, /Request count: (\d+)/), 24);
      assert.equal(reportedNumber(end.stdout, /Response count: (\d+)/), 72);
      const durationUs = (24 * 1e6) / truth.throughput;
      // Six rounds of 400 ms: what the server took longer is the machine's share, which the client has too.
      const share = 0.02 + (slackUs + Math.max(0, durationUs - 6 * 400_000)) / durationUs;
      within(
        reportedNumber(end.stdout, /Throughput: ([\d.]+) infer/),
        truth.throughput,
        truth.throughput * share,
      );
      within(
        reportedNumber(end.stdout, /Response Throughput: ([\d.]+) resp/),
        truth.responseThroughput,
        truth.responseThroughput * share,
      );
      // Medians: a moment without a processor is no delay of the server's.
      const lastUs = truth.medianUntilUs(-1);
      within(reportedNumber(end.stdout, /p50 latency: (\d+) usec/), lastUs, lastUs * 0.02 + slackUs);
      const firstUs = truth.medianUntilUs(0);
      const first = reportedNumber(end.stdout, /time to first response: .*?p50 (\d+) usec/);
      within(first, firstUs, firstUs * 0.02 + slackUs);
      const averageUs = reportedNumber(end.stdout, /Avg latency: (\d+) usec/);
      assert.ok(averageUs >= 400_000 * 0.98, `no request takes less, ${averageUs} on the average`);
    });
  }

  it("measures windows until a decoupled model is stable", async () => {
    const args = ["--concurrency-range=5", "-p", "400", "-s", "60", "-r", "6", "-v"];
    const { end } = await run({ responsesMs: () => [20, 40], hasEmptyEnd: true }, ...args);
    assert.equal(end.code, 0, end.stdout + end.stderr);
    assert.match(end.stdout, /Pass \[3\]/);
  });

  it("sends periodic groups: the next when each request of the last has had its responses", async () => {
    const file = path.join(directory, "periodic.json");
    const { end, server: truth } = await run(
      { responsesMs: () => [40, 200, 360], hasEmptyEnd: true },
      ...["--periodic-concurrency-range=1:6:2", "--request-period=2", "--profile-export-file", file],
    );
    assert.equal(end.code, 0, end.stderr);
    assert.equal(truth.seen.length, 6);
    const groups = [
      truth.seen.slice(0, 1),
      truth.seen.slice(1, 3),
      truth.seen.slice(3, 5),
      truth.seen.slice(5),
    ];
    groups.slice(1).forEach((group, g) => {
      const ready = Math.max(...groups[g]!.map(({ responsesUs }) => responsesUs[1] ?? 0));
      const finished = Math.max(...groups[g]!.map(({ responsesUs }) => responsesUs[2] ?? 0));
      for (const { arrivalUs } of group) {
        assert.ok(arrivalUs >= ready, "not before the second response of all");
        assert.ok(arrivalUs < finished, "and not after their ends");
      }
    });
    const document = JSON.parse(readFileSync(file, "utf8")) as {
      experiments: {
        experiment: { mode: string; value: number };
        requests: { response_timestamps: number[]; response_outputs: unknown[] }[];
      }[];
    };
    assert.deepEqual(document.experiments[0]?.experiment, { mode: "concurrency", value: 6 });
    const { requests } = document.experiments[0];
    assert.equal(requests.length, 6);
    for (const { response_timestamps: times, response_outputs: outputs } of requests) {
      assert.deepEqual([times.length, outputs.length], [3, 3]);
    }
  });

  it("ends with code 99 when a request of a period has too few responses", async () => {
    const file = path.join(directory, "short.json");
    const { end } = await run(
      { responsesMs: () => [10] },
      ...["--periodic-concurrency-range=2:6", "--request-period=2", "--profile-export-file", file],
    );
    assert.equal(end.code, 99);
    assert.match(end.stderr, /ended after 1 responses, before its period of 2: lower --request-period/);
  });

  const sequences = ["--sequence-length=6", "--sequence-length-variation=0", "--num-of-sequences=2"];

  function assertSequences({ seen }: ScriptedStreamServer): void {
    for (const id of new Set(seen.map(({ sequenceId }) => sequenceId))) {
      const steps = seen.filter(({ sequenceId }) => sequenceId === id);
      assert.equal(new Set(steps.map(({ stream }) => stream)).size, 1, "a sequence has one stream");
      assert.ok(steps.length <= 6);
      // The run's end ends sequences too, or the server would wait for more of them.
      const last = steps.length - 1;
      steps.forEach(({ isStart, isEnd }, i) => assert.deepEqual([isStart, isEnd], [i === 0, i === last]));
    }
  }

  it("sends the requests of a sequence when they are due, without waiting for responses", async () => {
    const { end, server: truth } = await run(
      { responsesMs: () => [150], config: { sequence_batching: {} } },
      ...["--request-rate-range=40", "--request-count=48", ...sequences],
    );
    assert.equal(end.code, 0, end.stderr);
    assertSequences(truth);
    assert.ok(truth.seen.filter(({ overtakes }) => overtakes).length >= 24, "most do not wait");
  });

  it("waits for the response of a sequence's request with --serial-sequences", async () => {
    const { end, server: truth } = await run(
      { responsesMs: () => [60], config: { sequence_batching: {} } },
      ...["--request-rate-range=50", "--request-count=60", ...sequences, "--serial-sequences"],
    );
    assert.equal(end.code, 0, end.stderr);
    assertSequences(truth);
    assert.equal(truth.seen.filter(({ overtakes }) => overtakes).length, 0);
    assert.match(end.stdout, /not able to keep up with the desired request rate/);
  });

  it("keeps the requests of a sequence on one stream under a concurrency", async () => {
    const { end, server: truth } = await run(
      { responsesMs: (index) => [index % 9], config: { sequence_batching: {} } },
      ...["--concurrency-range=3", "--request-count=54", ...sequences],
    );
    assert.equal(end.code, 0, end.stderr);
    assertSequences(truth);
    assert.equal(truth.seen.filter(({ overtakes }) => overtakes).length, 0);
  });

  it("ends with code 99 and what was measured when a request fails, or the stream ends", async () => {
    const csv = path.join(directory, "stream.csv");
    for (const [refusal, expected] of [
      ["it broke", /^perf_analyzer: it broke/m],
      ["end", /^perf_analyzer: gRPC UNAVAILABLE: scripted end/m],
    ] as const) {
      const { end } = await run(
        { responsesMs: () => [1], refusal: (index) => (index === 80 ? refusal : null) },
        ...["-f", csv, "--verbose-csv"],
      );
      assert.equal(end.code, 99);
      assert.match(end.stderr, expected);
      assert.equal(reportedNumber(end.stdout, /Request count: (\d+)/), 80);
      assert.match(readFileSync(csv, "utf8"), /^Concurrency,Inferences\/Second,Response Throughput,/);
      server?.stop();
    }
  });

  it("wants --streaming for a decoupled model", async () => {
    const started = await ScriptedStreamServer.start({ responsesMs: () => [1] });
    server = started;
    const end = await runPerfAnalyzer(["-m", "m", "-i", "grpc", "-u", started.address]);
    assert.equal(end.code, 99);
    assert.match(end.stderr, /Model "m" is decoupled: give -i grpc --streaming/);
  });
});

describe("perf_analyzer against a server over HTTP with known delays", () => {
  let server: ScriptedKserveServer | null = null;
  let directory = "";
  before(() => {
    directory = mkdtempSync(path.join(tmpdir(), "nereid-perf-"));
  });
  after(() => rmSync(directory, { recursive: true, force: true }));
  afterEach(async () => {
    await server?.stop();
    server = null;
  });

  it("sends each entry of a schedule once, at its time", async () => {
    const file = path.join(directory, "schedule.json");
    const timesMs = [0, 100, 100, 450, 500, 900];
    const data = timesMs.map((time, i) => ({ timestamp: [time], A: [i, i] }));
    writeFileSync(file, JSON.stringify({ data }));
    const started = await ScriptedKserveServer.start({ delayMs: () => 200 });
    server = started;
    const args = ["-m", "m", "-u", started.address, "--fixed-schedule", "--input-data", file, "-a"];
    const end = await runPerfAnalyzer(args);
    assert.equal(end.code, 0, end.stderr);
    const sent = started.seen.map(({ body }) => body.readFloatLE(body.length - 8));
    assert.deepEqual(sent, [0, 1, 2, 3, 4, 5]);
    const offsets = started.seen
      .map(({ arrivalUs }, i) => arrivalUs - (timesMs[i] ?? 0) * 1e3)
      .sort((a, b) => a - b);
    assert.ok((offsets[3] ?? 0) - (offsets[0] ?? 0) < 60_000, `off the schedule by ${offsets.join(", ")}`);
    assert.match(end.stdout, /Request schedule: the timestamps of --input-data/);
    assert.equal(reportedNumber(end.stdout, /Request count: (\d+)/), 6);
    within(reportedNumber(end.stdout, /Throughput: ([\d.]+) infer/), 6 / 1.1, (6 / 1.1) * 0.02 + 0.2);
  });

  it("reads the server's metrics beside the load and writes Triton's columns", async () => {
    const started = await ScriptedKserveServer.start({ delayMs: () => 20 });
    server = started;
    let count = 0;
    const metrics = createServer((_request, response) => {
      count++;
      response.end(
        `nv_gpu_utilization{gpu_uuid="GPU-x"} ${count % 2 === 0 ? 0.4 : 0.6}\nnv_gpu_power_usage{gpu_uuid="GPU-x"} 70\nnv_gpu_memory_used_bytes{gpu_uuid="GPU-x"} 1000\nnv_gpu_memory_total_bytes{gpu_uuid="GPU-x"} 4000\nnv_cpu_utilization 0.25\n`,
      );
    });
    await new Promise<void>((resolve) => metrics.listen(0, "127.0.0.1", resolve));
    try {
      const { port } = metrics.address() as AddressInfo;
      const csv = path.join(directory, "metrics.csv");
      const collect = [
        "--collect-metrics",
        `--metrics-url=127.0.0.1:${port}/metrics`,
        "--metrics-interval=50",
      ];
      const load = ["--request-count=100", "-f", csv, "--verbose-csv"];
      const end = await runPerfAnalyzer(["-m", "m", "-u", started.address, ...load, ...collect]);
      assert.equal(end.code, 0, end.stderr);
      assert.ok(reportedNumber(end.stdout, /Readings: (\d+)/) >= 5);
      const [header = "", row = ""] = readFileSync(csv, "utf8").split("\n");
      const cells = new Map(header.split(",").map((name, i) => [name, row.split(",")[i] ?? ""]));
      assert.match(cells.get("Avg GPU Utilization") ?? "", /^GPU-x:0\.[45]\d*;$/);
      assert.equal(cells.get("Avg GPU Power Usage"), "GPU-x:70;");
      assert.equal(cells.get("Max GPU Memory Usage"), "GPU-x:1000;");
      assert.equal(cells.get("Total GPU Memory"), "GPU-x:4000;");
      assert.equal(cells.get("Avg CPU Utilization"), "0.25");
    } finally {
      metrics.closeAllConnections();
      metrics.close();
    }
  });

  it("says where metrics are missing before anything is measured", async () => {
    const started = await ScriptedKserveServer.start({ delayMs: () => 1 });
    server = started;
    const args = ["-u", started.address, "--collect-metrics", "--metrics-url=127.0.0.1:1/metrics"];
    const end = await runPerfAnalyzer(["-m", "m", ...args]);
    assert.equal(end.code, 99);
    assert.match(
      end.stderr,
      /--collect-metrics cannot read http:\/\/127\.0\.0\.1:1\/metrics: .*--metrics-url/,
    );
    assert.equal(started.seen.length, 0);
  });

  it("writes the levels before the one at which the server has gone", async () => {
    const started = await ScriptedKserveServer.start({ delayMs: () => 5 });
    server = started;
    const csv = path.join(directory, "gone.csv");
    const args = ["--concurrency-range=1:3", "-p", "150", "-s", "1000", "-r", "3", "-f", csv];
    let stopped: Promise<void> | null = null;
    const end = await runPerfAnalyzer(["-m", "m", "-u", started.address, ...args], (text) => {
      if (stopped === null && text.includes("Request concurrency: 1\n")) stopped = started.stop();
    });
    server = null;
    assert.equal(end.code, 99);
    assert.match(end.stderr, /ECONNREFUSED|ECONNRESET|closed the connection/);
    assert.match(end.stdout, /\nConcurrency: 1, throughput: /);
    assert.match(readFileSync(csv, "utf8"), /^Concurrency,.*\n1,/);
  });
});
