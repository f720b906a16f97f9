import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { afterEach, describe, it } from "mocha";
import { GrpcClient } from "../../helpers/grpc-client.ts";
import { ServerProcess } from "../../helpers/server-process.ts";
import { RunningServer } from "../../helpers/start-server.ts";
import { useRepository } from "../../helpers/temporary-repository.ts";
import { waitUntil } from "../../helpers/wait-until.ts";

const defaultLine = /^[IWE]\d{4} \d\d:\d\d:\d\d\.\d{6} \d+ [a-z-]+\] "/;
const isoLine = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ [IWE] \d+ [a-z-]+\] "/;

/** The lines of a log, without the tables. */
function records(log: string): string[] {
  return log.split("\n").filter((line) => line !== "" && !/^[+|]/.test(line));
}

describe("Logging and identity", () => {
  const repository = useRepository(() => undefined);
  let server: RunningServer | null = null;
  afterEach(() => server?.kill());
  const start = async (...args: readonly string[]): Promise<RunningServer> => {
    server = await RunningServer.start([`--model-repository=${repository.current.path}`, ...args]);
    return server;
  };

  it("every record has the default format", async () => {
    const running = await start();
    await running.stop();
    const lines = records(running.log);
    assert.ok(lines.length >= 4);
    for (const line of lines) assert.match(line, defaultLine);
  });

  it("every record has the format of --log-format=ISO8601, and --id names the server", async () => {
    const running = await start("--log-format=ISO8601", "--id=edge-7");
    assert.equal(((await running.http.get("/v2")).json() as { name: string }).name, "edge-7");
    assert.equal((await running.grpc.call("ServerMetadata", {}))["name"], "edge-7");
    await running.stop();
    for (const line of records(running.log)) assert.match(line, isoLine);
  });

  it("--log-file takes everything, and stderr gets nothing", async () => {
    const file = path.join(repository.current.path, "..", "nereid.log");
    const ports = ["http", "metrics"].map((service) => `--allow-${service}=false`);
    const serverProcess = new ServerProcess([
      `--model-repository=${repository.current.path}`,
      ...ports,
      "--grpc-address=127.0.0.1",
      "--grpc-port=0",
      `--log-file=${file}`,
    ]);
    try {
      await waitUntil("the log has the address", () => /gRPC +\| 127/.test(readFileSync(file, "utf8")));
      const address = /gRPC +\| (\S+)/.exec(readFileSync(file, "utf8"))?.[1] ?? "";
      const client = new GrpcClient(address);
      assert.deepEqual(await client.call("ServerReady", {}), { ready: true });
      client.close();
      serverProcess.signal("SIGTERM");
      const { code, stdout, stderr } = await serverProcess.ended;
      assert.deepEqual([code, stdout, stderr], [0, "", ""]);
      assert.match(readFileSync(file, "utf8"), /"Shut down"\n$/);
    } finally {
      serverProcess.kill();
    }
  });

  it("a --log-file that cannot be written ends the program with exit code 1 and its path", async () => {
    const file = path.join(repository.current.path, "no", "such", "directory", "nereid.log");
    const { code, stderr } = await ServerProcess.run([
      `--model-repository=${repository.current.path}`,
      `--log-file=${file}`,
    ]);
    assert.equal(code, 1);
    assert.match(stderr, /no\/such\/directory\/nereid\.log/);
    // A message, not a crash.
    assert.doesNotMatch(stderr, /\n\s+at /);
  });

  it("--log-info=false leaves only problems in the log", async () => {
    const { code, stderr } = await ServerProcess.run([
      `--model-repository=${repository.current.path}/nowhere`,
      "--log-info=false",
    ]);
    assert.equal(code, 1);
    const lines = records(stderr);
    assert.ok(lines.length > 0);
    for (const line of lines) assert.match(line, /^E/);
  });
});
