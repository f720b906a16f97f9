import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, describe, it } from "mocha";
import {
  type PerfAnalyzerEnd,
  reportedNumber,
  runPerfAnalyzer,
} from "../../helpers/perf-analyzer-process.ts";
import { useServer } from "../../helpers/start-server.ts";
import { tlsFile } from "../../helpers/tls-fixtures.ts";
import { externalResources, readMarkup } from "../../helpers/well-formed.ts";

const repository = path.resolve(import.meta.dirname, "../../../../model_repository");

describe("perf_analyzer against the server", () => {
  const server = useServer(() => [`--model-repository=${repository}`]);
  let directory = "";
  before(() => {
    directory = mkdtempSync(path.join(tmpdir(), "nereid-perf-"));
  });
  after(() => rmSync(directory, { recursive: true, force: true }));

  const address = (protocol: string): string[] => {
    const { http, grpc } = server.current.addresses;
    return protocol === "http" ? ["-u", http] : ["-i", "grpc", "-u", grpc];
  };

  for (const protocol of ["http", "grpc"]) {
    it(`counts what the server counts, over ${protocol}`, async () => {
      const end = await runPerfAnalyzer([
        ...[
          "-m",
          "simple",
          ...address(protocol),
          "--concurrency-range=4",
          "--request-count=200",
          "--max-threads=2",
        ],
      ]);
      assert.equal(end.code, 0, end.stderr);
      assert.equal(reportedNumber(end.stdout, /Request count: (\d+)/), 200);
      assert.equal(reportedNumber(end.stdout, /Successful request count: (\d+)/), 200);
      assert.equal(reportedNumber(end.stdout, /Inference count: (\d+)/), 200);
      const clientUs = reportedNumber(end.stdout, /Avg latency: (\d+) usec/);
      const serverUs = reportedNumber(end.stdout, /Avg request latency: (\d+) usec/);
      assert.ok(serverUs <= clientUs, `server ${serverUs}, client ${clientUs}`);
    });

    it(`finds wrong results over ${protocol}`, async () => {
      const file = path.join(directory, "simple.json");
      const ones = Array<number>(16).fill(1);
      const data = [{ INPUT0: ones, INPUT1: ones }];
      const right = [{ OUTPUT0: ones.map(() => 2), OUTPUT1: ones.map(() => 0) }];
      writeFileSync(file, JSON.stringify({ data, validation_data: right }));
      const args = ["-m", "simple", ...address(protocol), "--input-data", file, "--request-count=10"];
      const good = await runPerfAnalyzer(args);
      assert.equal(good.code, 0, good.stderr);
      writeFileSync(file, JSON.stringify({ data, validation_data: [{ OUTPUT1: ones }] }));
      const bad = await runPerfAnalyzer(args);
      assert.equal(bad.code, 99);
      assert.match(bad.stderr, /output "OUTPUT1" of a response differs/);
    });

    it(`says what to do about a missing model over ${protocol}`, async () => {
      const end = await runPerfAnalyzer(["-m", "nothing", ...address(protocol)]);
      assert.equal(end.code, 99);
      assert.match(end.stderr, /^perf_analyzer: Model "nothing" cannot be measured: .*nothing/);
    });

    it(`asks for --streaming for a decoupled model over ${protocol}`, async () => {
      const end = await runPerfAnalyzer(["-m", "repeat_int32", ...address(protocol)]);
      assert.equal(end.code, 99);
      assert.match(end.stderr, /Model "repeat_int32" is decoupled: give -i grpc --streaming/);
    });
  }

  it("sends and asks for JSON tensors over HTTP, in batches", async () => {
    const file = path.join(directory, "batch.json");
    const row = (value: number): number[] => Array<number>(16).fill(value);
    const data = [1, 2, 3].map((value) => ({ INPUT0: row(value), INPUT1: row(1) }));
    const expected = [1, 2, 3].map((value) => ({ OUTPUT0: row(value + 1) }));
    writeFileSync(file, JSON.stringify({ data, validation_data: expected }));
    const formats = ["--input-tensor-format=json", "--output-tensor-format=json"];
    const args = ["-m", "simple", ...address("http"), ...formats, "--input-data", file, "-b", "2"];
    const end = await runPerfAnalyzer([...args, "--request-count=9"]);
    assert.equal(end.code, 0, end.stderr);
    assert.equal(reportedNumber(end.stdout, /Inference count: (\d+)/), 18);
  });

  for (const compression of ["gzip", "deflate"]) {
    it(`compresses gRPC messages with ${compression}, and reads compressed ones`, async () => {
      const file = path.join(directory, "compressed.json");
      const ones = Array<number>(16).fill(1);
      const data = [{ INPUT0: ones, INPUT1: ones }];
      writeFileSync(file, JSON.stringify({ data, validation_data: [{ OUTPUT0: ones.map(() => 2) }] }));
      const args = ["-m", "simple", ...address("grpc"), "--input-data", file, "--request-count=5"];
      const end = await runPerfAnalyzer([...args, `--grpc-compression-algorithm=${compression}`]);
      assert.equal(end.code, 0, end.stderr);
    });
  }

  it("asks for the shape of variable dimensions and takes it", async () => {
    const args = ["-m", "simple_identity", ...address("http")];
    const end = await runPerfAnalyzer([...args, "--request-count=5"]);
    if (end.code !== 0) assert.match(end.stderr, /--shape/);
    const string = await runPerfAnalyzer([
      ...args,
      "--shape",
      "INPUT0:4",
      "--string-length=3",
      "--request-count=5",
    ]);
    assert.equal(string.code, 0, string.stderr);
  });

  it("writes all reports", async () => {
    const csv = path.join(directory, "report.csv");
    const json = path.join(directory, "export.json");
    const files = ["-f", csv, "--verbose-csv", "--profile-export-file", json];
    const end = await runPerfAnalyzer(["-m", "simple", ...address("grpc"), "--request-count=20", ...files]);
    assert.equal(end.code, 0, end.stderr);
    assert.match(readFileSync(csv, "utf8"), /^Concurrency,.*,response wait\n1,/);
    const exported = JSON.parse(readFileSync(json, "utf8")) as {
      experiments: { requests: { response_outputs: { OUTPUT0: number[] }[] }[] }[];
    };
    assert.equal(exported.experiments[0]?.requests.length, 20);
    assert.equal(exported.experiments[0].requests[0]?.response_outputs[0]?.OUTPUT0.length, 16);
  });

  it("writes a page with charts of what it measured", async () => {
    const file = path.join(directory, "report.html");
    const args = ["-m", "simple", ...address("http"), "--concurrency-range=1:2", "-p", "100", "-s", "1000"];
    const end = await runPerfAnalyzer([...args, "-r", "3", "--report-html", file]);
    assert.equal(end.code, 0, end.stdout + end.stderr);
    const elements = readMarkup(readFileSync(file, "utf8"));
    assert.equal(elements.filter(({ tag }) => tag === "svg").length, 3);
    assert.deepEqual(externalResources(elements), []);
    const throughput = reportedNumber(end.stdout, /Concurrency: 2, throughput: ([\d.]+)/);
    const cells = elements.filter(({ tag }) => tag === "td").map(({ text }) => Number(text));
    assert.ok(
      cells.some((cell) => Math.abs(cell - throughput) < 0.01),
      `${throughput} is not in the page`,
    );
  });

  it("says which file cannot be written", async () => {
    const file = path.join(directory, "missing", "report.html");
    const args = ["-m", "simple", ...address("http"), "--request-count=5", "--report-html", file];
    const end = await runPerfAnalyzer(args);
    assert.equal(end.code, 99);
    assert.match(end.stderr, /Cannot write .*report\.html: ENOENT/);
  });

  it("measures windows over a range of concurrency", async () => {
    const args = ["--concurrency-range=1:2", "-p", "150", "-s", "10000", "-r", "3", "-v"];
    const end = await runPerfAnalyzer(["-m", "simple", ...address("grpc"), ...args]);
    assert.equal(end.code, 0, end.stdout + end.stderr);
    assert.match(end.stdout, /Concurrency: 1, throughput: .*\nConcurrency: 2, throughput: /);
    assert.equal(end.stdout.match(/Pass \[3\]/g)?.length, 2);
  });
});

