import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import process from "node:process";
import { after, before, describe, it } from "mocha";
import { reportedNumber, runPerfAnalyzer } from "../../helpers/perf-analyzer-process.ts";
import { hasSharedMemoryFiles } from "../../helpers/shared-memory-object.ts";
import { useServer } from "../../helpers/start-server.ts";

const repository = path.resolve(import.meta.dirname, "../../../../model_repository");
const ones = Array<number>(16).fill(1);
const simpleData = [2, 3].map((value) => ({ INPUT0: ones.map(() => value), INPUT1: ones }));
const simpleOutputs = [2, 3].map((value) => ({
  OUTPUT0: ones.map(() => value + 1),
  OUTPUT1: ones.map(() => value - 1),
}));

/** Objects of shared memory that runs have left behind. */
function leftObjects(): readonly string[] {
  return existsSync("/dev/shm")
    ? readdirSync("/dev/shm").filter((name) => name.startsWith("nereid-perf-"))
    : [];
}

describe("perf_analyzer's load modes against the server", () => {
  let directory = "";
  before(() => {
    directory = mkdtempSync(path.join(tmpdir(), "nereid-perf-"));
  });
  after(() => rmSync(directory, { recursive: true, force: true }));
  const server = useServer(() => [
    `--model-repository=${repository}`,
    "--allow-client-shm=true",
    "--trace-config",
    `triton,file=${path.join(tmpdir(), `nereid-perf-trace-${process.pid}.json`)}`,
  ]);
  after(() => rmSync(path.join(tmpdir(), `nereid-perf-trace-${process.pid}.json`), { force: true }));

  const write = (name: string, content: unknown): string => {
    const file = path.join(directory, name);
    writeFileSync(file, JSON.stringify(content));
    return file;
  };
  const http = (): string[] => ["-u", server.current.addresses.http];
  const grpc = (): string[] => ["-i", "grpc", "-u", server.current.addresses.grpc];

  it("gets every response of repeat_int32, in order, and its end", async () => {
    const data = [
      { IN: { content: [4, 2, 0, 1], shape: [4] }, DELAY: { content: [0, 0, 0, 0], shape: [4] }, WAIT: [0] },
    ];
    const file = write("repeat.json", { data, validation_data: [{ OUT: [4, 2, 0, 1], IDX: [0, 1, 2, 3] }] });
    const exported = path.join(directory, "repeat-export.json");
    const args = ["--concurrency-range=3", "--request-count=30", "--profile-export-file", exported];
    const end = await runPerfAnalyzer([
      ...["-m", "repeat_int32", ...grpc(), "--streaming", "--input-data", file, ...args],
    ]);
    assert.equal(end.code, 0, end.stderr);
    assert.equal(reportedNumber(end.stdout, /Request count: (\d+)/), 30);
    assert.equal(reportedNumber(end.stdout, /Response count: (\d+)/), 120);
    assert.equal(reportedNumber(end.stdout, /Successful request count: (\d+)/), 30);
    const { experiments } = JSON.parse(readFileSync(exported, "utf8")) as {
      experiments: { requests: { response_timestamps: number[]; response_outputs: object[] }[] }[];
    };
    for (const request of experiments[0]?.requests ?? []) {
      assert.equal(request.response_timestamps.length, 4);
      assert.deepEqual(request.response_outputs[3], { OUT: [1], IDX: [3] });
    }
  });

  it("finds a wrong response of a decoupled model", async () => {
    const data = [{ IN: { content: [4, 2], shape: [2] }, DELAY: { content: [0, 0], shape: [2] }, WAIT: [0] }];
    const file = write("wrong.json", { data, validation_data: [{ OUT: [4, 3] }] });
    const args = ["-m", "repeat_int32", ...grpc(), "--streaming", "--input-data", file, "--request-count=5"];
    const end = await runPerfAnalyzer(args);
    assert.equal(end.code, 99);
    assert.match(end.stderr, /output "OUT" of a response differs/);
  });

  it("counts square_int32's responses, which are as many as its input says, none too", async () => {
    const file = write("square.json", { data: [{ IN: [3] }, { IN: [0] }] });
    const args = ["-m", "square_int32", ...grpc(), "--streaming", "--input-data", file, "--request-count=20"];
    const end = await runPerfAnalyzer(args);
    assert.equal(end.code, 0, end.stderr);
    assert.equal(reportedNumber(end.stdout, /Request count: (\d+)/), 20);
    assert.equal(reportedNumber(end.stdout, /Response count: (\d+)/), 30);
  });

  it("raises the load of repeat_int32 by the responses to it", async () => {
    const delays = { content: [20, 20, 20, 20], shape: [4] };
    const file = write("periodic.json", {
      data: [{ IN: { content: [1, 2, 3, 4], shape: [4] }, DELAY: delays, WAIT: [0] }],
    });
    const exported = path.join(directory, "periodic-export.json");
    const args = [
      "--periodic-concurrency-range=2:8:3",
      "--request-period=2",
      "--profile-export-file",
      exported,
    ];
    const end = await runPerfAnalyzer([
      ...["-m", "repeat_int32", ...grpc(), "--streaming", "--input-data", file, ...args],
    ]);
    assert.equal(end.code, 0, end.stderr);
    assert.match(end.stdout, /Periodic concurrency: 2:8:3/);
    assert.equal(reportedNumber(end.stdout, /Response count: (\d+)/), 32);
  });

  for (const compression of ["none", "gzip"]) {
    for (const load of ["--concurrency-range=2", "--request-rate-range=40"]) {
      it(`streams the requests of simple_sequence with ${load}, compression ${compression}`, async () => {
        // The model adds one to the first input of a sequence.
        const steps = [5, 6, 7].map((value) => ({ INPUT: [value] }));
        const sums = [6, 6, 7].map((value) => ({ OUTPUT: [value] }));
        const file = write("sequence.json", { data: [steps, steps], validation_data: [sums, sums] });
        const end = await runPerfAnalyzer([
          ...["-m", "simple_sequence", ...grpc(), "--streaming", "--request-count=60", load],
          ...[`--grpc-compression-algorithm=${compression}`, "--input-data", file],
        ]);
        assert.equal(end.code, 0, end.stderr);
        assert.equal(reportedNumber(end.stdout, /Request count: (\d+)/), 60);
      });
    }
  }

  const transports: readonly (readonly [string, () => string[]])[] = [
    ["http", http],
    ["grpc", grpc],
    ["grpc streams", () => [...grpc(), "--streaming"]],
  ];
  for (const [name, address] of transports) {
    it(`exchanges tensors through shared memory over ${name}, and leaves nothing behind`, async function () {
      if (!hasSharedMemoryFiles) this.skip();
      const file = write("shared.json", { data: simpleData, validation_data: simpleOutputs });
      const exported = path.join(directory, "shared-export.json");
      const load = ["--concurrency-range=5", "--request-count=100", "--max-threads=2", "-b", "2"];
      const end = await runPerfAnalyzer([
        ...["-m", "simple", ...address(), "--shared-memory=system", "--input-data", file],
        ...[...load, "--profile-export-file", exported],
      ]);
      assert.equal(end.code, 0, end.stderr);
      assert.match(end.stdout, /Using system shared memory/);
      assert.equal(reportedNumber(end.stdout, /Inference count: (\d+)/), 200);
      const { experiments } = JSON.parse(readFileSync(exported, "utf8")) as {
        experiments: { requests: { response_outputs: { OUTPUT0: number[] }[] }[] }[];
      };
      const first = experiments[0]?.requests[0]?.response_outputs[0]?.OUTPUT0;
      assert.deepEqual(first, [...ones.map(() => 3), ...ones.map(() => 4)]);
      assert.deepEqual(leftObjects(), []);
      const status = await server.current.http.request(
        "GET",
        `${server.current.addresses.http}/v2/systemsharedmemory/status`,
      );
      assert.equal(status.text, "[]");
    });
  }

  it("finds wrong results in shared memory", async function () {
    if (!hasSharedMemoryFiles) this.skip();
    const file = write("shared-wrong.json", {
      data: simpleData,
      validation_data: [...simpleOutputs].reverse(),
    });
    const args = [
      "-m",
      "simple",
      ...grpc(),
      "--shared-memory=system",
      "--input-data",
      file,
      "--request-count=4",
    ];
    const end = await runPerfAnalyzer(args);
    assert.equal(end.code, 99);
    assert.match(end.stderr, /output "OUTPUT0" of a response differs/);
    assert.deepEqual(leftObjects(), []);
  });

  it("needs room for outputs of unknown size, and says what the server says", async function () {
    if (!hasSharedMemoryFiles) this.skip();
    const args = ["-m", "simple_string", ...http(), "--shared-memory=system", "--request-count=10"];
    const data = [
      "--input-data",
      write("strings.json", { data: [{ INPUT0: ones.map(String), INPUT1: ones.map(String) }] }),
    ];
    const good = await runPerfAnalyzer([...args, ...data]);
    assert.equal(good.code, 0, good.stderr);
    const bad = await runPerfAnalyzer([...args, ...data, "--output-shared-memory-size=7"]);
    assert.equal(bad.code, 99);
    assert.match(bad.stderr, /HTTP 500: .*should be at least \d+ bytes/);
    assert.deepEqual(leftObjects(), []);
  });

  it("removes its shared memory when it is interrupted", async function () {
    if (!hasSharedMemoryFiles) this.skip();
    const args = ["-m", "simple", ...grpc(), "--shared-memory=system", "-p", "300", "-s", "0", "-v"];
    let isSent = false;
    const end = await runPerfAnalyzer(args, (text, child) => {
      if (isSent || !text.includes("Pass [1]")) return;
      isSent = true;
      child.kill("SIGINT");
    });
    assert.equal(end.code, 2, end.stderr);
    assert.match(end.stdout, /Interrupted: this is what was measured until then/);
    assert.deepEqual(leftObjects(), []);
  });

  it("reads the processors' use from the server's metrics", async () => {
    const url = server.current.addresses.metrics;
    const collect = ["--collect-metrics", "--metrics-url", url, "--metrics-interval=100"];
    const end = await runPerfAnalyzer(["-m", "simple", ...http(), "-p", "250", "-s", "1000", ...collect]);
    assert.equal(end.code, 0, end.stdout + end.stderr);
    assert.ok(reportedNumber(end.stdout, /Readings: (\d+)/) >= 3);
    assert.ok(reportedNumber(end.stdout, /Avg CPU Utilization: ([\d.]+) %/) > 0);
    assert.ok(reportedNumber(end.stdout, /Max CPU Memory Usage: ([\d.]+) MB/) > 0);
    reportedNumber(end.stdout, /Avg pending requests: ([\d.]+)/);
  });

  for (const [name, address] of transports.slice(0, 2)) {
    it(`sets the model's trace over ${name}`, async () => {
      const trace = ["--trace-level=TIMESTAMPS", "--trace-rate=7", "--trace-count=3", "--log-frequency=2"];
      const end = await runPerfAnalyzer(["-m", "simple", ...address(), "--request-count=10", ...trace]);
      assert.equal(end.code, 0, end.stderr);
      const { http: host } = server.current.addresses;
      const settings = await server.current.http.request("GET", `${host}/v2/models/simple/trace/setting`);
      const values = JSON.parse(settings.text) as Record<string, unknown>;
      assert.deepEqual(
        [values["trace_level"], values["trace_rate"], values["log_frequency"]],
        [["TIMESTAMPS"], "7", "2"],
      );
      const off = ["--trace-level=OFF"];
      const reset = await runPerfAnalyzer(["-m", "simple", ...address(), "--request-count=1", ...off]);
      assert.equal(reset.code, 0, reset.stderr);
    });
  }

  it("reports the statistics of models that the measured one calls", async () => {
    const called = ["--bls-composing-models=simple_identity,digits:1"];
    const end = await runPerfAnalyzer(["-m", "simple", ...grpc(), "--request-count=10", ...called]);
    assert.equal(end.code, 0, end.stderr);
    assert.match(end.stdout, /Composing models: \n {2}simple_identity, version: 1\n[^]*digits, version: 1\n/);
    const bad = await runPerfAnalyzer(["-m", "simple", ...grpc(), "--bls-composing-models=nothing"]);
    assert.equal(bad.code, 99);
    assert.match(bad.stderr, /--bls-composing-models: .*nothing/);
  });
});

describe("perf_analyzer against a server that takes no shared memory", () => {
  const server = useServer(() => [
    `--model-repository=${repository}`,
    "--model-control-mode=explicit",
    "--load-model=simple",
  ]);

  for (const protocol of ["http", "grpc"]) {
    it(`says so over ${protocol}`, async function () {
      if (!hasSharedMemoryFiles) this.skip();
      const { http, grpc } = server.current.addresses;
      const address = protocol === "http" ? ["-u", http] : ["-i", "grpc", "-u", grpc];
      const end = await runPerfAnalyzer(["-m", "simple", ...address, "--shared-memory=system"]);
      assert.equal(end.code, 99);
      assert.match(end.stderr, /The server does not take shared memory: .*It has to allow it/);
      assert.deepEqual(leftObjects(), []);
    });
  }
});
