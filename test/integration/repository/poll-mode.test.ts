import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { identityModel, slowModel } from "../../../tools/onnx-builder/model-zoo.ts";
import {
  inferRowsOverGrpc,
  inferRowsOverHttp,
  row,
  rowModelConfig,
  rowsTensor,
} from "../../helpers/fp32-rows.ts";
import { useServer } from "../../helpers/start-server.ts";
import { useRepository } from "../../helpers/temporary-repository.ts";
import { waitUntil } from "../../helpers/wait-until.ts";
import { negatedModel } from "./negated-model.ts";

const sent = row(1);
const same = Buffer.from(rowsTensor(sent).data);
const negated = Buffer.from(rowsTensor(sent.map((value) => -value)).data);

describe("Model control mode poll", () => {
  const identity = identityModel("FP32");
  const good = { config: rowModelConfig(), versions: { 1: identity } };
  const second = useRepository(() => undefined);
  const repository = useRepository((made) => {
    made.add("busy", { config: rowModelConfig(), versions: { 1: slowModel(25_000) } });
    for (const name of ["changing", "breaking", "reconfigured", "leaving", "growing", "doubled", "steady"]) {
      made.add(name, good);
    }
    const all = rowModelConfig({ version_policy: { all: {} } });
    made.add("unconfigured", { config: all, versions: { 1: identity, 2: identity } });
  });
  const server = useServer(() => [
    `--model-repository=${repository.current.path}`,
    `--model-repository=${second.current.path}`,
    "--model-control-mode=poll",
    "--repository-poll-secs=1",
  ]);

  async function statusOf(path: string): Promise<number> {
    return (await server.current.http.get(`/v2/models/${path}`)).status;
  }

  function failuresLogged(name: string): number {
    return server.current.log.split(`Failed to load model '${name}'`).length - 1;
  }

  it("a model that appears is served", async () => {
    assert.equal(await statusOf("arriving/ready"), 404);
    repository.current.add("arriving", good);
    await waitUntil("the model is ready", async () => (await statusOf("arriving/ready")) === 200);
    assert.deepEqual(await inferRowsOverHttp(server.current.http, "arriving", [sent]), same);
  });

  it("a model whose config is deleted goes on with the config of its file (row 93)", async () => {
    const configOf = async (): Promise<{ max_batch_size: number; instance_group: { count: number }[] }> =>
      (await server.current.http.get("/v2/models/unconfigured/config")).json() as {
        max_batch_size: number;
        instance_group: { count: number }[];
      };
    const versionsOf = async (): Promise<unknown> =>
      ((await server.current.http.get("/v2/models/unconfigured")).json() as { versions: unknown }).versions;
    assert.deepEqual([(await configOf()).max_batch_size, await versionsOf()], [16, ["1", "2"]]);
    repository.current.delete("unconfigured", "config.json");
    // By default only the newest version serves.
    await waitUntil(
      "version 1 is gone",
      async () => (await statusOf("unconfigured/versions/1/ready")) !== 200,
    );
    await waitUntil(
      "the model is ready",
      async () => (await statusOf("unconfigured/versions/2/ready")) === 200,
    );
    assert.deepEqual(await versionsOf(), ["2"]);
    // What the file says, and the default of auto-complete.
    assert.equal((await configOf()).max_batch_size, 4);
    assert.deepEqual(await inferRowsOverHttp(server.current.http, "unconfigured", [sent]), same);
  });

  it("a changed model is replaced while clients go on, and none of their requests fails", async () => {
    let isReplaced = false;
    let requestsAfter = 0;
    const ask = async (infer: () => Promise<Buffer>): Promise<void> => {
      while (requestsAfter < 40) {
        const answer = await infer();
        assert.ok(answer.equals(same) || answer.equals(negated));
        // Never back to the old one.
        if (answer.equals(negated)) isReplaced = true;
        if (isReplaced) requestsAfter++;
      }
    };
    const clients = [
      ask(() => inferRowsOverHttp(server.current.http, "changing", [sent])),
      ask(() => inferRowsOverGrpc(server.current.grpc, "changing", [sent])),
    ];
    repository.current.replaceFile(negatedModel(), "changing", "1", "model.onnx");
    await Promise.all(clients);
    assert.deepEqual(await inferRowsOverHttp(server.current.http, "changing", [sent]), negated);
  });

  it("requests that wait when their model is replaced are answered by the old one", async () => {
    const pending = async (): Promise<number> => (await server.current.metrics()).model("busy").pending;
    const waiting = Array.from({ length: 8 }, () => inferRowsOverHttp(server.current.http, "busy", [sent]));
    await waitUntil("seven wait", async () => (await pending()) === 7);
    repository.current.replaceFile(negatedModel(), "busy", "1", "model.onnx");
    await waitUntil("the new model answers", async () =>
      (await inferRowsOverGrpc(server.current.grpc, "busy", [sent])).equals(negated),
    );
    const answers = await Promise.all(waiting);
    assert.ok(answers.every((answer) => answer.equals(same)));
  });

  it("a name that appears in a second repository is served from neither, until one of them goes (row 87)", async () => {
    second.current.add("doubled", { config: rowModelConfig(), versions: { 1: negatedModel() } });
    await waitUntil("the model is gone", async () => (await statusOf("doubled")) === 404);
    assert.match(server.current.log, /'doubled': model appears in two or more repositories/);
    repository.current.delete("doubled");
    await waitUntil("the other one is ready", async () => (await statusOf("doubled/ready")) === 200);
    assert.deepEqual(await inferRowsOverHttp(server.current.http, "doubled", [sent]), negated);
  });

  it("a change that breaks a model leaves the old one serving, until it is mended", async () => {
    repository.current.replaceFile("no model", "breaking", "1", "model.onnx");
    await waitUntil("the failure is in the log", () => failuresLogged("breaking") === 1);
    assert.deepEqual(await inferRowsOverHttp(server.current.http, "breaking", [sent]), same);
    repository.current.replaceFile(negatedModel(), "breaking", "1", "model.onnx");
    await waitUntil("the mended model answers", async () =>
      (await inferRowsOverHttp(server.current.http, "breaking", [sent])).equals(negated),
    );
  });

  it("a config that becomes wrong leaves the old one in force; a right one replaces it (row 92)", async () => {
    const config = async (): Promise<number> => {
      const reply = await server.current.http.get("/v2/models/reconfigured/config");
      return (reply.json() as { max_batch_size: number }).max_batch_size;
    };
    repository.current.replaceFile("{ no JSON", "reconfigured", "config.json");
    await waitUntil("the failure is in the log", () => failuresLogged("reconfigured") === 1);
    assert.equal(await config(), 16);
    const changed = JSON.stringify(rowModelConfig({ max_batch_size: 5 }));
    repository.current.replaceFile(changed, "reconfigured", "config.json");
    await waitUntil("the new config is in force", async () => (await config()) === 5);
  });

  it("a new version takes over, and the old one is unloaded (row 91)", async () => {
    repository.current.addVersion("growing", "2", negatedModel());
    await waitUntil("version 2 is ready", async () => (await statusOf("growing/versions/2/ready")) === 200);
    assert.deepEqual(await inferRowsOverHttp(server.current.http, "growing", [sent]), negated);
    await waitUntil("version 1 is gone", async () => (await statusOf("growing/versions/1/ready")) === 503);
  });

  it("a model that disappears is not found, and has no metrics any more", async () => {
    repository.current.delete("leaving");
    await waitUntil("the model is gone", async () => (await statusOf("leaving")) === 404);
    const page = await server.current.metrics();
    assert.equal(page.series("nv_inference_count", { model: "leaving" }).length, 0);
  });

  it("a model that did not change was loaded once, and the server is ready", async () => {
    assert.equal(server.current.log.split("Loading model 'steady'").length - 1, 1);
    // A version that is still unloading, as the test before may leave one, keeps the server from being ready.
    await waitUntil(
      "the server is ready",
      async () => (await server.current.http.get("/v2/health/ready")).status === 200,
    );
  });
});
