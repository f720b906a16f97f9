import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { dataTypeByteSize, dataTypes, type DataType } from "../../../../server/core/data-type.ts";
import { encodeElement } from "../../../../server/core/element-bytes.ts";

function hexOf(datatype: DataType, value: number): string | null {
  const bytes = encodeElement(datatype, value);
  return bytes === null ? null : Buffer.from(bytes).toString("hex");
}

/** The value of a half, by the definition of the format. */
function halfValue(bits: number): number {
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  const magnitude = exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** (exponent - 15);
  return bits & 0x8000 ? -magnitude : magnitude;
}

describe("encodeElement", () => {
  it("writes 0 and 1 of every type but BYTES, as long as the type says", () => {
    for (const datatype of dataTypes) {
      if (datatype === "BYTES") continue;
      const zero = encodeElement(datatype, 0);
      assert.deepEqual([...(zero ?? [])], new Array<number>(dataTypeByteSize[datatype]).fill(0), datatype);
      assert.ok(
        encodeElement(datatype, 1)?.some((byte) => byte !== 0),
        datatype,
      );
    }
    assert.equal(encodeElement("BYTES", 0), null);
  });

  it("writes little-endian", () => {
    assert.equal(hexOf("INT32", -2), "feffffff");
    assert.equal(hexOf("UINT16", 258), "0201");
    assert.equal(hexOf("INT64", -1), "ffffffffffffffff");
    assert.equal(hexOf("UINT64", 2 ** 40), "0000000000010000");
    assert.equal(hexOf("FP32", 1), "0000803f");
    assert.equal(hexOf("FP64", -2), "00000000000000c0");
    assert.equal(hexOf("FP16", 1), "003c");
    assert.equal(hexOf("BF16", 1), "803f");
    assert.equal(hexOf("BF16", -1e4), "1cc6");
  });

  it("refuses what the type cannot hold", () => {
    const refused: [DataType, number][] = [
      ["BOOL", 2],
      ["BOOL", 0.5],
      ["UINT8", 256],
      ["UINT8", -1],
      ["INT8", 128],
      ["INT16", -32_769],
      ["UINT32", 2 ** 32],
      ["INT32", 1.5],
      ["INT64", 2 ** 53],
      ["UINT64", -1],
      ["FP16", 65_520],
      ["FP16", -1e9],
      ["FP32", 1e39],
      ["BF16", 3.4e38 * 1.01],
      ["FP64", Number.POSITIVE_INFINITY],
    ];
    for (const [datatype, value] of refused) assert.equal(hexOf(datatype, value), null, datatype);
  });

  it("gives every half its own bits", () => {
    for (let bits = 0; bits < 0x10000; bits++) {
      if ((bits & 0x7c00) === 0x7c00) continue;
      const bytes = encodeElement("FP16", halfValue(bits));
      assert.equal((bytes?.[0] ?? 0) + 256 * (bytes?.[1] ?? 0), bits);
    }
  });

  it("rounds halves to the nearest, ties to the even one", () => {
    assert.equal(hexOf("FP16", 2049), hexOf("FP16", 2048));
    assert.equal(hexOf("FP16", 2051), hexOf("FP16", 2052));
    assert.equal(hexOf("FP16", 65_519), hexOf("FP16", 65_504));
    assert.equal(hexOf("FP16", 2 ** -26), hexOf("FP16", 0));
    assert.equal(hexOf("FP16", 0.99999), hexOf("FP16", 1));
  });
});
