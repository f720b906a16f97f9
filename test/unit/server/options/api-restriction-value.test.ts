import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { parseOptions } from "../../../../server/options/parse-options.ts";

function parse(...argv: string[]): unknown {
  const result = parseOptions(["--model-repository=m", ...argv], {});
  return result.kind === "serve" ? result.options.grpcRestrictedProtocols : result;
}

function refusal(...argv: string[]): string {
  const result = parseOptions(["--model-repository=m", ...argv], {});
  assert(result.kind === "error", JSON.stringify(result));
  return result.message;
}

describe("apiRestrictionValue", () => {
  it("apiRestrictionValue reads categories, key and value", () => {
    assert.deepEqual(
      parse("--grpc-restricted-protocol=health,trace:Key=a=b:c", "--grpc-restricted-protocol=logging:k=v"),
      [
        { categories: ["health", "trace"], key: "Key", value: "a=b:c" },
        { categories: ["logging"], key: "k", value: "v" },
      ],
    );
  });

  for (const text of [
    "",
    "health",
    "health:k",
    "health:k=",
    "health:=v",
    ":k=v",
    "health:k y=v",
    "health:k= v",
  ]) {
    it(`apiRestrictionValue refuses '${text}'`, () => {
      assert.match(
        refusal(`--http-restricted-api=${text}`),
        /expects <category>\[,<category>\.\.\.\]:<key>=<value>/,
      );
    });
  }

  it("§12.8-180: apiRestrictionValue refuses a category in two groups", () => {
    const options = ["--grpc-restricted-protocol=health,trace:a=b", "--grpc-restricted-protocol=trace:c=d"];
    assert.match(refusal(...options), /"trace" again: it can not be specified in multiple config groups$/);
  });

  it("apiRestrictionValue takes a category for HTTP and for gRPC", () => {
    parse("--grpc-restricted-protocol=health:a=b", "--http-restricted-api=health:a=b");
  });

  it("§12.8-180: apiRestrictionValue refuses an unknown category and suggests one", () => {
    assert.match(
      refusal("--grpc-restricted-protocol=helth:a=b"),
      /names unknown restricted protocol "helth", did you mean health\? \(known: health, metadata, .*\)$/,
    );
    assert.match(refusal("--http-restricted-api=health,:a=b"), /unknown restricted api ""/);
  });
});

describe("headerPatternValue", () => {
  it("headerPatternValue refuses what is no pattern when the server starts", () => {
    for (const flag of ["--http-header-forward-pattern", "--grpc-header-forward-pattern"]) {
      assert.match(
        refusal(`${flag}=(a`),
        /^Bad option: "--\w+-header-forward-pattern" expects a regular expression of JavaScript, got "\(a": Invalid/,
      );
    }
  });
});
