import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, afterEach, before, describe, it } from "mocha";
import {
  type PerfAnalyzerEnd,
  reportedNumber,
  runPerfAnalyzer,
} from "../../helpers/perf-analyzer-process.ts";
import { ScriptedKserveServer, type ServerScript } from "../../helpers/scripted-kserve-server.ts";

const throughput = /Throughput: ([\d.]+) infer\/sec/;
const average = /Avg latency: (\d+) usec/;

/** The server's event loop and the client's have their own delays: absolute times are compared with this much slack. */
const slackUs = 15_000;

/**
 * Compares arrivals with their schedule. A busy machine delays some of them: half may be, by any time, and no rate but the
 * right one keeps the others together.
 */
function assertSchedule(server: ScriptedKserveServer, scheduledUs: (n: number) => number): void {
  const offsets = server.seen.map(({ arrivalUs }, n) => arrivalUs - scheduledUs(n)).sort((a, b) => a - b);
  const spreadUs = (offsets[Math.floor(offsets.length / 2)] ?? 0) - (offsets[0] ?? 0);
  assert.ok(spreadUs < 60_000, `half of the requests are up to ${spreadUs} µs off their schedule`);
}

describe("perf_analyzer against a server with known delays", () => {
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

  async function run(
    script: ServerScript,
    ...args: string[]
  ): Promise<{ end: PerfAnalyzerEnd; server: ScriptedKserveServer }> {
    const started = await ScriptedKserveServer.start(script);
    server = started;
    return { end: await runPerfAnalyzer(["-m", "m", "-u", started.address, ...args]), server: started };
  }

  it("reports the concurrency's true throughput and latency", async () => {
    const { end, server: truth } = await run(
      { delayMs: () => 60 },
      "--concurrency-range=4",
      "--request-count=60",
    );
    assert.equal(end.code, 0, end.stderr);
    assert.equal(truth.seen.length, 60);
    assert.equal(Math.max(...truth.seen.map(({ outstanding }) => outstanding)), 4);
    const reported = reportedNumber(end.stdout, throughput);
    const durationUs = (60 * 1e6) / truth.throughput;
    const allowed = truth.throughput * (0.02 + slackUs / durationUs);
    assert.ok(Math.abs(reported - truth.throughput) <= allowed, `${reported} against ${truth.throughput}`);
    const latencyUs = reportedNumber(end.stdout, average);
    assert.ok(latencyUs >= truth.averageHeldUs * 0.98, `${latencyUs} against ${truth.averageHeldUs}`);
    assert.ok(
      latencyUs <= truth.averageHeldUs * 1.02 + slackUs,
      `${latencyUs} against ${truth.averageHeldUs}`,
    );
    assert.ok(!end.stdout.includes("Server:"), "it has no statistics");
  });

  it("sends at a constant rate while responses are slow", async () => {
    const args = ["--request-rate-range=100", "--request-count=120", "--async"];
    const { end, server: truth } = await run({ delayMs: () => 200 }, ...args);
    assert.equal(end.code, 0, end.stderr);
    assert.equal(truth.seen.length, 120);
    assertSchedule(truth, (n) => n * 10_000);
    assert.ok(
      Math.max(...truth.seen.map(({ outstanding }) => outstanding)) > 8,
      "it does not wait for responses",
    );
    assert.ok(reportedNumber(end.stdout, average) >= 190_000);
  });

  it("counts the time that requests could not be sent as latency", async () => {
    // One outstanding request at 50/s, and a server that takes 60 ms: each request is later than the one before.
    const args = ["--request-rate-range=50", "--request-count=50", "--sync", "--max-threads=1"];
    const { end } = await run({ delayMs: () => 60 }, ...args);
    assert.equal(end.code, 0, end.stderr);
    const latencyUs = reportedNumber(end.stdout, average);
    const serviceUs = reportedNumber(end.stdout, /Avg service time: (\d+) usec/);
    assert.ok(serviceUs >= 59_000, `service ${serviceUs}`);
    // The n-th waits n × 40 ms: 0.98 s on the average.
    assert.ok(latencyUs > serviceUs + 900_000, `latency ${latencyUs}, service ${serviceUs}`);
    assert.match(
      end.stdout,
      /not able to keep up with the desired request rate\. (9\d\.\d+|100\.00)% of the requests were delayed/,
    );
  });

  it("counts a stall for every request that it kept from being sent", async () => {
    // One request of a hundred takes 500 ms. By its service time alone that is 1 % of them; by the schedule half are late.
    const args = ["--request-rate-range=100", "--request-count=100", "--sync", "--max-threads=1"];
    const { end } = await run({ delayMs: (index) => (index === 20 ? 500 : 0) }, ...args);
    assert.equal(end.code, 0, end.stderr);
    const p90Us = reportedNumber(end.stdout, /p90 latency: (\d+) usec/);
    assert.ok(p90Us > 300_000, `p90 ${p90Us}`);
    const serviceUs = reportedNumber(end.stdout, /Avg service time: (\d+) usec/);
    assert.ok(serviceUs < 100_000, `service ${serviceUs}`);
    assert.match(end.stdout, /not able to keep up with the desired request rate/);
  });

  it("sends a Poisson process and custom intervals", async () => {
    const poisson = [
      "--request-rate-range=200",
      "--request-distribution=poisson",
      "--request-count=200",
      "-a",
    ];
    const first = await run({ delayMs: () => 1 }, ...poisson);
    assert.equal(first.end.code, 0, first.end.stderr);
    const arrivals = first.server.seen.map(({ arrivalUs }) => arrivalUs);
    const gaps = arrivals.slice(1).map((time, i) => time - (arrivals[i] ?? 0));
    assert.ok(gaps.some((gap) => gap < 1_500) && gaps.some((gap) => gap > 10_000), "gaps differ");
    await first.server.stop();

    const file = path.join(directory, "intervals");
    writeFileSync(file, "5000\n45000\n");
    const second = await run({ delayMs: () => 1 }, `--request-intervals=${file}`, "--request-count=20", "-a");
    assert.equal(second.end.code, 0, second.end.stderr);
    assert.match(second.end.stdout, /Request Rate: 40 inference/);
    assertSchedule(second.server, (n) => Math.floor(n / 2) * 50_000 + (n % 2) * 5_000);
  });

  it("ends with code 99 and what was measured when the server refuses or dies", async () => {
    const csv = path.join(directory, "partial.csv");
    const refused = await run(
      {
        delayMs: () => 1,
        refusal: (index) => (index === 300 ? { status: 503, message: "queue full" } : null),
      },
      ...["-f", csv],
    );
    assert.equal(refused.end.code, 99);
    assert.match(refused.end.stderr, /^perf_analyzer: HTTP 503: queue full/m);
    assert.match(refused.end.stdout, /Failed, this is what was measured until then: HTTP 503/);
    assert.equal(reportedNumber(refused.end.stdout, /Request count: (\d+)/), 300);
    assert.match(readFileSync(csv, "utf8"), /^Concurrency,Inferences\/Second,/);
    await refused.server.stop();

    const died = await run({ delayMs: () => 1, refusal: (index) => (index === 50 ? "close" : null) });
    assert.equal(died.end.code, 99);
    assert.match(died.end.stderr, /closed the connection|ECONNRESET/);
  });

  it("ends with code 99 when nobody listens, and names the address", async () => {
    const end = await runPerfAnalyzer(["-m", "m", "-u", "127.0.0.1:1"]);
    assert.equal(end.code, 99);
    assert.match(end.stderr, /Cannot connect to 127\.0\.0\.1:1: .*ECONNREFUSED/);
  });

  it("ends with code 3 when no request ends within the windows", async () => {
    const { end } = await run({ delayMs: () => 2_000 }, "-p", "50", "-r", "3");
    assert.equal(end.code, 3, end.stdout);
    assert.match(end.stderr, /No valid requests recorded .*raise --measurement-interval/);
  });

  it("ends with code 2 when the measurement is not stable", async () => {
    const { end } = await run({ delayMs: (index) => 1 + index * 3 }, "-p", "200", "-r", "3");
    assert.equal(end.code, 2, end.stdout);
    assert.match(end.stdout, /Failed to obtain stable measurement within 3 measurement windows/);
  });

  it("writes what was measured when it is interrupted", async () => {
    const started = await ScriptedKserveServer.start({ delayMs: () => 5 });
    server = started;
    const file = path.join(directory, "interrupted.json");
    const args = [
      "-m",
      "m",
      "-u",
      started.address,
      "-p",
      "400",
      "-s",
      "0",
      "-v",
      "--profile-export-file",
      file,
    ];
    let isSent = false;
    const end = await runPerfAnalyzer(args, (text, child) => {
      if (isSent || !text.includes("Pass [2]")) return;
      isSent = true;
      child.kill("SIGINT");
    });
    assert.equal(end.code, 2, end.stderr);
    assert.match(end.stdout, /Interrupted: this is what was measured until then/);
    const document = JSON.parse(readFileSync(file, "utf8")) as { experiments: { requests: unknown[] }[] };
    assert.ok((document.experiments[0]?.requests.length ?? 0) > 20);
  });

  it("compares responses with the validation data", async () => {
    const file = path.join(directory, "validated.json");
    writeFileSync(file, JSON.stringify({ data: [{ A: [1, 2] }], validation_data: [{ B: [1, 2] }] }));
    const good = await run({ delayMs: () => 1 }, "--input-data", file, "--request-count=5");
    assert.equal(good.end.code, 0, good.end.stderr);
    await good.server.stop();
    const bad = await run(
      { delayMs: () => 1, output: Buffer.alloc(8) },
      "--input-data",
      file,
      "--request-count=5",
    );
    assert.equal(bad.end.code, 99);
    assert.match(bad.end.stderr, /output "B" of a response differs from its validation data/);
  });

  it("sends headers, the version and the requests of the file in turn", async () => {
    const file = path.join(directory, "turns.json");
    writeFileSync(file, JSON.stringify({ data: [{ A: [1, 1] }, { A: [2, 2] }] }));
    const started = await ScriptedKserveServer.start({ delayMs: () => 1 });
    server = started;
    const args = ["-u", started.address, "--input-data", file, "--request-count=4", "-H", "x-a: b"];
    const end = await runPerfAnalyzer(["-m", "m", ...args]);
    assert.equal(end.code, 0, end.stderr);
    const first = started.seen.map(({ body }) => body.readFloatLE(body.length - 8));
    assert.deepEqual(first, [1, 2, 1, 2]);
    assert.equal(started.seen[0]?.headers["x-a"], "b");
  });

  it("makes sequences whose requests do not overtake each other", async () => {
    const config = { name: "m", sequence_batching: {} };
    const args = [
      "--concurrency-range=3",
      "--request-count=60",
      "--sequence-length=5",
      "--sequence-length-variation=0",
    ];
    const { end, server: truth } = await run({ delayMs: (index) => index % 7, config }, ...args);
    assert.equal(end.code, 0, end.stderr);
    const bySequence = new Map<number, { start: boolean; end: boolean }[]>();
    for (const { body } of truth.seen) {
      const { parameters } = JSON.parse(body.toString("latin1", 0, body.length - 8)) as {
        parameters: { sequence_id: number; sequence_start: boolean; sequence_end: boolean };
      };
      const steps = bySequence.get(parameters.sequence_id) ?? [];
      bySequence.set(parameters.sequence_id, [
        ...steps,
        { start: parameters.sequence_start, end: parameters.sequence_end },
      ]);
    }
    const whole = [...bySequence.values()].filter((steps) => steps.length === 5);
    assert.ok(whole.length >= 9, `${whole.length} whole sequences`);
    for (const steps of whole) {
      assert.deepEqual(
        steps.map(({ start }) => start),
        [true, false, false, false, false],
      );
      assert.deepEqual(
        steps.map((step) => step.end),
        [false, false, false, false, true],
      );
    }
  });
});
