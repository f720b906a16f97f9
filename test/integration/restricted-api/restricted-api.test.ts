import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { failureOf } from "../../helpers/grpc-client.ts";
import { useServer } from "../../helpers/start-server.ts";
import { sampleRepository, simpleRequest } from "../infer/simple-models.ts";

const infer = "/v2/models/simple/infer";

describe("Restricted APIs", () => {
  const server = useServer(() => [
    `--model-repository=${sampleRepository}`,
    "--http-restricted-api=inference,health:Admin-Key=secret",
    "--http-restricted-api=model-repository:repo-key=other",
    "--grpc-restricted-protocol=inference,health:admin-key=secret",
    "--http-header-forward-pattern=^(?:x-|timeout)",
  ]);

  it("HTTP answers 403 without the header or with a wrong one, before the method is looked at (row 21)", async () => {
    const { http } = server.current;
    for (const headers of [{}, { "admin-key": "Secret" }, { "repo-key": "secret" }]) {
      const reply = await http.post(infer, simpleRequest(), { headers });
      assert.equal(reply.status, 403);
      assert.equal(reply.error, "This API is restricted, expecting header 'Admin-Key'");
      assert.equal(reply.headers["content-type"], "application/json");
    }
    assert.equal((await http.get(infer)).status, 403);
    assert.equal((await http.get("/v2/health/ready")).status, 403);
    assert.equal((await http.get("/v2/nothing")).status, 404);
  });

  it("HTTP serves with the header, and what is not restricted without it", async () => {
    const { http } = server.current;
    const headers = { "ADMIN-KEY": "secret" };
    assert.equal((await http.post(infer, simpleRequest(), { headers })).status, 200);
    assert.equal((await http.request("GET", "/v2/health/ready", { headers })).status, 200);
    assert.equal((await http.request("GET", infer, { headers })).status, 405);
    assert.equal((await http.get("/v2/models/simple")).status, 200);
  });

  it("with the right header the operation answers as it always does (row 22)", async () => {
    const path = "/v2/repository/models/simple/unload";
    assert.equal((await server.current.http.post(path, {})).status, 403);
    const reply = await server.current.http.post(path, {}, { headers: { "repo-key": "other" } });
    assert.ok([501, 503].includes(reply.status), String(reply.status));
  });

  it("gRPC answers UNAVAILABLE without the metadata, grpc.health.v1 included (row 181)", async () => {
    const { grpc } = server.current;
    const message = "This protocol is restricted, expecting header 'triton-grpc-protocol-admin-key'";
    for (const method of ["ServerReady", "ModelInfer", "/grpc.health.v1.Health/Check"]) {
      assert.deepEqual(await failureOf(grpc.call(method, {})), { code: 14, message });
    }
    const metadata = { "triton-grpc-protocol-admin-key": "secret" };
    assert.deepEqual(await grpc.call("ServerReady", {}, { metadata }), { ready: true });
    assert.deepEqual(await grpc.call("/grpc.health.v1.Health/Check", {}, { metadata }), {
      status: "SERVING",
    });
    await grpc.call("ServerMetadata", {});
  });

  it("a forwarded header with a reserved name is refused, any other is carried (row 63)", async () => {
    const headers = { "admin-key": "secret", "X-Team": "red" };
    const { http } = server.current;
    assert.equal((await http.post(infer, simpleRequest(), { headers })).status, 200);
    const reply = await http.post(infer, simpleRequest(), { headers: { ...headers, Timeout: "5" } });
    assert.equal(reply.status, 400);
    assert.match(reply.error, /is reserved for Triton usage/);
  });
});
