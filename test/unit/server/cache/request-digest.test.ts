import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import { requestDigest } from "../../../../server/cache/request-digest.ts";
import { InferenceRequest, type ParameterValue } from "../../../../server/core/inference-request.ts";
import { Tensor } from "../../../../server/core/tensor.ts";
import { RecordingSink } from "../../../helpers/recorded-request.ts";

const outputNames = ["OUTPUT0", "OUTPUT1"];

interface Sketch {
  readonly id?: string;
  readonly priority?: number;
  readonly timeoutUs?: number;
  readonly inputs?: Tensor[];
  readonly requestedOutputs?: string[];
  readonly parameters?: ReadonlyMap<string, ParameterValue> | null;
}

function digest(sketch: Sketch): string {
  const request = new InferenceRequest({
    id: sketch.id ?? "",
    inputs: sketch.inputs ?? [tensor("INPUT0", [4], [1, 2, 3, 4])],
    requestedOutputs: sketch.requestedOutputs ?? [],
    parameters: sketch.parameters ?? null,
    priority: sketch.priority ?? 0,
    timeoutUs: sketch.timeoutUs ?? 0,
    correlationId: 0,
    isSequenceStart: false,
    isSequenceEnd: false,
    sink: new RecordingSink(),
  });
  return requestDigest(request, outputNames);
}

function tensor(
  name: string,
  shape: number[],
  bytes: number[],
  datatype: "UINT8" | "INT8" | "BYTES" = "UINT8",
): Tensor {
  return new Tensor(name, datatype, shape, Uint8Array.from(bytes));
}

describe("requestDigest", () => {
  const plain = digest({});

  it("is the same for the same content, whoever asks and how urgently", () => {
    assert.equal(plain.length, 32);
    assert.equal(digest({ id: "other", priority: 3, timeoutUs: 5 }), plain);
    // A view at another address.
    const bytes = Uint8Array.of(9, 1, 2, 3, 4, 9).subarray(1, 5);
    assert.equal(digest({ inputs: [new Tensor("INPUT0", "UINT8", [4], bytes)] }), plain);
  });

  it("is the same however the outputs are listed that are wanted", () => {
    assert.equal(digest({ requestedOutputs: ["OUTPUT1", "OUTPUT0"] }), plain);
    assert.equal(digest({ requestedOutputs: ["OUTPUT0", "OUTPUT1", "OUTPUT0"] }), plain);
  });

  it("tells everything apart that a model can see", () => {
    const all = [
      plain,
      digest({ inputs: [tensor("INPUT1", [4], [1, 2, 3, 4])] }),
      digest({ inputs: [tensor("INPUT0", [4], [1, 2, 3, 5])] }),
      digest({ inputs: [tensor("INPUT0", [2, 2], [1, 2, 3, 4])] }),
      digest({ inputs: [tensor("INPUT0", [4], [1, 2, 3, 4], "INT8")] }),
      digest({ inputs: [tensor("INPUT0", [1, 4], [1, 2, 3, 4])] }),
      digest({ inputs: [tensor("INPUT0", [2], [1, 2]), tensor("INPUT1", [2], [3, 4])] }),
      digest({ inputs: [tensor("INPUT0", [3], [1, 2, 3]), tensor("INPUT1", [1], [4])] }),
      digest({ inputs: [] }),
      digest({ requestedOutputs: ["OUTPUT0"] }),
      digest({ requestedOutputs: ["OUTPUT1"] }),
      ...[1, "1", 1n, true, "true", 0, -0].map((value) => digest({ parameters: new Map([["p", value]]) })),
      digest({ parameters: new Map([["q", 1]]) }),
    ];
    assert.equal(new Set(all).size, all.length);
  });

  it("does not depend on the order of parameters", () => {
    const parameters: [string, number][] = [
      ["a", 1],
      ["b", 2],
    ];
    const forwards = digest({ parameters: new Map(parameters) });
    assert.equal(digest({ parameters: new Map(parameters.toReversed()) }), forwards);
  });

  it("differs when the same bytes are cut up otherwise, for any two cuts", () => {
    const cut = fc.tuple(fc.nat(8), fc.nat(8)).map(([a, b]) => [Math.min(a, b), Math.max(a, b)] as const);
    const bytes = [1, 2, 3, 4, 5, 6, 7, 8];
    const digestOfCut = ([from, to]: readonly [number, number]): string => {
      const parts = [bytes.slice(0, from), bytes.slice(from, to), bytes.slice(to)];
      return digest({ inputs: parts.map((part, i) => tensor(`I${i}`, [1], part, "BYTES")) });
    };
    fc.assert(
      fc.property(cut, cut, (one, other) => {
        assert.equal(digestOfCut(one) === digestOfCut(other), one.join() === other.join());
      }),
    );
  });
});
