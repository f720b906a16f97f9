import assert from "node:assert/strict";
import { describe, it } from "mocha";
import type { AnalyzerOptions } from "../../../../perf_analyzer/options/analyzer-options.ts";
import { formatHelp } from "../../../../perf_analyzer/options/format-help.ts";
import { refusedFlags } from "../../../../perf_analyzer/options/not-supported-options.ts";
import { optionFields, optionTable } from "../../../../perf_analyzer/options/option-table.ts";
import { parseOptions } from "../../../../perf_analyzer/options/parse-options.ts";

function options(...argv: string[]): AnalyzerOptions {
  const commandLine = parseOptions(["-m", "simple", ...argv]);
  assert.equal(commandLine.kind, "run", commandLine.kind === "error" ? commandLine.message : "");
  return (commandLine as { options: AnalyzerOptions }).options;
}

function problem(...argv: string[]): string {
  const commandLine = parseOptions(argv);
  assert.equal(commandLine.kind, "error", JSON.stringify(commandLine));
  return (commandLine as { message: string }).message;
}

describe("parseOptions", () => {
  it("has the contract's defaults", () => {
    const defaults = options();
    assert.equal(defaults.measurementMode, "time_windows");
    assert.equal(defaults.measurementIntervalMs, 5_000);
    assert.equal(defaults.measurementRequestCount, 50);
    assert.equal(defaults.stabilityPercentage, 10);
    assert.equal(defaults.percentile, null);
    assert.equal(defaults.maxTrials, 10);
    assert.equal(defaults.sequenceCount, 4);
    assert.equal(defaults.stringLength, 128);
    assert.equal(defaults.protocol, "http");
    assert.equal(defaults.isAsync, null);
  });

  it("reads the spellings of getopt", () => {
    assert.equal(options("-b", "8").batchSize, 8);
    assert.equal(options("-b8").batchSize, 8);
    assert.equal(options("-b=8").batchSize, 8);
    assert.equal(options("--max-trials=3").maxTrials, 3);
    assert.equal(options("-vv").verbosity, 2);
    assert.equal(options("-v", "-v").verbosity, 2);
    assert.equal(options("-igrpc").protocol, "grpc");
    assert.equal(options("-p100").measurementIntervalMs, 100);
  });

  it("reads ranges, whose end is the start when it is left out", () => {
    assert.deepEqual(options("--concurrency-range", "4").concurrencyRange, { start: 4, end: 4, step: 1 });
    assert.deepEqual(options("--concurrency-range=1:8:2").concurrencyRange, { start: 1, end: 8, step: 2 });
    assert.deepEqual(options("--request-rate-range", "0.5:2.5").requestRateRange, {
      start: 0.5,
      end: 2.5,
      step: 1,
    });
    for (const bad of ["0", "1.5", "4:2", "1:2:0", "1:2:3:4", "x", ""]) {
      assert.match(problem("-m", "m", "--concurrency-range", bad), /--concurrency-range" expects/, bad);
    }
  });

  it("reads lists in their order", () => {
    const { shapes, headers, requestParameters, inputData } = options(
      ...["--shape", "a:b:1,2", "--shape=c:3", "-H", "x-a: b:c", "-H", "y:", "-i", "grpc"],
      ...["--request-parameter", "p:-9223372036854775808:int", "--request-parameter", "q:a:b:string"],
      ...["--input-data", "one.json", "--input-data", "two.json"],
    );
    assert.deepEqual(shapes, [
      { name: "a:b", dims: [1, 2] },
      { name: "c", dims: [3] },
    ]);
    assert.deepEqual(headers, [
      { name: "x-a", value: "b:c" },
      { name: "y", value: "" },
    ]);
    assert.deepEqual(requestParameters, [
      { name: "p", value: -(2n ** 63n) },
      { name: "q", value: "a:b" },
    ]);
    assert.deepEqual(inputData, ["one.json", "two.json"]);
  });

  it("reads models with and without a version, and trace settings", () => {
    assert.deepEqual(options("--bls-composing-models", "a:3, b").blsComposingModels, [
      { name: "a", version: "3" },
      { name: "b", version: "" },
    ]);
    const traced = options("--trace-level=TIMESTAMPS", "--trace-level=TENSORS", "--trace-count=-1");
    assert.deepEqual([traced.traceLevels, traced.traceCount], [["TIMESTAMPS", "TENSORS"], -1]);
  });

  it("refuses headers that would begin another one", () => {
    assert.match(problem("-m", "m", "-H", "a: b\r\nc: d"), /"-H" expects/);
    assert.match(problem("-m", "m", "-H", "nocolon"), /"-H" expects/);
  });

  it("refuses integers beyond 64 bits and other values that are not of the type", () => {
    for (const bad of ["p:9223372036854775808:int", "p:1.5:int", "p:yes:bool", "p:1:float", "p:1"]) {
      assert.match(problem("-m", "m", "-i", "grpc", "--request-parameter", bad), /expects <name>/, bad);
    }
  });

  it("says which option is meant", () => {
    assert.match(problem("--concurency-range", "4"), /did you mean --concurrency-range\?/);
    assert.match(problem("--measurement-m", "x"), /did you mean --measurement-mode\?/);
    assert.match(problem("simple"), /Unexpected argument "simple"/);
  });

  it("wants a model", () => {
    assert.match(problem("-b", "1"), /^-m <model> is missing/);
    assert.match(problem("-m"), /"-m" expects a value that is not empty, but no value follows/);
  });

  for (const flag of refusedFlags) {
    it(`refuses ${flag} and says what there is instead`, () => {
      assert.match(problem("-m", "m", flag, "1"), new RegExp(`^${flag} is .*not supported.*: .+`));
    });
  }

  it("refuses service kinds that are not built", () => {
    assert.match(
      problem("-m", "m", "--service-kind", "dynamic_grpc"),
      /--service-kind=dynamic_grpc is not supported yet/,
    );
    assert.match(problem("-m", "m", "--service-kind=nonsense"), /expects/);
  });

  const kinds: readonly (readonly [args: string, problem: RegExp])[] = [
    ["--endpoint v1/completions", /--endpoint needs --service-kind=openai/],
    ["--model-repository models", /--model-repository needs --service-kind=in_process/],
    ["--model-signature-name s", /--model-signature-name needs --service-kind=tfserving/],
    ["--service-kind openai", /needs --endpoint, such as/],
    ["--service-kind openai --endpoint e -i grpc", /openai needs -i http/],
    ["--service-kind openai --endpoint e -b 2", /give -b 1/],
    ["--service-kind openai --endpoint e --input-data zero", /sends prompts, not tensors/],
    ["--service-kind torchserve", /needs JSON files of --input-data: .*TORCHSERVE_INPUT/],
    ["--service-kind torchserve -i grpc --input-data f", /torchserve needs -i http/],
    [
      "--service-kind tfserving --input-tensor-format json",
      /--input-tensor-format does not go with --service-kind=tf/,
    ],
    ["--service-kind tfserving --shared-memory system", /--shared-memory does not go with/],
    ["--service-kind tfserving -i grpc --streaming", /--streaming does not go with/],
    ["--service-kind tfserving --collect-metrics", /--collect-metrics does not go with/],
    ["--service-kind in_process", /needs --model-repository/],
    ["--service-kind triton_c_api", /--service-kind=triton_c_api needs --model-repository/],
    ["--service-kind in_process --model-repository r -u h:1", /-u does not go with .*: there is no network/],
    ["--service-kind in_process --model-repository r -H a:b", /-H does not go with/],
    ["--service-kind in_process --model-repository r -i grpc", /-i grpc does not go with/],
  ];
  for (const [args, expected] of kinds) {
    it(`refuses ${args}`, () => assert.match(problem("-m", "m", ...args.split(" ")), expected));
  }

  const conflicts: readonly (readonly [readonly string[], RegExp])[] = [
    [
      ["--concurrency-range=1", "--request-rate-range=1"],
      /only one of --concurrency-range and --request-rate-range/,
    ],
    [["--request-rate-range=1", "--request-intervals=f"], /only one of/],
    [["--sync", "-a"], /only one of --async and --sync/],
    [["--concurrency-range=1:0"], /needs --latency-threshold/],
    [["--binary-search", "--concurrency-range=1:8"], /--binary-search needs/],
    [["--binary-search", "--concurrency-range=1:0", "-l5"], /--binary-search needs/],
    [["--request-count=5", "--concurrency-range=1:8"], /single load level/],
    [["--warmup-request-count=5", "--concurrency-range=1:8"], /single load level/],
    [["--request-count=5", "--concurrency-range=8"], /must not be below the load level 8/],
    [["--input-data=random", "--input-data=a.json"], /only for JSON files/],
    [["--grpc-compression-algorithm=gzip"], /needs -i grpc/],
    [["--request-parameter=a:1:int"], /needs -i grpc/],
    [["--ssl-grpc-use-ssl"], /needs -i grpc/],
    [["-i", "grpc", "--input-tensor-format=json"], /need -i http/],
    [["-i", "grpc", "-u", "https://a:1"], /--ssl-grpc-use-ssl/],
    [["--verbose-csv"], /needs -f/],
    [["--streaming"], /--streaming needs -i grpc/],
    [["-i", "grpc", "--streaming", "--sync"], /asynchronous: leave --sync out/],
    [["--shared-memory=cuda"], /"--shared-memory" cannot be cuda: .* Use system/],
    [["--shared-memory=file"], /expects none or system/],
    [["--shared-memory=system", "--input-tensor-format=json"], /needs the binary tensor format/],
    [["--output-shared-memory-size=5"], /needs --shared-memory=system/],
    [["--metrics-url=a:1"], /needs --collect-metrics/],
    [["--metrics-interval=50"], /needs --collect-metrics/],
    [["--fixed-schedule"], /needs the JSON files of --input-data/],
    [["--fixed-schedule", "--input-data=random"], /needs the JSON files/],
    [["--fixed-schedule", "--input-data=a", "-b2"], /give -b 1/],
    [["--fixed-schedule", "--input-data=a", "--request-count=4"], /--request-count does not go with/],
    [["--fixed-schedule", "--concurrency-range=1"], /only one of/],
    [
      ["--fixed-schedule", "--input-data=a", "--binary-search", "-l5"],
      /a range of levels, not --fixed-schedule/,
    ],
    [["--periodic-concurrency-range=1:5"], /needs -i grpc --streaming/],
    [["-i", "grpc", "--streaming", "--periodic-concurrency-range=1:5"], /needs --profile-export-file/],
    [["--periodic-concurrency-range=1:0"], /needs an end above 0/],
    [["--periodic-concurrency-range=1:5", "--request-count=5"], /--request-count does not go with/],
    [["--request-period=5"], /needs --periodic-concurrency-range/],
    [["--trace-level=ALL"], /expects OFF, TIMESTAMPS or TENSORS/],
    [["--bls-composing-models=a:x"], /expects <model>/],
    [["--ssl-https-private-key-file=k"], /need each other/],
  ];
  for (const [argv, expected] of conflicts) {
    it(`refuses ${argv.join(" ")}`, () => assert.match(problem("-m", "m", ...argv), expected));
  }

  it("knows help and version before anything else is checked", () => {
    for (const flag of ["-h", "-?", "--help"]) assert.equal(parseOptions([flag]).kind, "help");
    assert.equal(parseOptions(["--version"]).kind, "version");
  });
});

describe("formatHelp", () => {
  it("lists every option with its default, in lines of a terminal", () => {
    const help = formatHelp();
    for (const field of optionFields) assert.ok(help.includes(`  ${optionTable[field].flag}`), field);
    for (const line of help.split("\n")) assert.ok(line.length <= 110, line);
  });
});
