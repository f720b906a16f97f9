import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, describe, it } from "mocha";
import { reportedNumber, runPerfAnalyzer } from "../../helpers/perf-analyzer-process.ts";

const repository = path.resolve(import.meta.dirname, "../../../../model_repository");

describe("perf_analyzer --service-kind in_process", () => {
  let directory = "";
  before(() => {
    directory = mkdtempSync(path.join(tmpdir(), "nereid-in-process-"));
  });
  after(() => rmSync(directory, { recursive: true, force: true }));

  const kind = (name: string): string[] => ["--service-kind", name, "--model-repository", repository];

  it("measures a model of the embedded server, and its statistics", async () => {
    const args = [
      "-m",
      "simple",
      ...kind("in_process"),
      "--concurrency-range",
      "4",
      "--request-count",
      "100",
    ];
    const end = await runPerfAnalyzer(args);
    assert.equal(end.code, 0, end.stderr);
    assert.match(end.stdout, /Service Kind: IN_PROCESS/);
    assert.match(end.stdout, /Avg in-process time:/);
    assert.equal(reportedNumber(end.stdout, /Request count: (\d+)/), 100);
    assert.equal(reportedNumber(end.stdout, /Successful request count: (\d+)/), 100);
    assert.equal(end.stderr, "", "only warnings and errors of the server are written");
  });

  it("accepts Triton's name for it, checks results and exports them", async () => {
    const data = path.join(directory, "simple.json");
    const ones = Array.from({ length: 16 }, () => 1);
    const document = {
      data: [{ INPUT0: ones.map((_, i) => i), INPUT1: ones }],
      validation_data: [{ OUTPUT0: ones.map((_, i) => i + 1) }],
    };
    writeFileSync(data, JSON.stringify(document));
    const exported = path.join(directory, "export.json");
    const args = ["-m", "simple", ...kind("triton_c_api"), "--input-data", data, "--request-count", "10"];
    const good = await runPerfAnalyzer([...args, "--profile-export-file", exported]);
    assert.equal(good.code, 0, good.stderr);
    const { experiments } = JSON.parse(readFileSync(exported, "utf8")) as {
      experiments: { requests: { response_outputs: Record<string, unknown>[] }[] }[];
    };
    assert.equal(experiments[0]?.requests.length, 10);
    assert.deepEqual(Object.keys(experiments[0].requests[0]?.response_outputs[0] ?? {}), [
      "OUTPUT0",
      "OUTPUT1",
    ]);
    writeFileSync(data, JSON.stringify({ ...document, validation_data: [{ OUTPUT0: ones }] }));
    const bad = await runPerfAnalyzer(args);
    assert.equal(bad.code, 99);
    assert.match(bad.stderr, /output "OUTPUT0" of a response differs from its validation data/);
  });

  it("makes sequences and a request rate", async () => {
    const args = ["-m", "simple_sequence", ...kind("in_process"), "--request-rate-range", "50"];
    const end = await runPerfAnalyzer([...args, "--request-count", "60", "--sequence-length", "5"]);
    assert.equal(end.code, 0, end.stderr);
    assert.equal(reportedNumber(end.stdout, /Successful request count: (\d+)/), 60);
  });

  it("gets all responses of a decoupled model", async () => {
    const data = path.join(directory, "repeat.json");
    writeFileSync(
      data,
      JSON.stringify({
        data: [
          { IN: { content: [1, 2, 3], shape: [3] }, DELAY: { content: [0, 0, 0], shape: [3] }, WAIT: [0] },
        ],
      }),
    );
    const args = ["-m", "repeat_int32", ...kind("in_process"), "--input-data", data, "--request-count", "5"];
    const end = await runPerfAnalyzer(args);
    assert.equal(end.code, 0, end.stderr);
    assert.equal(reportedNumber(end.stdout, /Response count: (\d+)/), 15);
  });

  it("ends with code 99 for a model that is not there", async () => {
    const end = await runPerfAnalyzer(["-m", "nothing", ...kind("in_process"), "--request-count", "1"]);
    assert.equal(end.code, 99);
    assert.match(end.stderr, /Model "nothing" cannot be measured: NOT_FOUND/);
    const nowhere = ["--service-kind", "in_process", "--model-repository", path.join(directory, "absent")];
    const empty = await runPerfAnalyzer(["-m", "simple", ...nowhere]);
    assert.equal(empty.code, 99);
    assert.match(empty.stderr, /absent/);
  });
});
