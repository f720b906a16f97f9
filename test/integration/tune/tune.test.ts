import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, describe, it } from "mocha";
import { type ProcessEnd, ServerProcess } from "../../helpers/server-process.ts";
import { externalResources, readMarkup } from "../../helpers/well-formed.ts";

const samples = path.resolve(import.meta.dirname, "../../../../model_repository");

/** Every batch takes 30 ms, whatever its size: larger ones are better without a doubt. Does not load above 8. */
const code = `
export function initialize({ config }) {
  if (config.max_batch_size > 8) throw new Error("too large a batch: " + config.max_batch_size);
}
export async function execute(requests) {
  await new Promise((resolve) => setTimeout(resolve, 30));
  return requests.map((request) => ({ outputs: { OUTPUT: request.input("INPUT").data } }));
}
`;
const config = {
  backend: "javascript",
  max_batch_size: 1,
  input: [{ name: "INPUT", data_type: "TYPE_FP32", dims: [2] }],
  output: [{ name: "OUTPUT", data_type: "TYPE_FP32", dims: [2] }],
  dynamic_batching: {},
  instance_group: [{ kind: "KIND_CPU", count: 1 }],
};

/** Enough to tell four times as much apart, and no more. */
const narrow = ["--instance-counts=1", "--queue-delays-us=0", "--concurrency=4"];
const short = ["--", "--request-count=24"];

