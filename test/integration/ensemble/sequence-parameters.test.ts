import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { useServer } from "../../helpers/start-server.ts";
import { useRepository } from "../../helpers/temporary-repository.ts";

/** Answers a positive input with the parameters of sequence 8, which begins and ends with this request. */
const redirect = `
  export function execute(requests) {
    return requests.map((request) => {
      const [value] = request.input("INPUT0").data;
      const parameters = { sequence_id: 8, sequence_start: true, sequence_end: true, unrelated: 1 };
      return { outputs: { OUTPUT0: [value] }, ...(value > 0 ? { parameters } : {}) };
    });
  }`;

/** Answers with the sequence's id, and whether it begins and ends. */
const tell = `
  export function execute(requests) {
    return requests.map((request) => {
      const { correlationId, isSequenceStart, isSequenceEnd } = request;
      return { outputs: { OUTPUT0: [Number(correlationId), Number(isSequenceStart), Number(isSequenceEnd)] } };
    });
  }`;

const tensor = (name: string, size: number): object => ({ name, data_type: "TYPE_INT32", dims: [size] });

describe("A sequence's request to an ensemble", () => {
  const repository = useRepository((models) => {
    const add = (name: string, outputSize: number, code: string, more: object): void => {
      models.add(name, {
        config: {
          backend: "javascript",
          max_batch_size: 1,
          input: [tensor("INPUT0", 1)],
          output: [tensor("OUTPUT0", outputSize)],
          instance_group: [{ kind: "KIND_CPU", count: 1 }],
          ...more,
        },
        versions: { 1: null },
      });
      models.addFile(code, name, "1", "model.mjs");
    };
    add("redirect", 1, redirect, {});
    add("tell", 3, tell, { sequence_batching: {} });
    const step = (model_name: string, input: string, output: string): object => ({
      model_name,
      model_version: -1,
      input_map: { INPUT0: input },
      output_map: { OUTPUT0: output },
    });
    models.add("both", {
      config: {
        platform: "ensemble",
        max_batch_size: 1,
        input: [tensor("IN", 1)],
        output: [tensor("OUT", 3)],
        ensemble_scheduling: { step: [step("redirect", "IN", "MIDDLE"), step("tell", "MIDDLE", "OUT")] },
      },
      versions: { 1: null },
    });
  });
  const server = useServer(() => [`--model-repository=${repository.current.path}`]);

  async function infer(value: number, parameters: object): Promise<{ data: unknown; parameters: unknown }> {
    const reply = await server.current.http.post("/v2/models/both/infer", {
      inputs: [{ name: "IN", datatype: "INT32", shape: [1, 1], data: [value] }],
      parameters,
    });
    assert.equal(reply.status, 200, reply.text);
    const body = reply.json() as { outputs: { data: unknown }[]; parameters?: unknown };
    return { data: body.outputs[0]?.data, parameters: body.parameters };
  }

  it("reaches every step with its id and flags (row 137)", async () => {
    const start = await infer(0, { sequence_id: 5, sequence_start: true });
    assert.deepEqual(start, { data: [5, 1, 0], parameters: undefined });
    assert.deepEqual((await infer(0, { sequence_id: 5 })).data, [5, 0, 0]);
    assert.deepEqual((await infer(0, { sequence_id: 5, sequence_end: true })).data, [5, 0, 1]);
  });

  it("goes on as what a step's response parameters say, and shows them (row 137)", async () => {
    const redirected = await infer(1, { sequence_id: 5, sequence_start: true });
    assert.deepEqual(redirected, {
      data: [8, 1, 1],
      parameters: { sequence_id: 8, sequence_start: true, sequence_end: true },
    });
  });
});