describe("perf_analyzer --mlperf-server", () => {
  const server = useServer(() => [
    `--model-repository=${repository}`,
    "--model-control-mode=explicit",
    "--load-model=simple",
    "--load-model=simple_sequence",
  ]);
  const run = (model: string, ...args: readonly string[]): Promise<PerfAnalyzerEnd> =>
    runPerfAnalyzer(["-m", model, "-u", server.current.addresses.http, "--mlperf-server", ...args]);
  const short = ["--mlperf-min-duration=300", "--mlperf-min-query-count=40"];

  it("finds a rate within a generous bound, by the rules that it prints", async () => {
    // Five seconds: whatever else this machine does, 80 queries a second are answered by then.
    const end = await run("simple", "--request-rate-range=40:80:40", "-l", "5000", ...short);
    assert.equal(end.code, 0, end.stdout + end.stderr);
    assert.match(end.stdout, /Latency bound: p99 within 5000 msec/);
    assert.match(end.stdout, /Minimum query count: 40\n {2}Arrivals: Poisson, seed 0\n/);
    assert.equal(end.stdout.match(/ {2}Result: VALID\n/g)?.length, 2);
    assert.match(end.stdout, /\nMLPerf server scenario: VALID, 80 queries\/sec/);
    for (const [, count] of end.stdout.matchAll(/Successful request count: (\d+)/g)) {
      assert.ok(Number(count) >= 40, `${count} queries`);
    }
  });

  it("ends with 2 and the reasons when no rate is valid, and writes the page all the same", async () => {
    const page = path.join(mkdtempSync(path.join(tmpdir(), "nereid-perf-")), "report.html");
    // No answer takes less than a microsecond.
    const end = await run(
      "simple",
      "--request-rate-range=50",
      "-l",
      "0.001",
      ...short,
      "--report-html",
      page,
    );
    assert.equal(end.code, 2, end.stdout + end.stderr);
    assert.match(
      end.stdout,
      / {2}Result: INVALID\n {4}- the p99 latency of [\d.]+ ms is above the bound of 0\.001 ms/,
    );
    assert.match(end.stdout, /MLPerf server scenario: INVALID, no run was valid: the p99/);
    const text = readFileSync(page, "utf8");
    rmSync(path.dirname(page), { recursive: true });
    readMarkup(text);
    assert.match(text, /<h2>MLPerf server scenario<\/h2>/);
  });

  it("refuses models with a sequence batcher", async () => {
    const end = await run("simple_sequence", "--request-rate-range=50", "-l", "50", ...short);
    assert.equal(end.code, 99);
    assert.match(end.stderr, /a model with a sequence batcher has none/);
  });
});

