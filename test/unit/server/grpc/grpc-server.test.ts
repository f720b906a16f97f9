import assert from "node:assert/strict";
import { logVerbosity, type ServiceError, setLogVerbosity, status } from "@grpc/grpc-js";
import { after, before, describe, it } from "mocha";
import { startGrpcServer } from "../../../../server/grpc/grpc-server.ts";
import { FakeDataPlane } from "../../../helpers/fake-data-plane.ts";
import { GrpcFixture } from "./grpc-fixture.ts";
import { encodeMessage } from "./wire.ts";

const served = [
  "ServerLive",
  "ServerReady",
  "ModelReady",
  "ServerMetadata",
  "ModelMetadata",
  "ModelConfig",
  "ModelStatistics",
  "LogSettings",
  "ModelInfer",
  "RepositoryIndex",
  "RepositoryModelLoad",
  "RepositoryModelUnload",
  "TraceSetting",
  "SystemSharedMemoryStatus",
  "SystemSharedMemoryRegister",
  "SystemSharedMemoryUnregister",
  "CudaSharedMemoryStatus",
  "CudaSharedMemoryRegister",
  "CudaSharedMemoryUnregister",
  "/grpc.health.v1.Health/Check",
];

describe("startGrpcServer", () => {
  let grpc: GrpcFixture;
  before(async () => {
    // The library prints what it also throws.
    setLogVerbosity(logVerbosity.NONE);
    grpc = await GrpcFixture.start();
  });
  after(async () => {
    setLogVerbosity(logVerbosity.ERROR);
    await grpc.stop();
  });

  /** How a stream ends that gets one message. */
  function streamFailure(path: string): Promise<{ code: number; details: string }> {
    return new Promise((resolve, reject) => {
      const identity = (bytes: Buffer): Buffer => bytes;
      const stream = grpc.client.makeBidiStreamRequest(path, identity, identity);
      stream.on("data", () => reject(new Error("a message came")));
      stream.on("error", (thrown) => {
        const { code, details } = thrown as ServiceError;
        resolve({ code, details });
      });
      stream.write(encodeMessage("ModelInferRequest", { model_name: "echo" }));
    });
  }

  it("startGrpcServer reports the port it was given", () => {
    assert.ok(grpc.server.port > 0);
  });

  it("startGrpcServer answers the stream Watch with UNIMPLEMENTED", async () => {
    assert.deepEqual(await streamFailure("/grpc.health.v1.Health/Watch"), {
      code: status.UNIMPLEMENTED,
      details: "Watch is not supported yet",
    });
  });

  it("startGrpcServer tells of each call", async () => {
    grpc.calls.length = 0;
    await grpc.call("ServerReady");
    await grpc.failure("ModelReady", { name: "nobody" });
    assert.deepEqual(grpc.calls, ["ServerReady", "ModelReady"]);
  });

  it("startGrpcServer leaves methods that no service declares to the transport", async () => {
    assert.equal((await grpc.failure("/inference.GRPCInferenceService/Nothing", Buffer.of())).code, 12);
  });

  it("startGrpcServer gives INTERNAL and no detail for a bug, and reports it", async () => {
    const bug = new Error("secret. This is a bug.");
    const { dataPlane } = grpc;
    dataPlane.isLive = () => {
      throw bug;
    };
    assert.deepEqual(await grpc.failure("ServerLive"), { code: status.INTERNAL, details: "Internal error" });
    assert.deepEqual(grpc.bugs, [bug]);
  });

  it("startGrpcServer answers every method with UNAVAILABLE while the server is exiting", async () => {
    grpc.dataPlane.exiting = true;
    for (const method of served) {
      const { code, details } = await grpc.failure(method);
      assert.equal(code, status.UNAVAILABLE, method);
      assert.match(details, /shutting down/);
    }
    const { code } = await streamFailure("/inference.GRPCInferenceService/ModelStreamInfer");
    assert.equal(code, status.UNAVAILABLE);
  });

  it("startGrpcServer throws UNAVAILABLE with a hint when the port is taken", async () => {
    const init = {
      dataPlane: new FakeDataPlane(),
      address: "127.0.0.1",
      port: grpc.server.port,
      onBug: () => {},
      maxResponsePoolSize: 64,
    };
    await assert.rejects(startGrpcServer(init), {
      code: "UNAVAILABLE",
      message:
        `Cannot listen for gRPC on 127.0.0.1:${grpc.server.port}: another process uses this port. ` +
        "Stop it, or choose another port with --grpc-port",
    });
  });
});
