import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "mocha";
import type { LogDestination } from "../../../../server/logging/log-destination.ts";
import { LogSettings } from "../../../../server/logging/log-settings.ts";
import { Logger, openLogger } from "../../../../server/logging/logger.ts";

class MemoryDestination implements LogDestination {
  text = "";
  flushes = 0;
  write(lines: string): void {
    this.text += lines;
  }
  flush(): void {
    this.flushes++;
  }
}

const noonUs = Date.UTC(2026, 4, 6, 12) * 1_000;

function setUp(init: Partial<Readonly<LogSettings>> = {}) {
  const destination = new MemoryDestination();
  const settings = new LogSettings(init);
  const logger = Logger.create({
    component: "server",
    settings,
    destination,
    processId: 7,
    nowUs: () => noonUs,
  });
  return { destination, settings, logger };
}

function logAll(logger: Logger): void {
  logger.error("e");
  logger.warning("w");
  logger.info("i");
  logger.infoTable("t", "+-+\n");
  logger.verbose(1, "v1");
  logger.verbose(2, "v2");
}

describe("Logger", () => {
  it("Logger writes errors, warnings and information by default, and no verbose records", () => {
    const { destination, logger } = setUp();
    logAll(logger);
    assert.equal(
      destination.text,
      'E0506 12:00:00.000000 7 server] "e"\n' +
        'W0506 12:00:00.000000 7 server] "w"\n' +
        'I0506 12:00:00.000000 7 server] "i"\n' +
        'I0506 12:00:00.000000 7 server] "t"\n+-+\n',
    );
  });

  const switches: [Partial<Readonly<LogSettings>>, string][] = [
    [{ error: false }, "wit"],
    [{ warning: false }, "eit"],
    [{ info: false }, "ew"],
    [{ verboseLevel: 1 }, "ewitv1"],
    [{ verboseLevel: 2 }, "ewitv1v2"],
    [{ info: false, warning: false, error: false, verboseLevel: 1 }, "v1"],
  ];
  for (const [init, written] of switches) {
    it(`Logger with ${JSON.stringify(init)} writes ${written}`, () => {
      const { destination, logger } = setUp(init);
      logAll(logger);
      assert.equal([...destination.text.matchAll(/\] "(\w+)"/g)].map((match) => match[1]).join(""), written);
    });
  }

  it("Logger writes verbose records as information", () => {
    const { destination, logger } = setUp({ verboseLevel: 1, info: false });
    logger.verbose(1, "v");
    assert.match(destination.text, /^I0506 /);
  });

  it("Logger isVerbose tells whether a level is written", () => {
    const { logger, settings } = setUp({ verboseLevel: 1 });
    assert.deepEqual([logger.isVerbose(1), logger.isVerbose(2)], [true, false]);
    settings.verboseLevel = 0;
    assert.equal(logger.isVerbose(1), false);
  });

  it("Logger follows changed settings with the next record, children too", () => {
    const { destination, logger, settings } = setUp();
    const child = logger.child("http");
    settings.format = "ISO8601";
    settings.warning = false;
    child.warning("w");
    child.info("i");
    assert.equal(destination.text, '2026-05-06T12:00:00Z I 7 http] "i"\n');
    assert.equal(child.settings, settings);
  });

  it("Logger keeps a record on one line, whatever the message and the component hold", () => {
    const { destination, logger } = setUp();
    logger.child("a\nE0506 forged").info("b\r\nE0506 forged\u2028");
    assert.equal(
      destination.text,
      'I0506 12:00:00.000000 7 a\\u000aE0506 forged] "b\\r\\nE0506 forged\\u2028"\n',
    );
  });

  it("Logger writes messages as they are when escaping is off", () => {
    const { destination, logger } = setUp({ escapeMessages: false });
    logger.info('say "x"\nnow');
    assert.equal(destination.text, 'I0506 12:00:00.000000 7 server] say "x"\nnow\n');
  });

  it("Logger writes the cause of an error with its stack, on the same line", () => {
    const { destination, logger } = setUp();
    logger.error("Load failed", new TypeError("no such op"));
    assert.match(destination.text, /"Load failed; cause: TypeError: no such op\\n {4}at [^\n]*"\n$/);
    logger.error("Load failed", "text");
    assert.match(destination.text, /"Load failed; cause: text"\n$/);
  });

  it("Logger flush reaches the destination", () => {
    const { destination, logger } = setUp();
    logger.child("x").flush();
    assert.equal(destination.flushes, 1);
  });

  it("Logger uses this process's id and the wall clock unless told otherwise", () => {
    const destination = new MemoryDestination();
    const settings = new LogSettings({ format: "ISO8601" });
    const before = Math.floor(Date.now() / 1_000) - 1;
    Logger.create({ component: "c", settings, destination }).info("x");
    const match = /^(\S+) I (\d+) c\] "x"\n$/.exec(destination.text);
    assert(match, destination.text);
    assert.equal(Number(match[2]), process.pid);
    const seconds = Date.parse(match[1]!) / 1_000;
    assert(seconds >= before && seconds <= Date.now() / 1_000 + 1);
  });
});

describe("openLogger", () => {
  it("openLogger takes over every logging option", () => {
    const directory = mkdtempSync(join(tmpdir(), "nereid-logger-"));
    try {
      const path = join(directory, "a.log");
      const logger = openLogger(
        {
          logVerboseLevel: 3,
          logInfo: false,
          logWarning: false,
          logError: false,
          logFormat: "ISO8601",
          logFilePath: path,
          escapeLogMessages: false,
        },
        "main",
      );
      logAll(logger);
      logger.verbose(3, "v3");
      assert.deepEqual(Object.fromEntries(Object.entries(logger.settings)), {
        verboseLevel: 3,
        info: false,
        warning: false,
        error: false,
        format: "ISO8601",
        escapeMessages: false,
        filePath: path,
      });
      assert.match(
        readFileSync(path, "utf8"),
        /^\S+Z I \d+ main\] v1\n\S+ I \d+ main\] v2\n\S+ I \d+ main\] v3\n$/,
      );
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});
