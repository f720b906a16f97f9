import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { writeTritonModels } from "../../../tools/fixture-repository.ts";
import { sumDifferenceModel } from "../../../tools/onnx-builder/model-zoo.ts";
import { ServerProcess } from "../../helpers/server-process.ts";
import { useRepository } from "../../helpers/temporary-repository.ts";

interface Explanation {
  readonly name: string;
  readonly versions: readonly number[];
  readonly values: readonly {
    readonly path: string;
    readonly value: unknown;
    readonly origin: string;
    readonly detail: string;
  }[];
  readonly instances: {
    readonly cores: number;
    readonly threads_per_instance: number;
    readonly reasons: readonly string[];
    readonly instances: readonly { readonly name: string; readonly threads: number }[];
  } | null;
}

describe("nereid explain", () => {
  const repository = useRepository((made) => {
    writeTritonModels(made.path);
    made.add("plain", { versions: { 1: sumDifferenceModel(), 3: sumDifferenceModel() } });
    made.add("corrupt", { versions: { 1: Buffer.from("x"), "01": null } });
    const tensor = { data_type: "TYPE_INT32", dims: [16] };
    for (const [name, of] of [
      ["on_corrupt", "corrupt"],
      ["on_itself", "on_itself"],
    ] as const) {
      const step = { model_name: of, input_map: { INPUT0: "A" }, output_map: { OUTPUT0: "B" } };
      made.add(name, {
        config: {
          platform: "ensemble",
          input: [{ name: "A", ...tensor }],
          output: [{ name: "B", ...tensor }],
          ensemble_scheduling: { step: [step] },
        },
        versions: { 1: null },
      });
    }
    made.add("counted", {
      config: { instance_group: [{ count: 0 }] },
      versions: { 1: sumDifferenceModel() },
    });
  });

  async function explain(...args: readonly string[]): Promise<Explanation> {
    const option = `--model-repository=${repository.current.path}`;
    const end = await ServerProcess.run(["explain", ...args, option, "--json"]);
    assert.deepEqual([end.code, end.stderr], [0, ""]);
    return JSON.parse(end.stdout) as Explanation;
  }

  /** `value from origin: detail` of a field. */
  function find({ values }: Explanation, path: string): string {
    const found = values.find((value) => value.path === path);
    return `${JSON.stringify(found?.value)} ${found?.origin ?? ""}: ${found?.detail ?? ""}`;
  }

  it("tells file, model, directory and defaults apart", async () => {
    const sum = await explain("triton_sum");
    assert.equal(find(sum, "max_batch_size"), "8 file: config.pbtxt line 4");
    assert.equal(find(sum, "input[1].data_type"), '"TYPE_INT32" file: config.pbtxt line 13');
    assert.equal(find(sum, "backend"), '"onnxruntime" default: by "platform"');
    assert.equal(find(sum, "dynamic_batching.preferred_batch_size"), "[8] default: ");
    assert.equal(sum.instances?.threads_per_instance, 1);
    assert.match(
      sum.instances.reasons.join("\n"),
      /group 'triton_sum_0', KIND_CPU: 1 instance\(s\), as written\nthreads: asked for by/,
    );

    const plain = await explain("plain");
    assert.deepEqual(plain.versions, [3]);
    assert.match(find(plain, "name"), /^"plain" directory: the name of /);
    assert.match(find(plain, "backend"), /^"onnxruntime" directory: /);
    assert.equal(find(plain, "max_batch_size"), "4 model: because the model batches");
    assert.equal(find(plain, "input[0].dims"), "[16] model: ");
    assert.equal(find(plain, "input[0].optional"), "false default: ");
    assert.match(
      find(plain, "dynamic_batching.preferred_batch_size"),
      /^\[4\] default: dynamic batching is on because/,
    );
  });

  it("names the flag that a value comes from", async () => {
    const plain = await explain("plain", "--backend-config=onnxruntime,default-max-batch-size=6");
    assert.match(find(plain, "max_batch_size"), /^6 flag: --backend-config default-max-batch-size=6/);
    const threads = await explain("plain", "--backend-config", "onnxruntime,intra_op_thread_count=1");
    assert.match(threads.instances?.reasons.join("\n") ?? "", /threads: asked for by/);
  });

  it("says how instances and threads were chosen", async () => {
    const { instances } = await explain("counted");
    assert.equal(instances?.instances.length, 2);
    const { cores, threads_per_instance: threads, reasons } = instances;
    assert.equal(threads, Math.max(1, Math.floor(cores / 2)));
    assert.match(
      reasons.join("\n"),
      /KIND_CPU: 2 instance\(s\), the default of backend 'onnxruntime' there\nthreads: \d+ core\(s\) shared by 2 instance\(s\)/,
    );
    assert.match(
      find(await explain("counted"), "instance_group[0].count"),
      /^2 default: written as 0 in config\.json$/,
    );
  });

  it("explains an ensemble by its models", async () => {
    const pipeline = await explain("triton_pipeline");
    assert.equal(pipeline.instances, null);
    assert.match(
      find(pipeline, "ensemble_scheduling.step[1].model_version"),
      /^1 file: config\.pbtxt line \d+$/,
    );
  });

  it("prints a table for people", async () => {
    const { code, stdout } = await ServerProcess.run([
      "explain",
      "plain",
      `--model-repository=${repository.current.path}`,
    ]);
    assert.equal(code, 0);
    assert.match(
      stdout,
      /^Model 'plain', version 3\n {2}directory: .*plain\n {2}config: {4}none, everything is read from the model\n/,
    );
    assert.match(stdout, /\| input\[0\]\.dims +\| \[16\] +\| model +\|/);
    assert.match(stdout, /\d+ more fields are empty by default; --json lists them\./);
    assert.match(stdout, /Version 3 runs in 2 instance\(s\) of \d+ thread\(s\), on \d+ core\(s\):/);
  });

  it("exits with 1 for a model that does not load, and for one that is not there", async () => {
    const option = `--model-repository=${repository.current.path}`;
    const corrupt = await ServerProcess.run(["explain", "corrupt", option]);
    assert.deepEqual([corrupt.code, corrupt.stdout], [1, ""]);
    assert.match(corrupt.stderr, /^Model 'corrupt' does not load:\n {2}- failed to load/);
    assert.match(corrupt.stderr, /\n {2}- warning: Ignoring version directory '01'.* leading zeros\n/);
    const ensemble = await ServerProcess.run(["explain", "on_corrupt", option]);
    assert.match(
      ensemble.stderr,
      /^Model 'on_corrupt' does not load:\n {2}- its model 'corrupt' does not load: failed to load .*\n.*corrupt\n.*repair that model first/,
    );
    const circle = await ServerProcess.run(["explain", "on_itself", option]);
    assert.match(
      circle.stderr,
      /on_itself -> on_itself\n.*on_itself.config\.json, ensemble_scheduling\.step\n/,
    );
    const unknown = await ServerProcess.run(["explain", "plan", option]);
    assert.deepEqual([unknown.code, unknown.stdout], [1, ""]);
    assert.match(unknown.stderr, /model 'plan' is in none of the repositories, did you mean 'plain'\?/);
  });
});
