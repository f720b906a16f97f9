import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { identityModel, slowModel } from "../../../tools/onnx-builder/model-zoo.ts";
import { inferRowsOverGrpc, row, rowModelConfig } from "../../helpers/fp32-rows.ts";
import { RunningServer, useServer } from "../../helpers/start-server.ts";
import { TemporaryRepository, useRepository } from "../../helpers/temporary-repository.ts";

describe("Instance groups", () => {
  const repository = useRepository((made) => {
    made.add("half", {
      config: rowModelConfig({
        instance_group: [
          { kind: "KIND_CPU", count: 1 },
          { name: "spare", kind: "KIND_CPU", count: 1, passive: true },
        ],
      }),
      versions: { 1: slowModel(20_000) },
    });
  });
  const server = useServer(() => [`--model-repository=${repository.current.path}`]);

  it("that are passive are loaded and get no work", async () => {
    assert.match(server.current.log, /Loading model 'half' version 1: 2 instance\(s\)/);
    const { grpc } = server.current;
    const sent = [1, 2].map((seed) => inferRowsOverGrpc(grpc, "half", [row(seed)]));
    await grpc.call("ServerLive", {});
    // One executes; the other one waits, although an instance is idle.
    const { pending, success } = (await server.current.metrics()).model("half");
    assert.deepEqual({ pending, success }, { pending: 1, success: 0 });
    await Promise.all(sent);
    const reply = await server.current.http.get("/v2/models/half/config");
    const { instance_group } = JSON.parse(reply.text) as { instance_group: { passive: boolean }[] };
    assert.deepEqual(
      instance_group.map(({ passive }) => passive),
      [false, true],
    );
  });

  it("that ask for what is not there are refused by name", async () => {
    const refused = new TemporaryRepository();
    const group = (fields: object): object => ({
      config: rowModelConfig({ instance_group: [fields] }),
      versions: { 1: identityModel("FP32") },
    });
    refused.add("all_passive", group({ passive: true }) as Parameters<typeof refused.add>[1]);
    refused.add("policy", group({ host_policy: "cpu" }) as Parameters<typeof refused.add>[1]);
    refused.add(
      "devices",
      group({ secondary_devices: [{ device_id: 1 }] }) as Parameters<typeof refused.add>[1],
    );
    const running = await RunningServer.start([
      `--model-repository=${refused.path}`,
      "--exit-on-error=false",
    ]);
    try {
      assert.match(running.log, /all groups are passive/);
      assert.match(running.log, /"instance_group\[0\].host_policy" is not supported yet/);
      assert.match(running.log, /"instance_group\[0\].secondary_devices" is not supported yet/);
    } finally {
      await running.kill();
      refused.remove();
    }
  });
});
