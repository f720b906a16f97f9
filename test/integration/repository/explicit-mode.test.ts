import assert from "node:assert/strict";
import { after, describe, it } from "mocha";
import { identityModel } from "../../../tools/onnx-builder/model-zoo.ts";
import { rowModelConfig } from "../../helpers/fp32-rows.ts";
import { ServerProcess } from "../../helpers/server-process.ts";
import { RunningServer } from "../../helpers/start-server.ts";
import { useRepository } from "../../helpers/temporary-repository.ts";

describe("Model control mode explicit", () => {
  const repository = useRepository((made) => {
    for (const name of ["first", "second", "third"]) {
      made.add(name, { config: rowModelConfig(), versions: { 1: identityModel("FP32") } });
    }
    made.add("broken", { versions: { 1: null } });
  });
  const args = (...names: readonly string[]): string[] => [
    `--model-repository=${repository.current.path}`,
    "--model-control-mode=explicit",
    ...names.map((name) => `--load-model=${name}`),
  ];

  let server: RunningServer | null = null;
  after(() => server?.kill());
  async function statuses(running: RunningServer, names: readonly string[]): Promise<number[]> {
    const replies = names.map((name) => running.http.get(`/v2/models/${name}/ready`));
    return (await Promise.all(replies)).map((reply) => reply.status);
  }

  it("loads the named models and no other", async () => {
    server = await RunningServer.start(args("first", "third"));
    assert.deepEqual(await statuses(server, ["first", "second", "third", "broken"]), [200, 404, 200, 404]);
    assert.equal((await server.http.get("/v2/health/ready")).status, 200);
    await server.stop();
  });

  it("loads nothing without names, and is ready", async () => {
    server = await RunningServer.start(args());
    assert.deepEqual(await statuses(server, ["first"]), [404]);
    assert.equal((await server.http.get("/v2/health/ready")).status, 200);
    await server.stop();
  });

  it("loads all by --load-model=*", async () => {
    server = await RunningServer.start([...args("*"), "--exit-on-error=false"]);
    assert.deepEqual(await statuses(server, ["first", "second", "third", "broken"]), [200, 200, 200, 404]);
    await server.stop();
  });

  it("ends with exit code 1 when a named model is in no repository (row 103)", async () => {
    const { code, stderr } = await ServerProcess.run(args("first", "nowhere"));
    assert.equal(code, 1);
    assert.match(stderr, /'nowhere'.* in none of the repositories/);
  });
});
