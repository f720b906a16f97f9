import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import { CachedResponse } from "../../../../server/cache/cached-response.ts";
import { LocalCache } from "../../../../server/cache/local-cache.ts";
import { InferenceResponse } from "../../../../server/core/inference-response.ts";
import { Tensor } from "../../../../server/core/tensor.ts";

function response(byteCount: number, fill = 1): InferenceResponse {
  const outputs = [new Tensor("OUTPUT0", "UINT8", [byteCount], new Uint8Array(byteCount).fill(fill))];
  return new InferenceResponse({
    modelName: "m",
    modelVersion: "1",
    id: "",
    outputs,
    parameters: null,
    buffer: null,
  });
}

const overheadBytes = CachedResponse.byteSizeOf(response(0));

/** A cache with room for this many responses of 100 bytes, under a clock that moves by 1 µs at each look. */
function cacheFor(count: number): LocalCache {
  let nowUs = 0;
  return new LocalCache(count * (overheadBytes + 100), () => nowUs++);
}

/** The first byte of what is kept, or `null`. */
function found(cache: LocalCache, digest: string, scope = 1): number | null {
  return cache.lookup(scope, digest)?.toResponse("m", "1", "").outputs[0]?.data[0] ?? null;
}

describe("LocalCache", () => {
  it("gives back what was inserted, by scope and digest", () => {
    const cache = cacheFor(4);
    assert.equal(cache.insert(1, "a", response(100, 7)).kind, "inserted");
    assert.equal(cache.insert(2, "a", response(100, 8)).kind, "inserted");
    assert.deepEqual([found(cache, "a"), found(cache, "a", 2), found(cache, "b")], [7, 8, null]);
  });

  it("keeps the first of two insertions under one key", () => {
    const cache = cacheFor(4);
    cache.insert(1, "a", response(100, 7));
    assert.deepEqual(cache.insert(1, "a", response(100, 8)), { kind: "exists" });
    assert.equal(found(cache, "a"), 7);
  });

  it("gives up what has been unused for the longest time", () => {
    const cache = cacheFor(3);
    for (const [i, digest] of ["a", "b", "c"].entries()) cache.insert(1, digest, response(100, i + 1));
    assert.equal(found(cache, "a"), 1);
    cache.insert(1, "d", response(100, 4));
    assert.deepEqual(
      ["a", "b", "c", "d"].map((digest) => found(cache, digest)),
      [1, null, 3, 4],
    );
    // A large one takes the place of several.
    cache.insert(1, "e", response(100 + overheadBytes + 100, 5));
    assert.deepEqual(
      ["a", "c", "d", "e"].map((digest) => found(cache, digest)),
      [null, null, 4, 5],
    );
    assert.equal(cache.counters.evictionCount, 3);
  });

  it("refuses what is larger than itself, and gives nothing up for it (row 169)", () => {
    const cache = cacheFor(1);
    cache.insert(1, "a", response(100));
    const outcome = cache.insert(1, "b", response(101));
    assert.deepEqual(outcome, {
      kind: "refused",
      reason: `the response takes ${overheadBytes + 101} bytes, and the whole cache has ${overheadBytes + 100}`,
    });
    assert.equal(found(cache, "a"), 1);
  });

  it("forgets a scope and leaves the others", () => {
    const cache = cacheFor(4);
    for (const digest of ["a", "b"]) cache.insert(1, digest, response(100));
    cache.insert(2, "a", response(100, 2));
    cache.forget(1);
    cache.forget(9);
    assert.deepEqual([found(cache, "a"), found(cache, "b"), found(cache, "a", 2)], [null, null, 2]);
    assert.deepEqual([cache.counters.entryCount, cache.counters.usedBytes], [1, overheadBytes + 100]);
  });

  it("counts what it does", () => {
    const cache = cacheFor(1);
    cache.insert(1, "a", response(100));
    cache.insert(1, "b", response(100));
    cache.lookup(1, "a");
    cache.lookup(1, "b");
    cache.lookup(1, "b");
    assert.deepEqual(cache.counters, {
      lookupCount: 3,
      hitCount: 2,
      missCount: 1,
      evictionCount: 1,
      lookupUs: 3,
      insertUs: 2,
      entryCount: 1,
      usedBytes: overheadBytes + 100,
      capacityBytes: overheadBytes + 100,
    });
  });

  it("agrees with a list in the order of use, whatever is done", () => {
    const step = fc.record({
      kind: fc.constantFrom("insert", "insert", "lookup", "lookup", "forget"),
      scope: fc.integer({ min: 1, max: 3 }),
      digest: fc.constantFrom("a", "b", "c", "d", "e"),
      byteCount: fc.integer({ min: 0, max: 2 * overheadBytes }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const capacityBytes = 4 * overheadBytes;
        const cache = new LocalCache(capacityBytes, () => 0);
        /** Least recently used first. */
        let model: { readonly key: string; readonly byteSize: number }[] = [];
        for (const { kind, scope, digest, byteCount } of steps) {
          const key = `${scope}${digest}`;
          const known = model.find((entry) => entry.key === key);
          if (kind === "forget") {
            cache.forget(scope);
            model = model.filter((entry) => !entry.key.startsWith(String(scope)));
          } else if (kind === "lookup") {
            assert.equal(cache.lookup(scope, digest) !== null, known !== undefined);
            if (known !== undefined) model = [...model.filter((entry) => entry !== known), known];
          } else if (cache.insert(scope, digest, response(byteCount)).kind === "inserted") {
            assert.equal(known, undefined);
            const byteSize = overheadBytes + byteCount;
            while (model.reduce((sum, entry) => sum + entry.byteSize, byteSize) > capacityBytes)
              model.shift();
            model.push({ key, byteSize });
          }
          const { entryCount, usedBytes } = cache.counters;
          assert.equal(entryCount, model.length);
          assert.equal(
            usedBytes,
            model.reduce((sum, entry) => sum + entry.byteSize, 0),
          );
          assert.ok(usedBytes <= capacityBytes);
        }
      }),
    );
  });
});
