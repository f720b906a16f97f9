import assert from "node:assert/strict";
import { describe, it } from "mocha";
import type { TensorSpec } from "../../../../backends/backend.ts";
import { FrameBatch, FrameLayout } from "../../../../backends/worker/batch-frame.ts";
import { FramePool } from "../../../../backends/worker/frame-pool.ts";
import { gatherBatch } from "../../../../backends/worker/gather.ts";
import { makeFiller } from "../../../../schedulers/sequence-batch/filler-request.ts";
import { joinBytesElements } from "../../../../server/core/bytes-elements.ts";
import type { DataType } from "../../../../server/core/data-type.ts";
import type { CorrelationId, InferenceRequest } from "../../../../server/core/inference-request.ts";
import type { ControlKind } from "../../../../server/model-config/model-config.ts";
import { fp32Tensor, makeRequest } from "../../../helpers/recorded-request.ts";
import { tensorSpec } from "../../../helpers/tensor-spec.ts";

type Flags = "" | "S" | "E" | "SE";

function control(
  kind: ControlKind,
  datatype: DataType,
  falseTrue: readonly [number, number] | null = [0, 1],
): TensorSpec {
  return tensorSpec("CONTROL", datatype, [1], { join: { kind: "control", control: kind, falseTrue } });
}

function requestOf(correlationId: CorrelationId, flags: Flags = ""): InferenceRequest {
  return makeRequest({
    inputs: [fp32Tensor("INPUT0", [1, 1], [7])],
    correlationId,
    isSequenceStart: flags.includes("S"),
    isSequenceEnd: flags.includes("E"),
  }).request;
}

/** The control tensor of a batch, as the instance sees it, and its shape. */
function gathered(spec: TensorSpec, requests: InferenceRequest[], maxBatchSize = 4) {
  const layout = new FrameLayout({
    maxBatchSize,
    inputs: [tensorSpec("INPUT0", "FP32", [1]), spec],
    outputs: [],
    states: [],
  });
  // The frame's memory is dirty: what is not written would be seen.
  const pool = new FramePool(1);
  pool.give(new Uint8Array(8192).fill(0xee).buffer);
  const frame = gatherBatch(requests, layout, pool).buffer;
  const input = new FrameBatch(layout, frame).inputs.find(({ index }) => index === 1);
  assert.ok(input !== undefined);
  return { shape: input.shape, data: frame.slice(input.byteOffset, input.byteOffset + input.byteLength) };
}

describe("control inputs", () => {
  const a = requestOf(1, "S");
  const b = requestOf(2, "E");
  const filler = makeFiller(a);

  it("tell START, END and READY as INT32", () => {
    const told = (kind: ControlKind): number[] => [
      ...new Int32Array(gathered(control(kind, "INT32", [-5, 9]), [a, filler, b]).data),
    ];
    assert.deepEqual(told("CONTROL_SEQUENCE_START"), [9, -5, -5]);
    assert.deepEqual(told("CONTROL_SEQUENCE_END"), [-5, -5, 9]);
    assert.deepEqual(told("CONTROL_SEQUENCE_READY"), [9, -5, 9]);
  });

  it("tell flags as FP32 and as BOOL", () => {
    const fp32 = gathered(control("CONTROL_SEQUENCE_START", "FP32", [0.25, -1.5]), [a, b]);
    assert.deepEqual([...new Float32Array(fp32.data)], [-1.5, 0.25]);
    const bool = gathered(control("CONTROL_SEQUENCE_START", "BOOL", [1, 0]), [a, b]);
    assert.deepEqual([...new Uint8Array(bool.data)], [0, 1]);
  });

  it("have the shape [N,1], and [1] for a model that does not batch", () => {
    const spec = control("CONTROL_SEQUENCE_READY", "INT32");
    assert.deepEqual(gathered(spec, [a, b]).shape, [2, 1]);
    assert.deepEqual(gathered(spec, [a], 0).shape, [1]);
  });

  it("tell the correlation id in each integer type, the low bits where it is too large", () => {
    const big = 0xffff_ffff_0000_0007n;
    const id = (datatype: DataType): ArrayBuffer =>
      gathered(control("CONTROL_SEQUENCE_CORRID", datatype, null), [
        requestOf(42),
        requestOf(big),
        requestOf(2 ** 40 + 3),
        filler,
      ]).data;
    assert.deepEqual([...new BigUint64Array(id("UINT64"))], [42n, big, 2n ** 40n + 3n, 0n]);
    assert.deepEqual([...new BigInt64Array(id("INT64"))], [42n, BigInt.asIntN(64, big), 2n ** 40n + 3n, 0n]);
    assert.deepEqual([...new Uint32Array(id("UINT32"))], [42, 7, 3, 0]);
    assert.deepEqual([...new Int32Array(id("INT32"))], [42, 7, 3, 0]);
  });

  it("tell the correlation id as text, empty for fillers", () => {
    const text = requestOf("séquence-1");
    const { data } = gathered(control("CONTROL_SEQUENCE_CORRID", "BYTES", null), [text, makeFiller(text)]);
    const expected = joinBytesElements([new TextEncoder().encode("séquence-1"), new Uint8Array()]);
    assert.deepEqual(new Uint8Array(data), expected);
  });
});
