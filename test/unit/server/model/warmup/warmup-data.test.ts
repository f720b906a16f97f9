import assert from "node:assert/strict";
import { symlinkSync } from "node:fs";
import { describe, it } from "mocha";
import { type DataType, dataTypeByteSize, dataTypes } from "../../../../../server/core/data-type.ts";
import { makeWarmupData } from "../../../../../server/model/warmup/warmup-data.ts";
import type { WarmupSource } from "../../../../../server/model-config/model-config.ts";
import { useTestDirectory } from "../../../../helpers/temporary-directory.ts";

describe("makeWarmupData", () => {
  const directory = useTestDirectory();

  function make(datatype: DataType, count: number, source: WarmupSource, seed = 1): Promise<Uint8Array> {
    return makeWarmupData({ datatype, dims: [count], source }, count, directory.in("m"), seed);
  }

  it("makes zeros of every type, and empty texts", async () => {
    for (const datatype of dataTypes) {
      const data = await make(datatype, 3, { kind: "zero" });
      assert.deepEqual([...data], new Array<number>(3 * (dataTypeByteSize[datatype] || 4)).fill(0), datatype);
    }
  });

  it("makes the same random values each time, and others for another seed", async () => {
    for (const datatype of dataTypes) {
      const data = await make(datatype, 64, { kind: "random" });
      assert.deepEqual(await make(datatype, 64, { kind: "random" }), data, datatype);
      if (datatype === "BYTES") assert.ok(data.every((byte) => byte === 0));
      else assert.notDeepEqual(await make(datatype, 64, { kind: "random" }, 2), data, datatype);
    }
  });

  it("makes random values within bounds that every model can take", async () => {
    const count = 500;
    const view = async (datatype: DataType): Promise<DataView> =>
      new DataView((await make(datatype, count, { kind: "random" })).buffer);
    const inBounds = (values: number[], below: number): void => {
      assert.ok(values.every((value) => value >= 0 && value < below));
      assert.ok(new Set(values).size > Math.min(below, count) / 2, "they vary");
    };
    const all = (read: (index: number) => number): number[] =>
      Array.from({ length: count }, (_, i) => read(i));
    const [fp32, fp64, fp16, bf16] = [
      await view("FP32"),
      await view("FP64"),
      await view("FP16"),
      await view("BF16"),
    ];
    inBounds(
      all((i) => fp32.getFloat32(4 * i, true)),
      1,
    );
    inBounds(
      all((i) => fp64.getFloat64(8 * i, true)),
      1,
    );
    inBounds(
      all((i) => halfToNumber(fp16.getUint16(2 * i, true))),
      1,
    );
    const single = new DataView(new ArrayBuffer(4));
    inBounds(
      all((i) => {
        single.setUint16(2, bf16.getUint16(2 * i, true), true);
        return single.getFloat32(0, true);
      }),
      1,
    );
    const [int64, uint16, bool] = [await view("INT64"), await view("UINT16"), await view("BOOL")];
    inBounds(
      all((i) => Number(int64.getBigInt64(8 * i, true))),
      128,
    );
    inBounds(
      all((i) => uint16.getUint16(2 * i, true)),
      128,
    );
    inBounds(
      all((i) => bool.getUint8(i)),
      2,
    );
  });

  it("reads the beginning of a file, and all of it for texts", async () => {
    directory.write("abcdefghij", "m", "warmup", "data");
    const file: WarmupSource = { kind: "file", filename: "data" };
    assert.equal(Buffer.from(await make("INT32", 2, file)).toString(), "abcdefgh");
    assert.equal(Buffer.from(await make("BYTES", 1, file)).toString(), "abcdefghij");
  });

  it("refuses a file that is too small, is not there, or is not the model's", async () => {
    directory.write("abc", "m", "warmup", "small");
    directory.write("secret", "secret");
    symlinkSync(directory.in("secret"), directory.in("m", "warmup", "link"));
    const refused = (filename: string) => make("INT32", 1, { kind: "file", filename });
    await assert.rejects(refused("small"), /has 3 bytes, but 1 elements of INT32 need 4/);
    await assert.rejects(refused("nowhere"), /cannot read input_data_file "nowhere" in warmup\/: ENOENT/);
    for (const filename of ["link", "../../secret"]) {
      await assert.rejects(refused(filename), {
        code: "UNSUPPORTED",
        message: /leads out of the model's directory/,
      });
    }
  });
});

function halfToNumber(bits: number): number {
  const exponent = bits >> 10;
  if (exponent === 0) return (bits & 0x3ff) * 2 ** -24;
  return (1 + (bits & 0x3ff) / 1024) * 2 ** (exponent - 15);
}
