import assert from "node:assert/strict";
import { describe, it } from "mocha";
import type { Failure } from "../../../../server/core/status.ts";
import { parseTraceChange, type TraceChange } from "../../../../server/tracing/trace-change.ts";
import { traceLevel } from "../../../../server/tracing/trace-level.ts";
import { traceConfig } from "../../../helpers/traced-requests.ts";

const warnings: string[] = [];

function parse(
  settings: Readonly<Record<string, readonly string[] | null>>,
  mode: "triton" | "opentelemetry" = "triton",
): TraceChange | Failure {
  warnings.length = 0;
  const sent = Object.entries(settings).map(([name, values]) => ({ name, values }));
  return parseTraceChange(sent, traceConfig({}, { mode }), (message) => warnings.push(message));
}

function refusal(...args: Parameters<typeof parse>): Failure {
  const result = parse(...args);
  assert("code" in result);
  return result;
}

describe("parseTraceChange", () => {
  it("parseTraceChange reads every setting, and null", () => {
    assert.deepEqual(
      parse({
        trace_level: ["TIMESTAMPS", "TENSORS"],
        trace_rate: ["0"],
        trace_count: ["-1"],
        log_frequency: ["4294967295"],
      }),
      { level: traceLevel.timestamps | traceLevel.tensors, rate: 0, count: -1, logFrequency: 4_294_967_295 },
    );
    assert.deepEqual(parse({ trace_level: ["OFF"] }), { level: traceLevel.off });
    assert.deepEqual(parse({ trace_level: null, trace_rate: null }), { level: null, rate: null });
    assert.deepEqual(parse({}), {});
  });

  it("parseTraceChange passes over levels that are none, and says so", () => {
    assert.deepEqual(parse({ trace_level: ["TIMESTAMPS", "MIN"] }), { level: traceLevel.timestamps });
    assert.deepEqual(warnings, ['Trace level "MIN" is unknown and was passed over']);
  });

  it("(row 172) parseTraceChange refuses file and mode as UNSUPPORTED, even null", () => {
    for (const name of ["trace_file", "trace_mode"]) {
      assert.equal(refusal({ [name]: ["x"] }).code, "UNSUPPORTED");
      assert.equal(refusal({ [name]: null }).code, "UNSUPPORTED");
      assert.match(refusal({ [name]: ["x"] }).message, new RegExp(`"${name}" cannot be changed`));
    }
  });

  it("(row 172) parseTraceChange refuses OFF among other levels", () => {
    for (const levels of [
      ["OFF", "TIMESTAMPS"],
      ["TENSORS", "OFF"],
    ]) {
      const { code, message } = refusal({ trace_level: levels });
      assert.equal(code, "INVALID_ARG");
      assert.match(message, /OFF/);
    }
  });

  for (const [name, value] of [
    ["trace_rate", "-1"],
    ["trace_rate", "4294967296"],
    ["trace_rate", "1.5"],
    ["trace_rate", "many"],
    ["trace_rate", ""],
    ["trace_count", "-2"],
    ["trace_count", "2147483648"],
    ["log_frequency", "-1"],
  ] as const) {
    it(`parseTraceChange refuses ${name} ${JSON.stringify(value)}`, () => {
      const { code, message } = refusal({ [name]: [value] });
      assert.equal(code, "INVALID_ARG");
      assert(
        message.startsWith(`Unable to parse "${name}"`) && message.endsWith(JSON.stringify(value)),
        message,
      );
    });
  }

  it("parseTraceChange refuses several values for a number, and unknown settings", () => {
    assert.match(refusal({ trace_rate: ["1", "2"] }).message, /must be one value, got 2$/);
    assert.match(
      refusal({ trace_rates: ["1"] }).message,
      /^Unknown trace setting .*did you mean "trace_rate"\?$/,
    );
    assert.match(
      refusal({ x: null }).message,
      /known are trace_level, trace_rate, trace_count, log_frequency$/,
    );
  });

  it("parseTraceChange refuses a log frequency where there are no files, but clears it", () => {
    assert.equal(refusal({ log_frequency: ["2"] }, "opentelemetry").code, "UNSUPPORTED");
    assert.deepEqual(parse({ log_frequency: null }, "opentelemetry"), { logFrequency: null });
  });
});
