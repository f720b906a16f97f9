import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, describe, it } from "mocha";
import { loadCompletionData } from "../../../../perf_analyzer/infer-data/completion-data.ts";
import { splitElements } from "../../../../perf_analyzer/infer-data/element-codec.ts";

type Options = Parameters<typeof loadCompletionData>[0];

describe("loadCompletionData", () => {
  let directory = "";
  before(() => {
    directory = mkdtempSync(path.join(tmpdir(), "nereid-completions-"));
  });
  after(() => rmSync(directory, { recursive: true, force: true }));

  const options = (overrides: Partial<Options> = {}): Options => ({
    inputData: [],
    modelName: "m",
    endpoint: "v1/chat/completions",
    isStreaming: false,
    stringData: "hi",
    stringLength: 4,
    randomSeed: 0,
    ...overrides,
  });

  function payloads(given: Options): unknown[] {
    return loadCompletionData(given).flatMap((stream) =>
      stream.map(({ inputs }) => {
        const [element] = splitElements(inputs.get("payload")?.data ?? new Uint8Array(0)) ?? [];
        return JSON.parse(Buffer.from(element ?? []).toString()) as unknown;
      }),
    );
  }

  function file(document: unknown): Partial<Options> {
    const name = path.join(directory, "data.json");
    writeFileSync(name, JSON.stringify(document));
    return { inputData: [name] };
  }

  it("makes prompts for the endpoints that it knows", () => {
    assert.deepEqual(payloads(options({ isStreaming: true })), [
      { model: "m", messages: [{ role: "user", content: "hi" }], stream: true },
    ]);
    const random = payloads(options({ endpoint: "/v1/completions", stringData: null }));
    assert.match(JSON.stringify(random), /^\[\{"model":"m","prompt":"\w{4}","stream":false\}\]$/);
    assert.throws(() => payloads(options({ endpoint: "v1/embeddings" })), /give requests with --input-data/);
  });

  it("completes the requests of files", () => {
    const data = [{ payload: [{ prompt: "a" }], timestamp: 5 }, { payload: { model: "x", stream: true } }];
    const given = options(file({ data }));
    assert.deepEqual(payloads(given), [
      { model: "m", prompt: "a" },
      { model: "x", stream: true },
    ]);
    assert.equal(loadCompletionData(given)[0]?.[0]?.timestampMs, 5);
    assert.deepEqual(payloads(options({ ...file({ data: [{ payload: [{}] }] }), isStreaming: true })), [
      { model: "m", stream: true },
    ]);
  });

  it("says what is wrong with a file, and where", () => {
    assert.throws(() => payloads(options(file({}))), /expects \{"data": .* with at least one entry/);
    assert.throws(
      () => payloads(options(file({ data: [{ payload: [{}, {}] }] }))),
      /data\[0\] expects one request/,
    );
    assert.throws(
      () => payloads(options(file({ data: [{ prompt: "a" }] }))),
      /data\[0\] expects one request/,
    );
    const contradiction = { ...file({ data: [{ payload: [{ stream: false }] }] }), isStreaming: true };
    assert.throws(() => payloads(options(contradiction)), /"stream": false, which contradicts --streaming/);
    assert.throws(
      () => payloads(options({ inputData: ["/nowhere.json"] })),
      /Cannot read --input-data \/nowhere\.json/,
    );
  });
});
