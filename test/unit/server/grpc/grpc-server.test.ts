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
  "SystemSharedMemoryStatus",
  "SystemSharedMemoryRegister",
  "SystemSharedMemoryUnregister",
  "CudaSharedMemoryStatus",
  "CudaSharedMemoryRegister",
  "CudaSharedMemoryUnregister",
  "/grpc.health.v1.Health/Check",
];

const notBuilt = ["TraceSetting"];

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

  it("startGrpcServer reports the port it was given", () => {
    assert.ok(grpc.server.port > 0);
  });

  for (const method of notBuilt) {
    it(`startGrpcServer answers ${method} with UNIMPLEMENTED`, async () => {
      assert.deepEqual(await grpc.failure(method), {
        code: status.UNIMPLEMENTED,
        details: `${method} is not supported yet`,
      });
    });
  }

  it("startGrpcServer answers the streams ModelStreamInfer and Watch with UNIMPLEMENTED", async () => {
    for (const path of ["/inference.GRPCInferenceService/ModelStreamInfer", "/grpc.health.v1.Health/Watch"]) {
      const error = await new Promise<ServiceError>((resolve, reject) => {
        const identity = (bytes: Buffer): Buffer => bytes;
        const stream = grpc.client.makeBidiStreamRequest(path, identity, identity);
        stream.on("data", () => reject(new Error("a message came")));
        stream.on("error", (thrown) => resolve(thrown as ServiceError));
        stream.write(encodeMessage("ModelInferRequest", { model_name: "echo" }));
      });
      assert.equal(error.code, status.UNIMPLEMENTED);
      assert.equal(error.details, `${path.slice(path.lastIndexOf("/") + 1)} is not supported yet`);
    }
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
  });

  it("startGrpcServer throws UNAVAILABLE with a hint when the port is taken", async () => {
    const init = {
      dataPlane: new FakeDataPlane(),
      address: "127.0.0.1",
      port: grpc.server.port,
      onBug: () => {},
    };
    await assert.rejects(startGrpcServer(init), {
      code: "UNAVAILABLE",
      message:
        `Cannot listen for gRPC on 127.0.0.1:${grpc.server.port}: another process uses this port. ` +
        "Stop it, or choose another port with --grpc-port",
    });
  });
});
