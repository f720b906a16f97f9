import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, it } from "mocha";
import {
  growingListModel,
  runningMeanModel,
  runningSumModel,
  runningTextModel,
} from "../../../tools/onnx-builder/sequence-models.ts";
import type { SequenceFlags } from "../../helpers/sequence-bench.ts";
import { type StepRequest, stepOverGrpc, stepOverHttp } from "../../helpers/sequence-client.ts";
import { useServer } from "../../helpers/start-server.ts";
import { type TemporaryRepository, useRepository } from "../../helpers/temporary-repository.ts";

function tensor(name: string, type: string, dims: number[] = [1]): object {
  return { name, data_type: `TYPE_${type}`, dims };
}

function stateOf(name: string, type: string, more: object = {}): object {
  return {
    input_name: `${name}_IN`,
    output_name: `${name}_OUT`,
    data_type: `TYPE_${type}`,
    dims: [1],
    ...more,
  };
}

function configOf(type: string, state: object[], more: object = {}): object {
  return {
    backend: "onnxruntime",
    max_batch_size: 4,
    input: [tensor("INPUT0", type)],
    output: [tensor("OUTPUT0", type)],
    sequence_batching: { max_sequence_idle_microseconds: 60_000_000, oldest: {}, state },
    instance_group: [{ kind: "KIND_CPU", count: 1 }],
    ...more,
  };
}

/** A model with a file in `initial_state`. */
function addWithFile(
  repository: TemporaryRepository,
  name: string,
  model: { config: object; bytes: Uint8Array; file: Uint8Array },
): void {
  repository.add(name, { config: model.config, versions: { 1: model.bytes } });
  const directory = path.join(repository.path, name, "initial_state");
  mkdirSync(directory);
  writeFileSync(path.join(directory, "first"), model.file);
}

const initial = (type: string, data: object, dims = [1]): object => ({
  initial_state: [{ name: "first", data_type: `TYPE_${type}`, dims, ...data }],
});

