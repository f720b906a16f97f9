import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { failureOf } from "../../helpers/grpc-client.ts";
import { ServerProcess } from "../../helpers/server-process.ts";
import { useServer } from "../../helpers/start-server.ts";
import { useRepository } from "../../helpers/temporary-repository.ts";

/** gRPC's UNAVAILABLE. */
const unavailable = 14;

describe("A repository that is not there", () => {
  const repository = useRepository(() => undefined);
  const args = (): string[] => [
    `--model-repository=${repository.current.path}`,
    `--model-repository=${repository.current.path}/nowhere`,
  ];
  const server = useServer(() => [...args(), "--exit-on-error=false", "--strict-readiness=false"]);

  it("ends the server with exit code 1 and its path", async () => {
    const { code, stderr } = await ServerProcess.run(args());
    assert.equal(code, 1);
    assert.match(stderr, /models\/nowhere/);
  });

  it("leaves a server that is neither live nor ready by --exit-on-error=false (row 80)", async () => {
    for (const health of ["live", "ready"]) {
      const reply = await server.current.http.get(`/v2/health/${health}`);
      assert.deepEqual([reply.status, reply.text], [400, ""]);
    }
    assert.deepEqual(await server.current.grpc.call("ServerLive", {}), { live: false });
    assert.deepEqual(await server.current.grpc.call("ServerReady", {}), { ready: false });
  });

  it("leaves the server's metadata readable, and models unavailable", async () => {
    assert.equal((await server.current.http.get("/v2")).status, 200);
    const reply = await server.current.http.get("/v2/models/simple");
    assert.deepEqual([reply.status, reply.error], [503, "Server not ready"]);
    const failed = await failureOf(server.current.grpc.infer({ model_name: "simple" }));
    assert.deepEqual(failed, { code: unavailable, message: "Server not ready" });
  });
});
