import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { type InferHeader, readInferHeader } from "../../../../../server/http/codec/infer-header.ts";
import { InferHeaderCache } from "../../../../../server/http/codec/infer-header-cache.ts";

function headerOf(json: Buffer): InferHeader {
  return readInferHeader(json, json.byteLength, 1000);
}

function binaryRequest(name: string): Buffer {
  const input = { name, shape: [1], datatype: "INT8", parameters: { binary_data_size: 1 } };
  return Buffer.from(JSON.stringify({ inputs: [input] }));
}

describe("InferHeaderCache", () => {
  it("finds a header by the same bytes at another place", () => {
    const json = binaryRequest("A");
    const header = headerOf(json);
    const cache = new InferHeaderCache();
    assert.equal(cache.find(json, 0, json.byteLength), null);
    cache.add(json, 0, json.byteLength, header);
    const moved = Buffer.concat([Buffer.from("xyz"), json, Buffer.from("tail")]);
    assert.equal(cache.find(moved, 3, 3 + json.byteLength), header);
  });

  it("keeps its own copy of the bytes", () => {
    const json = binaryRequest("A");
    const cache = new InferHeaderCache();
    cache.add(json, 0, json.byteLength, headerOf(json));
    const same = Buffer.from(json);
    json.fill(0);
    assert.notEqual(cache.find(same, 0, same.byteLength), null);
  });

  it("tells headers apart by every byte", () => {
    const json = binaryRequest("A");
    const cache = new InferHeaderCache();
    cache.add(json, 0, json.byteLength, headerOf(json));
    for (let i = 0; i < json.byteLength; i++) {
      const changed = Buffer.from(json);
      changed[i] = changed[i]! ^ 1;
      assert.equal(cache.find(changed, 0, changed.byteLength), null, `byte ${i}`);
    }
    assert.equal(cache.find(json, 0, json.byteLength - 1), null);
  });

  it("takes neither headers with JSON data nor long ones", () => {
    const withData = Buffer.from('{"inputs":[{"name":"A","shape":[1],"datatype":"INT8","data":[1]}]}');
    const long = binaryRequest("A".repeat(2000));
    for (const json of [withData, long]) {
      const cache = new InferHeaderCache();
      cache.add(json, 0, json.byteLength, headerOf(json));
      assert.equal(cache.find(json, 0, json.byteLength), null);
    }
  });

  it("stays right when thousands of headers share its slots", () => {
    const cache = new InferHeaderCache();
    for (let i = 0; i < 3000; i++) {
      const json = binaryRequest(`input${i}`);
      const header = headerOf(json);
      cache.add(json, 0, json.byteLength, header);
      assert.equal(cache.find(json, 0, json.byteLength), header);
      const other = binaryRequest(`input${i >> 1}`);
      const found = cache.find(other, 0, other.byteLength);
      assert.ok(found === null || found.inputs[0]?.name === `input${i >> 1}`);
    }
  });
});
