import assert from "node:assert/strict";
import { describe, it } from "mocha";
import {
  constantFromBytes,
  constantFromProto,
} from "../../../../../backends/tensorflow/saved-model/constant.ts";
import { typeNumber } from "../../../../../backends/tensorflow/saved-model/tensorflow-type.ts";

const int64 = (...values: bigint[]): Parameters<typeof constantFromBytes>[1] => ({
  type: typeNumber.int64,
  shape: [values.length],
  bytes: new Uint8Array(BigInt64Array.from(values).buffer),
});

const listed = (value: number): Parameters<typeof constantFromProto>[1] => ({
  dtype: typeNumber.int64,
  tensorShape: { dim: [{ size: 2 }], unknownRank: false },
  tensorContent: new Uint8Array(0),
  halfVal: [],
  floatVal: [],
  doubleVal: [],
  intVal: [],
  stringVal: [],
  int64Val: [value],
  boolVal: [],
});

describe("constantFromBytes", () => {
  it("keeps INT64 values that 32 bits hold", () => {
    const { values, engineType } = constantFromBytes("c", int64(2n ** 31n - 1n, -(2n ** 31n), 0n));
    assert.equal(engineType, "int32");
    assert.deepEqual(values, Int32Array.of(2 ** 31 - 1, -(2 ** 31), 0));
  });

  for (const value of [2n ** 31n, -(2n ** 31n) - 1n, 2n ** 63n - 1n, -(2n ** 63n)]) {
    it(`refuses the INT64 value ${value}`, () => {
      assert.throws(
        () => constantFromBytes("variable 'c'", int64(1n, value)),
        new RegExp(`variable 'c' holds the INT64 value ${value}, .*32 bits only`),
      );
    });

    it(`takes the INT64 value ${value} of a slice's bound as its end`, () => {
      const { values } = constantFromBytes("c", int64(value), true);
      assert.deepEqual(values, Int32Array.of(value > 0n ? 2 ** 31 - 1 : -(2 ** 31)));
    });
  }
});

describe("constantFromProto", () => {
  it("repeats the last INT64 value of a list", () => {
    assert.deepEqual(constantFromProto("c", listed(-7)).values, Int32Array.of(-7, -7));
  });

  for (const value of [2 ** 31, -(2 ** 40), 2 ** 63]) {
    it(`refuses the INT64 value ${value} of a list`, () => {
      assert.throws(() => constantFromProto("c", listed(value)), /holds the INT64 value .*32 bits only/);
    });
  }
});
