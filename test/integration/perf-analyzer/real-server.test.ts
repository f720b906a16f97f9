import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, describe, it } from "mocha";
import { reportedNumber, runPerfAnalyzer } from "../../helpers/perf-analyzer-process.ts";
import { useServer } from "../../helpers/start-server.ts";
import { tlsFile } from "../../helpers/tls-fixtures.ts";

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

  it("measures windows over a range of concurrency", async () => {
    const args = ["--concurrency-range=1:2", "-p", "150", "-s", "10000", "-r", "3", "-v"];
    const end = await runPerfAnalyzer(["-m", "simple", ...address("grpc"), ...args]);
    assert.equal(end.code, 0, end.stdout + end.stderr);
    assert.match(end.stdout, /Concurrency: 1, throughput: .*\nConcurrency: 2, throughput: /);
    assert.equal(end.stdout.match(/Pass \[3\]/g)?.length, 2);
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