describe("Implicit state", () => {
  const repository = useRepository((made) => {
    const sum = runningSumModel();
    const fromFile = configOf("INT32", [stateOf("STATE", "INT32", initial("INT32", { data_file: "first" }))]);
    addWithFile(made, "from_file", {
      config: fromFile,
      bytes: sum,
      file: new Uint8Array(Int32Array.of(100).buffer),
    });
    addWithFile(made, "short_file", { config: fromFile, bytes: sum, file: new Uint8Array(3) });
    made.add("no_file", { config: fromFile, versions: { 1: sum } });
    made.add("outside", {
      config: configOf("INT32", [
        stateOf("STATE", "INT32", initial("INT32", { data_file: "../config.json" })),
      ]),
      versions: { 1: sum },
    });
    made.add("zero_data", {
      config: configOf("INT32", [
        stateOf("STATE", "INT32", {
          ...initial("INT32", { zero_data: true }),
          use_same_buffer_for_input_output: true,
        }),
      ]),
      versions: { 1: sum },
    });
    made.add("visible", {
      config: configOf("INT32", [stateOf("STATE", "INT32")], {
        output: [tensor("OUTPUT0", "INT32"), tensor("STATE_OUT", "INT32")],
      }),
      versions: { 1: sum },
    });
    made.add("no_batch", {
      config: configOf("FP32", [stateOf("STATE", "FP32", { dims: [1, 1] })], {
        max_batch_size: 0,
        input: [tensor("INPUT0", "FP32", [1, 1])],
        output: [tensor("OUTPUT0", "FP32", [1, 1])],
      }),
      versions: { 1: runningSumModel("FP32") },
    });
    made.add("mean", {
      config: configOf("FP32", [stateOf("SUM", "FP32"), stateOf("COUNT", "INT64")]),
      versions: { 1: runningMeanModel() },
    });
    made.add("text", {
      config: configOf("STRING", [stateOf("TEXT", "STRING")]),
      versions: { 1: runningTextModel() },
    });
    for (const strategy of ["direct", "oldest"]) {
      made.add(`growing_${strategy}`, {
        config: configOf("INT32", [], {
          output: [tensor("OUTPUT0", "INT32", [-1])],
          sequence_batching: { [strategy]: {}, state: [stateOf("LIST", "INT32", { dims: [-1] })] },
        }),
        versions: { 1: growingListModel() },
      });
    }
    made.add("warm", {
      config: configOf("INT32", [stateOf("STATE", "INT32")], {
        model_warmup: [
          {
            name: "ones",
            batch_size: 3,
            inputs: { INPUT0: { data_type: "TYPE_INT32", dims: [1], random_data: true } },
            count: 2,
          },
        ],
      }),
      versions: { 1: sum },
    });
    made.add("undeclared", {
      config: configOf("INT32", [{ ...stateOf("STATE", "INT32"), output_name: "NOWHERE" }]),
      versions: { 1: sum },
    });
  });
  const server = useServer(() => [
    `--model-repository=${repository.current.path}`,
    "--exit-on-error=false",
    "--strict-readiness=false",
  ]);
  let lastId = 0;

  const protocols = {
    HTTP: (step: StepRequest) => stepOverHttp(server.current.http, step),
    gRPC: (step: StepRequest) => stepOverGrpc(server.current.grpc, step),
  };

  for (const [protocol, send] of Object.entries(protocols)) {
    describe(`over ${protocol}`, () => {
      async function output(step: StepRequest, name = "OUTPUT0"): Promise<readonly unknown[] | undefined> {
        const reply = await send(step);
        assert.equal(reply.status, "ok", reply.message);
        return reply.outputs[name];
      }

      it("starts from a file, for each sequence again (row 148)", async () => {
        for (let round = 0; round < 2; round++) {
          const id = ++lastId;
          assert.deepEqual(await output({ model: "from_file", id, flags: "S", value: 1 }), [101]);
          assert.deepEqual(await output({ model: "from_file", id, flags: "E", value: 2 }), [103]);
        }
      });

      it("starts from zeros that the config asks for", async () => {
        const id = ++lastId;
        assert.deepEqual(await output({ model: "zero_data", id, flags: "S", value: 4 }), [4]);
        assert.deepEqual(await output({ model: "zero_data", id, flags: "E", value: 5 }), [9]);
      });

      it("is shown only where it is an output too, and when it is asked for (row 147)", async () => {
        const id = ++lastId;
        const step = { model: "visible", id, value: 3 };
        assert.deepEqual(await output({ ...step, flags: "S" }, "STATE_OUT"), [3]);
        const { outputs } = await send({ ...step, outputs: ["OUTPUT0"] });
        assert.deepEqual(outputs, { OUTPUT0: [6] });
        assert.deepEqual(await output({ ...step, flags: "E", outputs: ["STATE_OUT"] }, "STATE_OUT"), [9]);
      });

      it("knows nothing of the warm-up (row 122)", async () => {
        const id = ++lastId;
        assert.deepEqual(await output({ model: "warm", id, flags: "S", value: 4 }), [4]);
        assert.deepEqual(await output({ model: "warm", id, flags: "E", value: 5 }), [9]);
      });

      it("works for a model that does not batch", async () => {
        const id = ++lastId;
        const step = { model: "no_batch", id, datatype: "FP32" } as const;
        assert.deepEqual(await output({ ...step, flags: "S", value: 0.5 }), [0.5]);
        assert.deepEqual(await output({ ...step, flags: "E", value: 0.25 }), [0.75]);
      });

      it("may be several, of different types", async () => {
        const ids = [++lastId, ++lastId, ++lastId];
        for (const [i, flags] of (["S", "", "E"] as const).entries()) {
          const means = await Promise.all(
            ids.map((id) => output({ model: "mean", id, flags, datatype: "FP32", value: id * (i + 1) })),
          );
          assert.deepEqual(
            means,
            ids.map((id) => [(id * (i + 2)) / 2]),
          );
        }
      });

      it("may be text, which starts empty", async () => {
        const ids = [++lastId, ++lastId];
        const say = (words: readonly string[], flags: SequenceFlags): Promise<unknown[]> =>
          Promise.all(
            ids.map((id, i) =>
              output({ model: "text", id, flags, datatype: "BYTES", value: words[i] ?? "" }),
            ),
          );
        assert.deepEqual(await say(["a", "é"], "S"), [["a"], ["é"]]);
        assert.deepEqual(await say(["", "日本"], ""), [["a"], ["é日本"]]);
        assert.deepEqual(await say(["bc", "!"], "E"), [["abc"], ["é日本!"]]);
      });

      for (const strategy of ["direct", "oldest"]) {
        it(`may grow, differently in each sequence, strategy ${strategy}`, async () => {
          const model = `growing_${strategy}`;
          const [long, short] = [++lastId, ++lastId];
          assert.deepEqual(await output({ model, id: long, flags: "S", value: 1 }), [0, 1]);
          assert.deepEqual(await output({ model, id: long, value: 2 }), [0, 1, 2]);
          const both = await Promise.all([
            output({ model, id: long, flags: "E", value: 3 }),
            output({ model, id: short, flags: "S", value: 9 }),
          ]);
          assert.deepEqual(both, [
            [0, 1, 2, 3],
            [0, 9],
          ]);
          assert.deepEqual(await output({ model, id: short, flags: "E", value: 8 }), [0, 9, 8]);
        });
      }
    });
  }

  it("refuses to load what it cannot start from, and states that the model lacks (row 146)", async () => {
    const reply = await server.current.http.post("/v2/repository/index", "");
    const rows = reply.json() as { name: string; state?: string; reason?: string }[];
    const reasons = new Map(rows.map(({ name, reason = "" }) => [name, reason]));
    assert.match(
      reasons.get("short_file") ?? "",
      /data_file "first" of state 'STATE_IN' must have 4 bytes for INT32 \[1\], got 3/,
    );
    assert.match(reasons.get("no_file") ?? "", /cannot read data_file "first" of state 'STATE_IN': ENOENT/);
    assert.match(
      reasons.get("outside") ?? "",
      /leads out of the model's directory initial_state|cannot read/,
    );
    assert.match(reasons.get("undeclared") ?? "", /the model has no output 'NOWHERE' for a state/);
  });
});
