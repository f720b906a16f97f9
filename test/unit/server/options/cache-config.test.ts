import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { parseCacheConfig } from "../../../../server/options/cache-config.ts";
import { ValueProblem } from "../../../../server/options/option-value.ts";
import { parseOptions } from "../../../../server/options/parse-options.ts";

function refuse(text: string): string {
  const result = parseCacheConfig(text);
  assert(result instanceof ValueProblem, JSON.stringify(result));
  return result.message;
}

function parse(...argv: string[]) {
  return parseOptions(["--model-repository=m", ...argv], {});
}

describe("parseCacheConfig", () => {
  it("reads the size of the local cache", () => {
    assert.deepEqual(parseCacheConfig("local,size=1048576"), { name: "local", sizeBytes: 1_048_576 });
  });

  it("refuses what is malformed (row 182)", () => {
    for (const text of ["", "local", "local,", "local,size", "size=1", ",size=1", "local,=1"]) {
      assert.equal(
        refuse(text),
        `expects <cache>,<key>=<value>, for example local,size=1073741824, got ${JSON.stringify(text)}`,
      );
    }
    for (const value of ["", "0", "-1", "1.5", "1MB", "9007199254740992"]) {
      assert.equal(
        refuse(`local,size=${value}`),
        `expects an integer from 1 to 9007199254740991 for local,size, got ${JSON.stringify(value)}`,
      );
    }
  });

  it("names what it does not know, and what it does", () => {
    assert.equal(refuse("lokal,size=1"), `names unknown cache "lokal", did you mean local? (known: local)`);
    assert.equal(
      refuse("local,siez=1"),
      `names unknown key "siez" of cache "local", did you mean size? (known: size)`,
    );
    assert.equal(
      refuse("redis,host=h"),
      `names the cache "redis", which is not supported: only "local" is there`,
    );
  });
});

describe("--cache-config", () => {
  it("is given once: a server has one cache (row 171)", () => {
    assert.deepEqual(parse("--cache-config=local,size=5", "--cache-config=local,size=6"), {
      kind: "error",
      message: `Bad option: "--cache-config" is given a second time ("local,size=6"): a server has one cache`,
    });
    const two = parse("--cache-config=local,size=5", "--cache-config=redis,host=h");
    assert.match(two.kind === "error" ? two.message : "", /names the cache "redis"/);
  });

  it("has an old spelling, which does not go with it (row 171)", () => {
    const old = parse("--response-cache-byte-size=7");
    assert(old.kind === "serve");
    assert.deepEqual(old.options.cacheConfig, { name: "local", sizeBytes: 7 });
    assert.deepEqual(old.warnings, [
      "--response-cache-byte-size is deprecated: write --cache-config=local,size=7",
    ]);
    const both = parse("--response-cache-byte-size=7", "--cache-config=local,size=5");
    assert.match(both.kind === "error" ? both.message : "", /cannot both be given/);
    const off = parse("--response-cache-byte-size=0");
    assert.equal(off.kind === "serve" && off.options.cacheConfig, null);
  });

  it("cannot load caches from a directory", () => {
    const result = parse("--cache-directory=/opt");
    assert.match(result.kind === "error" ? result.message : "", /^--cache-directory is not supported: /);
  });
});
