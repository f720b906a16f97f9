import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { encodeElements } from "../../../../perf_analyzer/infer-data/element-codec.ts";
import type { DataEntry } from "../../../../perf_analyzer/infer-data/infer-data.ts";
import { loadInferData } from "../../../../perf_analyzer/infer-data/load-infer-data.ts";
import { planRequests } from "../../../../perf_analyzer/infer-data/request-plan.ts";
import { useTestDirectory } from "../../../helpers/temporary-directory.ts";
import { modelFixture, tensor } from "../model-fixture.ts";

const defaults = { inputData: [], shapes: [], stringData: null, stringLength: 4, randomSeed: 0 };
const floats = (...values: number[]): Uint8Array => encodeElements("FP32", values, "");

function bytesOf(entry: DataEntry | undefined, name: string): Buffer {
  return Buffer.from(entry?.inputs.get(name)?.data ?? []);
}

describe("loadInferData", () => {
  const directory = useTestDirectory();
  const json = (content: unknown): string => directory.write(JSON.stringify(content), "data.json");

  it("makes random data once: floats below 1, the same for the same seed", () => {
    const model = modelFixture({ inputs: [tensor("A", "FP32", [100]), tensor("S", "BYTES", [2])] });
    const [[entry] = []] = loadInferData(defaults, model);
    const values = new Float32Array(new Uint8Array(bytesOf(entry, "A")).buffer);
    assert.ok(values.every((value) => value >= 0 && value < 1));
    assert.ok(new Set(values).size > 90);
    assert.equal(bytesOf(entry, "S").length, 2 * (4 + 4));
    assert.deepEqual(loadInferData(defaults, model)[0]?.[0], entry);
    assert.notDeepEqual(loadInferData({ ...defaults, randomSeed: 1 }, model)[0]?.[0], entry);
  });

  it("makes zeros, and texts of --string-data", () => {
    const model = modelFixture({ inputs: [tensor("A", "INT64", [2]), tensor("S", "BYTES", [2])] });
    const [[entry] = []] = loadInferData({ ...defaults, inputData: ["zero"], stringData: "ab" }, model);
    assert.deepEqual(bytesOf(entry, "A"), Buffer.alloc(16));
    assert.equal(bytesOf(entry, "S").toString("hex"), "020000006162".repeat(2));
  });

  it("asks for the shape of variable dimensions and says how to give it", () => {
    const model = modelFixture({ inputs: [tensor("A", "FP32", [-1, 3])] });
    assert.throws(() => loadInferData(defaults, model), /--shape A:1,3/);
    const shapes = [{ name: "A", dims: [2, 3] }];
    assert.deepEqual(loadInferData({ ...defaults, shapes }, model)[0]?.[0]?.inputs.get("A")?.shape, [2, 3]);
    assert.throws(
      () => loadInferData({ ...defaults, shapes: [{ name: "A", dims: [2, 4] }] }, model),
      /--shape A: \[2,4\] does not fit the model's \[-1,3\]/,
    );
    assert.throws(
      () => loadInferData({ ...defaults, shapes: [{ name: "X", dims: [2] }] }, model),
      /no such input; its inputs are A/,
    );
  });

  it("reads the time of an entry, unless the model has an input of that name", () => {
    const at = (value: unknown) => json({ data: [{ A: [1, 2], timestamp: value }] });
    for (const [value, expected] of [
      [250, 250],
      [[250.5], 250.5],
    ] as const) {
      const data = loadInferData({ ...defaults, inputData: [at(value)] }, modelFixture());
      assert.equal(data[0]?.[0]?.timestampMs, expected);
    }
    for (const bad of ["1", -1, [1, 2], null]) {
      assert.throws(
        () => loadInferData({ ...defaults, inputData: [at(bad)] }, modelFixture()),
        /data\[0\]: "timestamp" expects milliseconds, a number of at least 0, got/,
      );
    }
    const own = modelFixture({ inputs: [tensor("A", "FP32", [2]), tensor("timestamp", "INT32", [1])] });
    const data = loadInferData({ ...defaults, inputData: [at([7])] }, own);
    assert.equal(data[0]?.[0]?.timestampMs, null);
  });

  it("takes validation data of any length for a decoupled model", () => {
    const file = json({ data: [{ A: [1, 2] }], validation_data: [{ B: [1, 2, 3] }] });
    const decoupled = modelFixture({ isDecoupled: true, maxBatchSize: 0 });
    const data = loadInferData({ ...defaults, inputData: [file] }, decoupled);
    assert.equal(data[0]?.[0]?.expected?.get("B")?.data.byteLength, 12);
    assert.throws(
      () => loadInferData({ ...defaults, inputData: [file] }, modelFixture()),
      /expects 2 elements/,
    );
  });

  it("reads every form of a JSON tensor", () => {
    const file = json({
      data: [
        { A: [1, 2] },
        { A: { content: [1, 2], shape: [2] } },
        { A: { b64: Buffer.from(floats(1, 2)).toString("base64") } },
        { A: { content: { b64: Buffer.from(floats(1, 2)).toString("base64") }, shape: [2] } },
        { A: [[1], [2]] },
      ],
    });
    const [entries = []] = loadInferData({ ...defaults, inputData: [file] }, modelFixture());
    assert.equal(entries.length, 5);
    for (const entry of entries) assert.deepEqual(bytesOf(entry, "A"), Buffer.from(floats(1, 2)));
  });

  it("takes base64 of BYTES with their lengths", () => {
    const model = modelFixture({ inputs: [tensor("A", "BYTES", [1])] });
    const file = json({ data: [{ A: { b64: Buffer.from("\u0002\0\0\0ab").toString("base64") } }] });
    const [[entry] = []] = loadInferData({ ...defaults, inputData: [file] }, model);
    assert.equal(bytesOf(entry, "A").toString(), "\u0002\0\0\0ab");
  });

  it("takes the shape that an entry gives for variable dimensions", () => {
    const model = modelFixture({ inputs: [tensor("A", "FP32", [-1])] });
    const file = json({
      data: [{ A: { content: [1, 2, 3], shape: [3] } }, { A: { content: [1], shape: [1] } }],
    });
    const [entries = []] = loadInferData({ ...defaults, inputData: [file] }, model);
    assert.deepEqual(
      entries.map(({ inputs }) => inputs.get("A")?.shape),
      [[3], [1]],
    );
  });

  it("reads sequences and validation data, and joins files", () => {
    const one = directory.write(
      JSON.stringify({ data: [[{ A: [1, 1] }, { A: [2, 2] }], [{ A: [3, 3] }]] }),
      "one.json",
    );
    const two = directory.write(
      JSON.stringify({ data: [{ A: [4, 4] }], validation_data: [{ B: [8, 8] }] }),
      "two.json",
    );
    const streams = loadInferData({ ...defaults, inputData: [one, two] }, modelFixture());
    assert.deepEqual(
      streams.map((stream) => stream.length),
      [2, 1, 1],
    );
    assert.deepEqual(streams[2]?.[0]?.expected?.get("B")?.data, floats(8, 8));
    assert.equal(streams[0]?.[0]?.expected, null);
  });

  const wrong: readonly (readonly [unknown, RegExp])[] = [
    [[], /expects an object/],
    [{ data: [] }, /"data", an array of at least one entry/],
    [{ data: [{ X: [1] }] }, /data\[0\]: the model has no input "X"; its inputs are A/],
    [{ data: [{}] }, /data\[0\]: input "A" is missing/],
    [{ data: [{ A: [1, 2, 3] }] }, /data\[0\]\.A: expects 2 elements of FP32 for \[2\], got 3 elements/],
    [{ data: [{ A: { b64: "AAA=" } }] }, /2 bytes, no whole elements/],
    [{ data: [{ A: { b64: "%" } }] }, /expects an array, \{"content"/],
    [{ data: [{ A: { content: [1, 2], shape: [1, 2] } }] }, /does not fit the model's \[2\]/],
    [{ data: [[{ A: [1, 2] }, { A: [1, "x"] }]] }, /data\[0\]\[1\]\.A: element 1 is "x"/],
    [{ data: [{ A: [1, 2] }], validation_data: [] }, /form and the lengths/],
    [{ data: [{ A: [1, 2] }], validation_data: [{ C: [1] }] }, /no output "C"/],
  ];
  for (const [content, expected] of wrong) {
    it(`refuses ${JSON.stringify(content)}`, () => {
      assert.throws(
        () => loadInferData({ ...defaults, inputData: [json(content)] }, modelFixture()),
        expected,
      );
    });
  }

  it("reads a directory: raw bytes, and a line for each text", () => {
    directory.write(floats(5, 6), "in", "A");
    directory.write("first\nsecond\n", "in", "S");
    const model = modelFixture({ inputs: [tensor("A", "FP32", [2]), tensor("S", "BYTES", [2])] });
    const [[entry] = []] = loadInferData({ ...defaults, inputData: [directory.in("in")] }, model);
    assert.deepEqual(bytesOf(entry, "A"), Buffer.from(floats(5, 6)));
    assert.equal(bytesOf(entry, "S").toString("latin1"), "\u0005\0\0\0first\u0006\0\0\0second");
    assert.throws(
      () =>
        loadInferData(
          { ...defaults, inputData: [directory.in("in")] },
          modelFixture({ inputs: [tensor("Z", "FP32", [2])] }),
        ),
      /Cannot read the data of input "Z"/,
    );
  });

  it("says what is missing", () => {
    assert.throws(
      () => loadInferData({ ...defaults, inputData: ["/nowhere.json"] }, modelFixture()),
      /there is no \/nowhere\.json/,
    );
  });
});

describe("planRequests", () => {
  const entry = (value: number): DataEntry => ({
    inputs: new Map([["A", { shape: [2], data: floats(value, value) }]]),
    expected: new Map([["B", { shape: [2], data: floats(-value) }]]),
    timestampMs: null,
  });

  it("joins successive entries to batches and begins again at the end", () => {
    const plan = planRequests([[entry(1), entry(2)], [entry(3)]], modelFixture(), 2);
    assert.deepEqual(
      plan.contents.map(({ inputs }) => Buffer.from(inputs[0]?.data ?? []).toString("hex")),
      [
        [1, 2],
        [3, 1],
        [2, 3],
      ].map((rows) => Buffer.from(floats(...rows.flatMap((row) => [row, row]))).toString("hex")),
    );
    assert.deepEqual(plan.contents[0]?.inputs[0]?.shape, [2, 2]);
    assert.deepEqual(Buffer.from(plan.contents[1]?.expected?.[0]?.data ?? []), Buffer.from(floats(-3, -1)));
    assert.deepEqual(plan.streams, [[0, 1, 2]]);
  });

  it("keeps the streams of a model with state apart", () => {
    const plan = planRequests(
      [[entry(1), entry(2)], [entry(3)]],
      modelFixture({ hasSequenceBatching: true }),
      1,
    );
    assert.deepEqual(plan.streams, [[0, 1], [2]]);
  });

  it("refuses batches that the model does not take", () => {
    assert.throws(
      () => planRequests([[entry(1)]], modelFixture({ maxBatchSize: 0 }), 2),
      /does not batch; give -b 1/,
    );
    assert.throws(() => planRequests([[entry(1)]], modelFixture(), 9), /takes at most 8 rows/);
  });

  it("refuses rows of different shapes in one batch", () => {
    const wide = {
      inputs: new Map([["A", { shape: [1], data: floats(1) }]]),
      expected: null,
      timestampMs: null,
    };
    assert.throws(() => planRequests([[entry(1), wide]], modelFixture(), 2), /need the same shape/);
  });
});