describe("nereid tune", () => {
  let root = "";
  let repository = "";
  before(() => {
    root = mkdtempSync(path.join(tmpdir(), "nereid-tune-test-"));
    repository = path.join(root, "models");
    write("slow", config);
    write("broken", { ...config, max_batch_size: 16 });
    write("pipeline", {
      platform: "ensemble",
      max_batch_size: 1,
      input: config.input,
      output: config.output,
      ensemble_scheduling: {
        step: [
          {
            model_name: "slow",
            model_version: -1,
            input_map: { INPUT: "INPUT" },
            output_map: { OUTPUT: "OUTPUT" },
          },
        ],
      },
    });
  });
  after(() => rmSync(root, { recursive: true, force: true }));

  function write(name: string, content: object): void {
    mkdirSync(path.join(repository, name, "1"), { recursive: true });
    writeFileSync(path.join(repository, name, "1", "model.mjs"), code);
    writeFileSync(path.join(repository, name, "config.json"), JSON.stringify(content));
  }

  function tune(model: string, ...args: readonly string[]): ServerProcess {
    return new ServerProcess(["tune", model, `--model-repository=${repository}`, ...args]);
  }

  function leftovers(): readonly string[] {
    return readdirSync(tmpdir()).filter((name) => name.startsWith("nereid-tune-") && !root.endsWith(name));
  }

  it("finds the better batch size, lists what failed, writes reports and applies the result", async () => {
    const csv = path.join(root, "tune.csv");
    const page = path.join(root, "tune.html");
    const before = leftovers();
    const reports = ["--report-csv", csv, "--report-html", page];
    const args = ["--max-batch-sizes=4,16", "--search=brute", "--apply", ...reports];
    const end = await tune("slow", ...narrow, ...args, ...short).ended;
    assert.equal(end.code, 0, end.stdout + end.stderr);
    assert.match(
      end.stdout,
      /^Model 'slow', tuned for perf_throughput: 3 of 3 candidates tried by brute search/,
    );
    assert.match(end.stdout, /\| 1 +\| 1 instance, batch 4, delay 0 µs .*\| 2 +\| 1 instance, batch 1/s);
    assert.match(
      end.stdout,
      /could not be measured:\n {2}- 1 instance, batch 16, delay 0 µs: .*too large a batch: 16/,
    );
    const gain = Number(/Best: 1 instance, batch 4, delay 0 µs, \+([\d.]+) %/.exec(end.stdout)?.[1]);
    assert.ok(gain > 80, `gain ${gain} %`);
    assert.match(end.stderr, /1 instance, batch 1, delay 0 µs: \d+ infer\/s, p99 [\d.]+ ms\n/);

    const rows = readFileSync(csv, "utf8").split("\n");
    assert.match(rows[1] ?? "", /^1,slow,1,4,1,,4,0,Yes,/);
    assert.deepEqual(externalResources(readMarkup(readFileSync(page, "utf8"))), []);

    const directory = path.join(repository, "slow");
    const written = JSON.parse(readFileSync(path.join(directory, "config.json"), "utf8")) as object;
    assert.deepEqual(written, {
      ...config,
      max_batch_size: 4,
      dynamic_batching: { max_queue_delay_microseconds: 0 },
    });
    const backup = readdirSync(directory).find((name) => name.endsWith(".bak")) ?? "";
    assert.deepEqual(JSON.parse(readFileSync(path.join(directory, backup), "utf8")), config);
    assert.ok(end.stdout.includes(`Written to ${path.join(directory, "config.json")}; before it was what`));
    assert.deepEqual(leftovers(), before, "the copies are removed");
    // What it wrote is what the server takes, with the backup beside it.
    const check = await ServerProcess.run(["explain", "slow", `--model-repository=${repository}`]);
    assert.equal(check.code, 0, check.stderr);
    write("slow", config);
  }).timeout(120_000);

  it("finds nothing to change when nothing is better, and holds to constraints", async () => {
    // No answer takes less than 30 ms.
    const args = ["--max-batch-sizes=2", "--constraint=perf_latency_p99:max:1", ...short];
    const end = await tune("slow", ...narrow, ...args).ended;
    assert.equal(end.code, 1, end.stdout + end.stderr);
    assert.match(end.stdout, /tuned for perf_throughput while perf_latency_p99 ≤ 1 ms/);
    assert.match(end.stdout, /\nNo candidate holds the constraints; the nearest is 1 instance, batch [12]/);
    assert.equal(readFileSync(path.join(repository, "slow", "config.json"), "utf8"), JSON.stringify(config));
  }).timeout(120_000);

  it("ends its server on Ctrl-C and prints what was found so far", async () => {
    const before = leftovers();
    const command = tune("slow", ...narrow, "--max-batch-sizes=2,4,8", "--apply", ...short);
    await command.waitForLog("the first measurement", (log) => (/infer\/s/.test(log) ? true : null));
    command.signal("SIGINT");
    const end = await command.ended;
    assert.equal(end.code, 1, end.stdout + end.stderr);
    assert.match(end.stdout, /^Interrupted: this is what was measured until then, once each\.\n/);
    assert.match(end.stdout, /\| 1 instance, batch 1, delay 0 µs .*\| current/);
    assert.match(end.stderr, /--apply does nothing after an interruption/);
    assert.deepEqual(leftovers(), before);
    assert.equal(readFileSync(path.join(repository, "slow", "config.json"), "utf8"), JSON.stringify(config));
  }).timeout(120_000);

  const mistakes: readonly (readonly [string, string, readonly string[], number, RegExp])[] = [
    ["an unknown model", "slwo", [], 1, /model 'slwo' is in none of the repositories, did you mean 'slow'\?/],
    [
      "a model that does not load",
      "broken",
      [],
      1,
      /^Model 'broken' does not load:\n {2}- .*too large a batch: 16/,
    ],
    ["an ensemble", "pipeline", [], 1, /'pipeline' is an ensemble, .*: tune its models, slow\n/],
    ["threads of a backend without", "slow", ["--thread-counts=2"], 1, /backend 'javascript' has no/],
    ["requests that are too large", "slow", ["--", "-b", "2"], 1, /requests of 2 rows \(-b\) cannot be sent/],
    ["an unknown companion", "slow", ["--load-model=nobody"], 1, /model 'nobody' is in none/],
    [
      "an unknown option",
      "slow",
      ["--serach=quick"],
      2,
      /Unknown option "--serach", did you mean --search\?/,
    ],
    [
      "a server's option",
      "slow",
      ["--http-port=1"],
      2,
      /--http-port is an option of the server that means nothing/,
    ],
    [
      "a wrong option of perf_analyzer",
      "slow",
      ["--", "--nonsense"],
      2,
      /After --: Unknown option "--nonsense"/,
    ],
  ];
  for (const [what, model, args, code_, message] of mistakes) {
    it(`refuses ${what}`, async () => {
      const end = await tune(model, ...args).ended;
      assert.deepEqual([end.code, end.stdout], [code_, ""], end.stderr);
      assert.match(end.stderr, message);
    });
  }

  it("refuses a repository that is not there, and none at all", async () => {
    const run = (...args: readonly string[]): Promise<ProcessEnd> => ServerProcess.run(["tune", ...args]);
    assert.match((await run("slow")).stderr, /--model-repository is required/);
    const missing = await run("slow", "--model-repository=/no/such/place");
    assert.equal(missing.code, 1);
    assert.match(missing.stderr, /\/no\/such\/place/);
    assert.match(
      (await run(`--model-repository=${repository}`)).stderr,
      /Expected the name of one model, got none/,
    );
  });

  it("says what perf_analyzer needs when the current configuration cannot be measured", async () => {
    const args = [`--model-repository=${samples}`, "--instance-counts=1", "--", "--shape", "NOBODY:4"];
    const end = await ServerProcess.run(["tune", "simple", ...args]);
    assert.equal(end.code, 1, end.stdout);
    assert.match(end.stderr, /the current configuration cannot be measured: .*NOBODY/);
  });
});
