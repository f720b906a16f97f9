import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { formatLogLine, type LogRecord } from "../../../../server/logging/log-line.ts";

const record: LogRecord = {
  severity: "W",
  timeUs: Date.UTC(2026, 0, 31, 23, 5, 9, 12) * 1_000 + 45,
  processId: 4711,
  component: "model-repository",
  message: 'Cannot load "x"\nsecond line',
};

describe("formatLogLine", () => {
  it("formatLogLine writes the default format with microseconds in UTC", () => {
    assert.equal(
      formatLogLine(record, "default", true),
      'W0131 23:05:09.012045 4711 model-repository] "Cannot load \\"x\\"\\nsecond line"\n',
    );
  });

  it("formatLogLine writes the ISO 8601 format with whole seconds in UTC", () => {
    assert.equal(
      formatLogLine(record, "ISO8601", true),
      '2026-01-31T23:05:09Z W 4711 model-repository] "Cannot load \\"x\\"\\nsecond line"\n',
    );
  });

  it("formatLogLine writes the message as it is when escaping is off", () => {
    assert.equal(
      formatLogLine(record, "ISO8601", false),
      '2026-01-31T23:05:09Z W 4711 model-repository] Cannot load "x"\nsecond line\n',
    );
  });

  it("formatLogLine pads microseconds and does not round them up into the next second", () => {
    const almost = { ...record, timeUs: Date.UTC(2026, 11, 1) * 1_000 + 999_999.75 };
    assert.match(formatLogLine(almost, "default", true), /^W1201 00:00:00\.999999 /);
    const exact = { ...record, timeUs: Date.UTC(2026, 11, 1) * 1_000 + 7 };
    assert.match(formatLogLine(exact, "default", true), /^W1201 00:00:00\.000007 /);
  });
});
