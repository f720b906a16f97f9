import assert from "node:assert/strict";
import { chmodSync, mkdirSync, symlinkSync } from "node:fs";
import path from "node:path";
import { describe, it } from "mocha";
import { writeTritonModels } from "../../../tools/fixture-repository.ts";
import { identityModel, sumDifferenceModel } from "../../../tools/onnx-builder/model-zoo.ts";
import { type ProcessEnd, ServerProcess } from "../../helpers/server-process.ts";
import { useRepository } from "../../helpers/temporary-repository.ts";

const model = sumDifferenceModel();
const versions = { 1: model };

interface Problem {
  readonly message: string;
  readonly file: string | null;
  readonly line: number | null;
  readonly path: string | null;
  readonly found: string | null;
  readonly model: string | null;
  readonly fix: string | null;
}

interface Report {
  readonly ok: boolean;
  readonly problems: readonly Problem[];
  readonly models: readonly {
    readonly name: string;
    readonly ok: boolean;
    readonly versions: readonly number[];
    readonly problems: readonly Problem[];
    readonly warnings: readonly string[];
  }[];
}

async function check(...args: readonly string[]): Promise<ProcessEnd & { readonly report: Report }> {
  const end = await ServerProcess.run(["check", "--json", ...args]);
  assert.equal(end.stderr, "");
  return { ...end, report: JSON.parse(end.stdout) as Report };
}

/** Whoever may read everything finds no directory unreadable. */
const isRoot = process.getuid?.() === 0 || process.platform === "win32";

