import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "mocha";
import { failureOf } from "../../helpers/grpc-client.ts";
import { RunningServer } from "../../helpers/start-server.ts";
import { useRepository } from "../../helpers/temporary-repository.ts";
import { waitUntil } from "../../helpers/wait-until.ts";

const atStart = {
  log_file: "",
  log_info: true,
  log_warning: true,
  log_error: true,
  log_verbose_level: 0,
  log_format: "default",
};

const invalidArgument = 3;
const unimplemented = 12;

describe("Log settings", () => {
  const repository = useRepository(() => undefined);
  let server: RunningServer;
  beforeEach(async () => {
    server = await RunningServer.start([`--model-repository=${repository.current.path}`]);
  });
  afterEach(() => server.kill());

  async function post(settings: object): Promise<unknown> {
    const reply = await server.http.post("/v2/logging", settings);
    assert.equal(reply.status, 200, reply.text);
    assert.equal(reply.headers["content-type"], "application/json");
    return reply.json();
  }

  async function get(): Promise<unknown> {
    return (await server.http.get("/v2/logging")).json();
  }

  /** Over gRPC, without the kinds of the values. */
  async function overGrpc(settings: Record<string, unknown> = {}): Promise<unknown> {
    const reply = await server.grpc.call("LogSettings", { settings });
    const values = Object.entries(reply["settings"] as Record<string, object>).map(([name, value]) => [
      name,
      Object.values(value)[0] as unknown,
    ]);
    return Object.fromEntries(values);
  }

  it("are shown and changed over both protocols", async () => {
    assert.deepEqual(await get(), atStart);
    assert.deepEqual(await overGrpc(), atStart);
    const changed = { ...atStart, log_info: false, log_verbose_level: 1 };
    assert.deepEqual(await post({ log_info: false, log_verbose_level: 1, log_file: null }), changed);
    assert.deepEqual(await overGrpc(), changed);
    const back = { ...changed, log_info: true, log_format: "ISO8601" };
    assert.deepEqual(
      await overGrpc({ log_info: { bool_param: true }, log_format: { string_param: "ISO8601" } }),
      back,
    );
    assert.deepEqual(await get(), back);
  });

  it("take effect at once: verbose records and the format", async () => {
    await server.http.get("/v2/health/live");
    await server.grpc.call("ServerLive", {});
    assert.doesNotMatch(server.log, /HTTP request|gRPC call/);
    await post({ log_verbose_level: 1, log_format: "ISO8601" });
    await server.http.get("/v2/health/live");
    await server.grpc.call("ServerLive", {});
    await waitUntil("the verbose records are there", () => server.log.includes("gRPC call"));
    const line = (text: string): RegExp =>
      new RegExp(`^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\dZ I \\d+ server\\] "${text}"$`, "m");
    assert.match(server.log, line("HTTP request: GET /v2/health/live"));
    assert.match(server.log, line("gRPC call: ServerLive"));
    await overGrpc({ log_verbose_level: { uint32_param: 0 } });
    await server.http.get("/v2/health/ready");
    await server.stop();
    assert.doesNotMatch(server.log, /\/v2\/health\/ready/);
  });

  it("take effect at once: information records stop", async () => {
    await post({ log_info: false });
    await server.stop();
    assert.doesNotMatch(server.log, /shutting down|Shut down/);
  });

  it("leave information records alone when they are not changed", async () => {
    await post({ log_warning: false });
    await server.stop();
    assert.match(server.log, /Shut down/);
  });

  it("what is listed before a bad setting is applied, and GET tells (row 177)", async () => {
    for (const [bad, status, error] of [
      [{ log_file: "other.log" }, 501, /^Log setting "log_file" cannot be changed/],
      [{ log_format: "json" }, 503, /"default" or "ISO8601", got "json"$/],
      [{ log_error: "yes" }, 400, /must be a boolean, got "yes"$/],
      [{ log_verbose_level: -1 }, 400, /must be an integer from 0 /],
      [{ log_warnings: false }, 400, /did you mean "log_warning"\?$/],
    ] as const) {
      await post({ log_info: true });
      const reply = await server.http.post("/v2/logging", { log_info: false, ...bad, log_warning: false });
      assert.equal(reply.status, status);
      assert.match(reply.error, error);
      assert.deepEqual(await get(), { ...atStart, log_info: false });
    }
  });

  it("are refused over gRPC with a status of their own", async () => {
    const refusal = async (settings: Record<string, unknown>): Promise<number> =>
      (await failureOf(overGrpc(settings))).code;
    assert.equal(await refusal({ log_file: { string_param: "other.log" } }), unimplemented);
    assert.equal(await refusal({ log_format: { string_param: "json" } }), invalidArgument);
    assert.equal(await refusal({ log_info: { string_param: "on" } }), invalidArgument);
    assert.deepEqual(await overGrpc(), atStart);
  });

  it("are a JSON object of 64 KiB at most", async () => {
    for (const body of ["{", "[]", "", `{"log_info":${" ".repeat(70_000)}true}`]) {
      const reply = await server.http.post("/v2/logging", body);
      assert.equal(reply.status, 400, body.slice(0, 20));
      assert.match(reply.error, /log settings/i);
    }
    assert.equal((await server.http.request("PUT", "/v2/logging")).status, 405);
    assert.deepEqual(await get(), atStart);
  });
});

describe("Log settings of the command line", () => {
  const repository = useRepository(() => undefined);

  it("are what GET tells at first", async () => {
    const options = ["--log-verbose=2", "--log-warning=false", "--log-format=ISO8601"];
    const server = await RunningServer.start([`--model-repository=${repository.current.path}`, ...options]);
    try {
      const reply = await server.http.get("/v2/logging");
      const given = { log_verbose_level: 2, log_warning: false, log_format: "ISO8601" };
      assert.deepEqual(reply.json(), { ...atStart, ...given });
    } finally {
      await server.kill();
    }
  });
});