describe("perf_analyzer over TLS", () => {
  const server = useServer(() => [
    `--model-repository=${repository}`,
    "--model-control-mode=explicit",
    "--load-model=simple",
    "--grpc-use-ssl=true",
    `--grpc-server-cert=${tlsFile("server", "cert")}`,
    `--grpc-server-key=${tlsFile("server", "key")}`,
  ]);

  it("speaks gRPC with a server whose authority it trusts, and with no other", async () => {
    const port = server.current.addresses.grpc.split(":").at(-1) ?? "";
    const args = [
      "-m",
      "simple",
      "-i",
      "grpc",
      "-u",
      `localhost:${port}`,
      "--request-count=5",
      "--ssl-grpc-use-ssl",
    ];
    const trusted = ["--ssl-grpc-root-certifications-file", tlsFile("root", "cert")];
    const good = await runPerfAnalyzer([...args, ...trusted]);
    assert.equal(good.code, 0, good.stderr);
    const stranger = ["--ssl-grpc-root-certifications-file", tlsFile("stranger", "cert")];
    const bad = await runPerfAnalyzer([...args, ...stranger]);
    assert.equal(bad.code, 99);
    assert.match(bad.stderr, /Cannot connect to localhost:\d+: .*(certificate|verify|issuer)/);
  });
});