describe("nereid check", () => {
  const good = useRepository((made) => {
    writeTritonModels(made.path);
    made.add("plain", { versions });
    made.add("warned", { config: {}, pbtxt: "", versions: { 1: model, 2: model, abc: null } });
  });
  const bad = useRepository((made) => {
    made.add("wrong_field", { config: { max_batchsize: 8 }, versions });
    made.add("wrong_pbtxt", {
      pbtxt: `platform: "onnxruntime_onnx"
max_batch_size: 8
input { name: "INPUT0" data_type: TYPE_FP32 dims: 16 }
input { name: "INPUT1" data_type: TYPE_INT32 dims: 17 }
output { name: "OUTPUT_0" data_type: TYPE_INT32 dims: 16 }
`,
      versions,
    });
    made.add("wrong_syntax", { pbtxt: "max_batch_size: 8\ninput [", versions });
    made.add("missing_input", {
      config: {
        backend: "onnxruntime",
        input: [{ name: "INPUT0", data_type: "TYPE_INT32", dims: [-1, 16] }],
        output: [{ name: "OUTPUT0", data_type: "TYPE_INT32", dims: [-1, 16] }],
      },
      versions,
    });
    made.add("missing_file", { config: { backend: "onnxruntime" }, versions: { 1: null } });
    made.add("missing_version", { config: { backend: "onnxruntime" }, versions: {} });
    made.add("missing_labels", {
      config: {
        output: [{ name: "OUTPUT0", data_type: "TYPE_INT32", dims: [16], label_filename: "labels.txt" }],
      },
      versions,
    });
    const labelled = { name: "OUTPUT0", data_type: "TYPE_INT32", dims: [16], label_filename: "labels.txt" };
    made.add("leaking_labels", { config: { output: [labelled] }, versions });
    symlinkSync(path.resolve("package.json"), path.join(made.path, "leaking_labels", "labels.txt"));
    made.add("wrong_policy", { config: { version_policy: { specific: { versions: [5] } } }, versions });
    const agent = (name: string): object => ({
      model_repository_agents: { agents: [{ name, parameters: { "MD5:1/model.onnx": "0".repeat(32) } }] },
    });
    made.add("wrong_digest", { config: agent("checksum"), versions });
    made.add("unknown_agent", { config: agent("cheksum"), versions });
    made.add("endless_link", { versions: { 1: null } });
    symlinkSync("model.onnx", path.join(made.path, "endless_link", "1", "model.onnx"));
    made.add("corrupt", { versions: { 1: Buffer.from("this is no model") } });
    const tensor = { data_type: "TYPE_INT32", dims: [16] };
    const ensemble = (...steps: readonly object[]): object => ({
      platform: "ensemble",
      input: [{ name: "A", ...tensor }],
      output: [{ name: "B", ...tensor }],
      ensemble_scheduling: { step: steps },
    });
    const step = (name: string): object => ({
      model_name: name,
      input_map: { INPUT0: "A" },
      output_map: { OUTPUT0: "B" },
    });
    made.add("ensemble_of_nothing", { config: ensemble(step("nowhere")), versions: { 1: null } });
    made.add("ensemble_of_corrupt", { config: ensemble(step("corrupt")), versions: { 1: null } });
    made.add("ensemble_of_other_type", { config: ensemble(step("fp32")), versions: { 1: null } });
    made.add("circle_a", { config: ensemble(step("circle_b")), versions: { 1: null } });
    made.add("circle_b", { config: ensemble(step("circle_a")), versions: { 1: null } });
    made.add("fp32", { versions: { 1: identityModel("FP32") } });
    made.add("plain", { versions });
  });

  it("passes a good repository with exit code 0 and a block per model", async () => {
    const { code, stdout, stderr } = await ServerProcess.run(["check", good.current.path]);
    assert.deepEqual([code, stderr], [0, ""]);
    const [first, second, third, fourth, summary] = stdout.split("\n\n");
    assert.equal(
      first,
      `plain: ok (onnxruntime_onnx, version 1)\n  ${path.join(good.current.path, "plain")}`,
    );
    assert.match(second ?? "", /^triton_pipeline: ok \(ensemble, version 1\)/);
    assert.match(third ?? "", /^triton_sum: ok/);
    assert.match(fourth ?? "", /^warned: ok \(onnxruntime_onnx, version 2\)\n.*\n {2}- warning: /);
    assert.equal(summary, "4 models checked, no problems.\n");
  });

  it("tells of warnings without failing", async () => {
    const { code, report } = await check(good.current.path);
    const warned = report.models.find(({ name }) => name === "warned");
    assert.deepEqual([code, report.ok, warned?.ok, warned?.versions], [0, true, true, [2]]);
    assert.match(warned?.warnings.join("\n") ?? "", /version directory 'abc'[^]*config\.pbtxt' is not read/);
  });

  describe("of a bad repository", () => {
    let end: (ProcessEnd & { readonly report: Report }) | null = null;

    async function problemsOf(name: string): Promise<readonly Problem[]> {
      end ??= await check(bad.current.path);
      const found = end.report.models.find((candidate) => candidate.name === name);
      assert.ok(found !== undefined, name);
      assert.equal(found.ok, false);
      return found.problems;
    }

    it("exits with 1 and goes on after each problem", async () => {
      end ??= await check(bad.current.path);
      assert.deepEqual([end.code, end.report.ok], [1, false]);
      const sound = end.report.models.filter(({ ok }) => ok).map(({ name }) => name);
      assert.deepEqual(sound, ["fp32", "plain"]);
      assert.equal(end.report.models.length, 20);
    });

    it("names an unknown field of config.json and the nearest one", async () => {
      const [problem] = await problemsOf("wrong_field");
      assert.match(problem?.message ?? "", /unknown field "max_batchsize", did you mean "max_batch_size"\?/);
      assert.equal(problem?.file, path.join(bad.current.path, "wrong_field", "config.json"));
      assert.equal(problem.path, "max_batchsize");
    });

    it("compares config.pbtxt with the model, line by line", async () => {
      const problems = await problemsOf("wrong_pbtxt");
      assert.deepEqual(
        problems.map(({ line, path: field, found, model: said, fix }) => [line, field, found, said, fix]),
        [
          [3, "input[0].data_type", "TYPE_FP32", "TYPE_INT32", "write TYPE_INT32"],
          [4, "input[1].dims", "[-1,17]", "[-1,16]", "write [16]"],
          [5, "output[0].name", "OUTPUT_0", "OUTPUT0, OUTPUT1", 'write "OUTPUT0"'],
        ],
      );
      for (const { file } of problems) {
        assert.equal(file, path.join(bad.current.path, "wrong_pbtxt", "config.pbtxt"));
      }
    });

    it("finds where config.pbtxt stops being one", async () => {
      const [problem] = await problemsOf("wrong_syntax");
      assert.match(problem?.message ?? "", /^expected a value, found the end of the file/);
      assert.equal(problem?.line, 2);
    });

    it("names an input that the config leaves out", async () => {
      const [problem] = await problemsOf("missing_input");
      assert.match(problem?.message ?? "", /configuration expects 1 inputs, model provides 2/);
      assert.equal(problem?.fix, `add 'INPUT1' to "input"`);
    });

    it("names a model file that is not there, and one that is none", async () => {
      const [missing] = await problemsOf("missing_file");
      assert.equal(missing?.file, path.join(bad.current.path, "missing_file", "1", "model.onnx"));
      assert.match(missing.fix ?? "", /^put the model there/);
      const [corrupt] = await problemsOf("corrupt");
      assert.match(corrupt?.message ?? "", /failed to load '.*model\.onnx'/);
      assert.match(corrupt?.fix ?? "", /backend 'onnxruntime' can load/);
    });

    it("names a missing version directory and a missing label file", async () => {
      const [version] = await problemsOf("missing_version");
      assert.match(version?.message ?? "", /has no version directory/);
      assert.match(version?.fix ?? "", /^make a directory .*1, with the model's file$/);
      const [labels] = await problemsOf("missing_labels");
      assert.match(labels?.message ?? "", /label_filename "labels\.txt"/);
      assert.equal(labels?.file, path.join(bad.current.path, "missing_labels", "labels.txt"));
      assert.match(labels.fix ?? "", /^put the file there/);
    });

    it("says what to do about files, versions and digests that are not what the config says", async () => {
      for (const [name, place, fix] of [
        ["leaking_labels", "output", /^put the file itself into the model's directory/],
        ["wrong_policy", "version_policy", /^select a version that is there/],
        ["wrong_digest", "model_repository_agents", /^put the file back that the digest was made of/],
        ["unknown_agent", "model_repository_agents", /^use checksum/],
      ] as const) {
        const [problem] = await problemsOf(name);
        assert.equal(problem?.file, path.join(bad.current.path, name, "config.json"));
        assert.equal(problem.path, place);
        assert.match(problem.fix ?? "", fix);
      }
    });

    it("tells a model file that cannot be read from one that is not there", async () => {
      const [problem] = await problemsOf("endless_link");
      assert.match(problem?.message ?? "", /failed to load '.*model\.onnx'.*\(ELOOP\)/);
      assert.equal(problem?.file, path.join(bad.current.path, "endless_link", "1", "model.onnx"));
      assert.match(problem.fix ?? "", /^let this user read the file, which now ends with ELOOP/);
    });

    it("checks ensembles against their models", async () => {
      const [nothing] = await problemsOf("ensemble_of_nothing");
      assert.match(nothing?.message ?? "", /depends on 'nowhere'.*no repository has a model of this name/);
      const [broken] = await problemsOf("ensemble_of_corrupt");
      assert.match(broken?.message ?? "", /depends on 'corrupt'.*it has problems of its own/);
      const other = await problemsOf("ensemble_of_other_type");
      assert.match(other[0]?.message ?? "", /TYPE_|INT32|FP32/);
      const [circle] = await problemsOf("circle_a");
      assert.match(
        circle?.message ?? "",
        /circular dependency between ensembles: circle_a -> circle_b -> circle_a/,
      );
    });

    it("says the same to people", async () => {
      const { code, stdout } = await ServerProcess.run(["check", bad.current.path]);
      assert.equal(code, 1);
      assert.match(
        stdout,
        /^wrong_pbtxt: 3 problems\n {2}.*\n {2}- input 'INPUT0': configuration expects datatype TYPE_FP32, model provides TYPE_INT32\n {6}at: {5}.*config\.pbtxt, line 3, column 35, input\[0\]\.data_type\n {6}config: TYPE_FP32\n {6}model: {2}TYPE_INT32\n {6}fix: {4}write TYPE_INT32$/m,
      );
      assert.match(stdout, /\n\n20 models checked, \d+ problems in 18 models: circle_a, .*\.\n$/);
    });
  });

  it("finds models that two repositories have, and repositories that are none", async () => {
    const { code, report } = await check(good.current.path, bad.current.path, "/nowhere/at/all");
    assert.equal(code, 1);
    const twice = report.models.filter(({ name }) => name === "plain");
    assert.equal(twice.length, 2);
    for (const { problems } of twice) {
      assert.match(problems[0]?.message ?? "", /appears in two or more repositories: also at '.*plain'/);
    }
    assert.deepEqual(
      report.problems.map(({ file, fix }) => [file, fix]),
      [["/nowhere/at/all", "name a directory that exists"]],
    );
  });

  it("names what cannot be read", async () => {
    const directory = path.join(good.current.path, "..", "unreadable");
    mkdirSync(path.join(directory, "model", "config.json"), { recursive: true });
    const file = path.join(directory, "model", "config.json");
    const { code, report } = await check(directory, file.replace("config.json", "none"), "package.json");
    assert.equal(code, 1);
    const [problem] = report.models[0]?.problems ?? [];
    assert.match(problem?.message ?? "", /config\.json: cannot read the configuration.*it is a directory/);
    assert.equal(problem?.fix, "make the directory and what is in it readable for this user");
    assert.deepEqual(
      report.problems.map(({ fix }) => fix),
      ["name a directory that exists", "name a directory with one subdirectory per model"],
    );
  });

  if (!isRoot) {
    it("names a directory that it has no permission for", async () => {
      const directory = path.join(good.current.path, "..", "secret");
      mkdirSync(path.join(directory, "model", "1"), { recursive: true });
      chmodSync(path.join(directory, "model"), 0);
      const { code, report } = await check(directory);
      chmodSync(path.join(directory, "model"), 0o700);
      assert.equal(code, 1);
      assert.match(report.models[0]?.problems[0]?.message ?? "", /cannot read '.*model'/);
    });
  }

  it("ends when a backend directory cannot be used", async () => {
    const end = await ServerProcess.run(["check", good.current.path, "--backend-directory=/nowhere/at/all"]);
    assert.deepEqual([end.code, end.stdout], [1, ""]);
    assert.match(end.stderr, /^nereid: .*\/nowhere\/at\/all/);
  });

  it("takes the options that decide how models are loaded", async () => {
    const { code, report } = await check(good.current.path, "--disable-auto-complete-config");
    assert.equal(code, 1);
    const plain = report.models.find(({ name }) => name === "plain");
    assert.match(
      plain?.problems[0]?.message ?? "",
      /there is no config\.json or config\.pbtxt, and auto-complete is disabled/,
    );
  });
});
