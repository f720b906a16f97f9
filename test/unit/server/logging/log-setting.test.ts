import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { changeLogSetting, reportLogSettings } from "../../../../server/logging/log-setting.ts";
import { LogSettings } from "../../../../server/logging/log-settings.ts";

describe("reportLogSettings", () => {
  it("gives all six in Triton's order", () => {
    assert.equal(
      JSON.stringify(reportLogSettings(new LogSettings())),
      '{"log_file":"","log_info":true,"log_warning":true,"log_error":true,"log_verbose_level":0,"log_format":"default"}',
    );
    const settings = new LogSettings({ filePath: "a.log", format: "ISO8601", verboseLevel: 2, error: false });
    assert.deepEqual(reportLogSettings(settings), {
      log_file: "a.log",
      log_info: true,
      log_warning: true,
      log_error: false,
      log_verbose_level: 2,
      log_format: "ISO8601",
    });
  });
});

describe("changeLogSetting", () => {
  for (const [name, value] of [
    ["log_info", false],
    ["log_warning", false],
    ["log_error", false],
    ["log_verbose_level", 2_147_483_647],
    ["log_format", "ISO8601"],
  ] as const) {
    it(`changes ${name} and nothing else`, () => {
      const settings = new LogSettings();
      const before = reportLogSettings(settings);
      assert.equal(changeLogSetting(settings, name, value), null);
      assert.deepEqual(reportLogSettings(settings), { ...before, [name]: value });
    });
  }

  const switches = ["log_info", "log_warning", "log_error"].flatMap((name) =>
    [1, "true", null, undefined, [true], {}].map((value) => [name, value] as const),
  );
  for (const [name, value] of [
    ...switches,
    ["log_verbose_level", -1],
    ["log_verbose_level", 0.5],
    ["log_verbose_level", 2 ** 31],
    ["log_verbose_level", true],
    ["log_verbose_level", "1"],
    ["log_format", "iso8601"],
    ["log_format", ""],
    ["log_format", 1],
  ] as const) {
    it(`refuses ${JSON.stringify(value)} for ${name}`, () => {
      const settings = new LogSettings({ verboseLevel: 1 });
      const before = reportLogSettings(settings);
      const refusal = changeLogSetting(settings, name, value);
      assert.equal(refusal?.code, "INVALID_ARG");
      assert.ok(refusal.message.startsWith(`Log setting "${name}" must be `), refusal.message);
      assert.deepEqual(reportLogSettings(settings), before);
    });
  }

  it("says what is allowed and what came", () => {
    const settings = new LogSettings();
    const message = (name: string, value: unknown): string | undefined =>
      changeLogSetting(settings, name, value)?.message;
    assert.equal(message("log_info", "on"), 'Log setting "log_info" must be a boolean, got "on"');
    assert.equal(message("log_info", [1]), 'Log setting "log_info" must be a boolean, got an array');
    assert.equal(
      message("log_verbose_level", -1),
      'Log setting "log_verbose_level" must be an integer from 0 to 2147483647, got -1',
    );
    assert.equal(
      message("log_format", "json"),
      'Log setting "log_format" must be "default" or "ISO8601", got "json"',
    );
  });

  it("refuses to change the file with UNSUPPORTED", () => {
    const settings = new LogSettings();
    assert.equal(changeLogSetting(settings, "log_file", "/etc/passwd")?.code, "UNSUPPORTED");
    assert.equal(settings.filePath, "");
  });

  it("refuses an unknown setting and suggests a known one", () => {
    const settings = new LogSettings();
    assert.deepEqual(changeLogSetting(settings, "log_warnings", false), {
      code: "INVALID_ARG",
      message: 'Unknown log setting "log_warnings": did you mean "log_warning"?',
    });
    assert.match(
      changeLogSetting(settings, "colour", 1)?.message ?? "",
      /^Unknown log setting "colour": known are log_info, /,
    );
  });
});
