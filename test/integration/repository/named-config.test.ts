import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import path from "node:path";
import { describe, it } from "mocha";
import { identityModel } from "../../../tools/onnx-builder/model-zoo.ts";
import { rowModelConfig } from "../../helpers/fp32-rows.ts";
import { ServerProcess } from "../../helpers/server-process.ts";
import { useServer } from "../../helpers/start-server.ts";
import { useRepository } from "../../helpers/temporary-repository.ts";
import { waitUntil } from "../../helpers/wait-until.ts";

describe("Named configs", () => {
  const repository = useRepository((made) => {
    for (const name of ["with", "without", "without_any"]) {
      const config = rowModelConfig({ max_batch_size: 3 });
      made.add(name, {
        ...(name === "without_any" ? {} : { config }),
        versions: { 1: identityModel("FP32") },
      });
      mkdirSync(path.join(made.path, name, "configs"));
    }
    made.replaceFile(alternative(5), "with", "configs", "alt.json");
    made.replaceFile(alternative(6), "without", "configs", "other.json");
  });
  const server = useServer(() => [
    `--model-repository=${repository.current.path}`,
    "--model-config-name=alt",
    "--model-control-mode=poll",
    "--repository-poll-secs=1",
  ]);

  function alternative(maxBatchSize: number): string {
    return JSON.stringify(rowModelConfig({ max_batch_size: maxBatchSize }));
  }

  async function maxBatchSize(name: string): Promise<number> {
    const reply = await server.current.http.get(`/v2/models/${name}/config`);
    return (reply.json() as { max_batch_size: number }).max_batch_size;
  }

  it("a model that has the config is served with it, the others with their own (row 109)", async () => {
    assert.equal(await maxBatchSize("with"), 5);
    assert.equal(await maxBatchSize("without"), 3);
    // Read from the model.
    assert.equal(await maxBatchSize("without_any"), 4);
  });

  it("a config that comes or goes counts as a change (row 109)", async () => {
    repository.current.replaceFile(alternative(7), "without", "configs", "alt.json");
    repository.current.delete("with", "configs", "alt.json");
    await waitUntil("the new config is in force", async () => (await maxBatchSize("without")) === 7);
    await waitUntil("its own config is in force", async () => (await maxBatchSize("with")) === 3);
  });

  it("an empty name, or one that leads elsewhere, ends the start (row 109)", async () => {
    for (const name of ["", "../config"]) {
      const args = [`--model-repository=${repository.current.path}`, `--model-config-name=${name}`];
      const { code, stderr } = await ServerProcess.run(args);
      assert.equal(code, 1);
      assert.match(stderr, /"--model-config-name" expects a file's name without directories, got/);
    }
  });
});
