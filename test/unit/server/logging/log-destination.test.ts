import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "mocha";
import { StatusError } from "../../../../server/core/status.ts";
import {
  type DestinationSystem,
  FileDestination,
  openLogFile,
} from "../../../../server/logging/log-destination.ts";

type Behaviour = "ok" | "EAGAIN" | "EPIPE" | number;

/** A descriptor that behaves as told: takes all, takes some bytes, or refuses. */
class FakeSystem implements DestinationSystem {
  behaviour: Behaviour = "ok";
  written = "";
  writeCalls = 0;
  pauses = 0;
  onPause: () => void = () => undefined;
  readonly #planned: (() => void)[] = [];

  get plannedCount(): number {
    return this.#planned.length;
  }

  write(_fd: number, bytes: Uint8Array): number {
    this.writeCalls++;
    const behaviour = this.behaviour;
    if (typeof behaviour === "string" && behaviour !== "ok") {
      throw Object.assign(new Error(behaviour), { code: behaviour });
    }
    const taken = typeof behaviour === "number" ? Math.min(behaviour, bytes.byteLength) : bytes.byteLength;
    this.written += Buffer.from(bytes.subarray(0, taken)).toString();
    // After a short write a pipe is full.
    if (typeof behaviour === "number") this.behaviour = "EAGAIN";
    return taken;
  }

  later(callback: () => void): void {
    this.#planned.push(callback);
  }

  pause(): void {
    this.pauses++;
    this.onPause();
  }

  runPlanned(): void {
    for (const callback of this.#planned.splice(0)) callback();
  }
}

describe("FileDestination", () => {
  it("FileDestination has written a line when write returns", () => {
    const system = new FakeSystem();
    new FileDestination(1, system).write("a\n");
    assert.equal(system.written, "a\n");
  });

  it("FileDestination keeps lines in order while a pipe is full", () => {
    const system = new FakeSystem();
    const destination = new FileDestination(1, system);
    system.behaviour = "EAGAIN";
    destination.write("a\n");
    destination.write("b\n");
    assert.equal(system.plannedCount, 1);
    assert.equal(system.writeCalls, 1);
    system.runPlanned();
    assert.equal(system.plannedCount, 1, "tries again as long as the pipe is full");
    system.behaviour = "ok";
    system.runPlanned();
    destination.write("c\n");
    assert.equal(system.written, "a\nb\nc\n");
    assert.equal(system.plannedCount, 0);
  });

  it("FileDestination goes on where a short write ended", () => {
    const system = new FakeSystem();
    const destination = new FileDestination(1, system);
    system.behaviour = 3;
    destination.write("abcdef\n");
    assert.equal(system.written, "abc");
    system.behaviour = "ok";
    system.runPlanned();
    assert.equal(system.written, "abcdef\n");
  });

  it("FileDestination survives a closed pipe and tells how many records were lost", () => {
    const system = new FakeSystem();
    const destination = new FileDestination(1, system);
    system.behaviour = "EPIPE";
    destination.write("a\n");
    destination.write("b\n");
    destination.write("c\n");
    assert.equal(system.plannedCount, 0);
    system.behaviour = "ok";
    destination.write("d\n");
    destination.write("e\n");
    assert.equal(system.written, "(3 log records could not be written)\nd\ne\n");
  });

  it("FileDestination keeps a bounded backlog", () => {
    const system = new FakeSystem();
    const destination = new FileDestination(1, system);
    const line = `${"x".repeat(99)}\n`;
    system.behaviour = "EAGAIN";
    for (let i = 0; i < 20_000; i++) destination.write(line);
    system.behaviour = "ok";
    system.runPlanned();
    const kept = Math.floor(1_048_576 / line.length);
    assert.equal(system.written.length, kept * line.length);
    destination.write("end\n");
    assert(system.written.endsWith(`\n(${20_000 - kept} log records could not be written)\nend\n`));
  });

  it("FileDestination takes lines again once the backlog has drained", () => {
    const system = new FakeSystem();
    const destination = new FileDestination(1, system);
    const big = `${"x".repeat(700_000)}\n`;
    for (const outcome of ["ok", "ok", "EPIPE", "EPIPE"] as const) {
      system.behaviour = "EAGAIN";
      destination.write(big);
      system.behaviour = outcome;
      system.runPlanned();
    }
    system.behaviour = "EAGAIN";
    destination.write("a\n");
    destination.write("b\n");
    system.behaviour = "ok";
    system.runPlanned();
    assert(system.written.endsWith("x\n(2 log records could not be written)\na\nb\n"));
  });

  it("FileDestination flush waits for a slow reader", () => {
    const system = new FakeSystem();
    const destination = new FileDestination(1, system);
    system.behaviour = "EAGAIN";
    destination.write("last\n");
    system.onPause = () => {
      if (system.pauses === 3) system.behaviour = "ok";
    };
    destination.flush();
    assert.equal(system.written, "last\n");
    assert.equal(system.pauses, 3);
  });

  it("FileDestination flush gives a dead reader up", () => {
    const system = new FakeSystem();
    const destination = new FileDestination(1, system);
    system.behaviour = "EAGAIN";
    destination.write("last\n");
    destination.flush();
    assert.equal(system.pauses, 100);
    assert.equal(system.plannedCount, 1);
  });

  it("FileDestination flush does not wait when nothing waits", () => {
    const system = new FakeSystem();
    const destination = new FileDestination(1, system);
    destination.write("a\n");
    destination.flush();
    assert.equal(system.pauses, 0);
  });
});

describe("openLogFile", () => {
  let directory = "";
  before(() => {
    directory = mkdtempSync(join(tmpdir(), "nereid-log-"));
  });
  after(() => {
    rmSync(directory, { recursive: true });
  });

  it("openLogFile appends to what is there", () => {
    const path = join(directory, "server.log");
    writeFileSync(path, "before\n");
    openLogFile(path).write("after\n");
    assert.equal(readFileSync(path, "utf8"), "before\nafter\n");
  });

  it("openLogFile makes the file when there is none", () => {
    const path = join(directory, "new.log");
    openLogFile(path).write("é\n");
    assert.equal(readFileSync(path, "utf8"), "é\n");
  });

  it("openLogFile names the path and the reason when it cannot open it", () => {
    const path = join(directory, "missing", "server.log");
    assert.throws(
      () => openLogFile(path),
      (error) =>
        error instanceof StatusError &&
        error.code === "INVALID_ARG" &&
        error.message.startsWith(`Cannot open the log file "${path}": ENOENT`),
    );
    assert.throws(() => openLogFile(directory), { message: /EISDIR/ });
  });

  it("openLogFile loses no line when the process ends right after it", () => {
    const path = join(directory, "exit.log");
    const module = new URL("../../../../server/logging/log-destination.js", import.meta.url).href;
    const script = `
      const { openLogFile } = await import(${JSON.stringify(module)});
      const log = openLogFile(${JSON.stringify(path)});
      for (let i = 0; i < 1000; i++) log.write("line " + i + "\\n");
      process.exit(3);`;
    const child = spawnSync(process.execPath, ["--input-type=module", "-e", script]);
    assert.equal(child.status, 3, child.stderr.toString());
    assert.equal(readFileSync(path, "utf8").split("\n").length, 1_001);
  });
});
