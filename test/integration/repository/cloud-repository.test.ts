import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, describe, it } from "mocha";
import { identityModel, slowModel } from "../../../tools/onnx-builder/model-zoo.ts";
import {
  inferRowsOverGrpc,
  inferRowsOverHttp,
  row,
  rowModelConfig,
  rowsTensor,
} from "../../helpers/fp32-rows.ts";
import { type ScriptedS3Server, useS3Server } from "../../helpers/scripted-s3-server.ts";
import { ServerProcess } from "../../helpers/server-process.ts";
import { RunningServer, useServer } from "../../helpers/start-server.ts";
import { waitUntil } from "../../helpers/wait-until.ts";
import { negatedModel } from "./negated-model.ts";

const sent = row(1);
const same = Buffer.from(rowsTensor(sent).data);
const negated = Buffer.from(rowsTensor(sent.map((value) => -value)).data);
const identity = identityModel("FP32");
const config = JSON.stringify(rowModelConfig());

function putModel(s3: ScriptedS3Server, name: string, model: Uint8Array = identity): void {
  s3.put(`team/models/${name}/config.json`, config);
  s3.put(`team/models/${name}/1/model.onnx`, model);
}

/** A directory for copies. */
class MountDirectory {
  readonly path = mkdtempSync(path.join(tmpdir(), "nereid-mount-"));

  /** To be called after the server's own hooks: it must leave nothing. */
  checkAfterwards(): void {
    after(() => {
      const left = readdirSync(this.path);
      rmSync(this.path, { recursive: true });
      assert.deepEqual(left, [], "copies that are left behind");
    });
  }
}

describe("A repository in the cloud, polled", () => {
  const mount = new MountDirectory();
  const s3 = useS3Server((made) => {
    for (const name of ["changing", "leaving", "guarded", "steady"]) putModel(made, name);
    putModel(made, "busy", slowModel(25_000));
    made.put("team/models/README.md", "no model");
    made.put("team/other/m/1/model.onnx", "elsewhere");
  });
  const server = useServer(
    () => [
      `--model-repository=${s3.address("team/models")}`,
      "--model-control-mode=poll",
      "--repository-poll-secs=1",
    ],
    () => ({ ...s3.environment, TRITON_AWS_MOUNT_DIRECTORY: mount.path }),
  );
  mount.checkAfterwards();

  async function statusOf(at: string): Promise<number> {
    return (await server.current.http.get(`/v2/models/${at}`)).status;
  }

  async function index(): Promise<{ name: string; state?: string; reason?: string }[]> {
    const reply = await server.current.http.post("/v2/repository/index", {});
    return reply.json() as { name: string; state?: string; reason?: string }[];
  }

  it("serves the models below the prefix over both protocols, and no others", async () => {
    assert.deepEqual(await inferRowsOverHttp(server.current.http, "steady", [sent]), same);
    assert.deepEqual(await inferRowsOverGrpc(server.current.grpc, "steady", [sent]), same);
    assert.deepEqual(
      (await index()).map(({ name, state }) => `${name} ${state ?? ""}`),
      ["busy", "changing", "guarded", "leaving", "steady"].map((name) => `${name} READY`),
    );
  });

  it("a model that appears is served", async () => {
    putModel(s3, "arriving");
    await waitUntil("the model is ready", async () => (await statusOf("arriving/ready")) === 200);
    assert.deepEqual(await inferRowsOverHttp(server.current.http, "arriving", [sent]), same);
  });

  it("a changed model is replaced while clients go on, and none of their requests fails", async () => {
    let isReplaced = false;
    let requestsAfter = 0;
    const ask = async (): Promise<void> => {
      while (requestsAfter < 20) {
        const answer = await inferRowsOverHttp(server.current.http, "changing", [sent]);
        assert.ok(answer.equals(same) || answer.equals(negated));
        if (answer.equals(negated)) isReplaced = true;
        else assert.ok(!isReplaced, "back to the old one");
        if (isReplaced) requestsAfter++;
      }
    };
    const readBefore = s3.read.length;
    s3.put("team/models/changing/1/model.onnx", negatedModel());
    await ask();
    assert.deepEqual(s3.read.slice(readBefore), ["team/models/changing/1/model.onnx"]);
  });

  it("a model that is gone is unloaded", async () => {
    s3.delete("team/models/leaving/");
    await waitUntil("the model is gone", async () => (await statusOf("leaving/ready")) !== 200);
  });

  it("models go on serving while the bucket cannot be read, and the log says why, once", async () => {
    s3.listRefusal = { status: 403, code: "AccessDenied" };
    const sentence =
      /Polling leaves the models of '[^']*team\/models' as they are: failed to read '[^']*' at step 'permission': AccessDenied/g;
    await waitUntil("the log says so", () => server.current.log.search(sentence) >= 0);
    putModel(s3, "late");
    assert.deepEqual(await inferRowsOverHttp(server.current.http, "steady", [sent]), same);
    const reply = await server.current.http.post("/v2/repository/index", {});
    assert.match(reply.error, /at step 'permission'/);
    s3.listRefusal = null;
    await waitUntil("the next model is ready", async () => (await statusOf("late/ready")) === 200);
    assert.equal([...server.current.log.matchAll(sentence)].length, 1);
  });

  it("a model of which an object cannot be read goes on as it was, with the reason in the index and the log", async () => {
    const key = "team/models/guarded/2/model.onnx";
    s3.readRefusals.set(key, { status: 403, code: "AccessDenied" });
    s3.put(key, negatedModel());
    const failure =
      /Failed to load model 'guarded': failed to read 's3:[^']*guarded\/2\/model\.onnx' at step 'permission': AccessDenied/;
    await waitUntil("the log says so", () => failure.test(server.current.log));
    assert.deepEqual(await inferRowsOverHttp(server.current.http, "guarded", [sent]), same);
    putModel(s3, "beside");
    await waitUntil("another model is ready", async () => (await statusOf("beside/ready")) === 200);
    s3.readRefusals.clear();
    await waitUntil("version 2 serves", async () => (await statusOf("guarded/versions/2/ready")) === 200);
    assert.deepEqual(await inferRowsOverHttp(server.current.http, "guarded", [sent]), negated);
  });

  it("a model that could never be read is in the index with the reason", async () => {
    const key = "team/models/hidden/1/model.onnx";
    s3.readRefusals.set(key, { status: 403, code: "AccessDenied" });
    putModel(s3, "hidden");
    await waitUntil("the index says so", async () => {
      const found = (await index()).find(({ name }) => name === "hidden");
      return found?.state === "UNAVAILABLE" && found.reason?.includes("at step 'permission'") === true;
    });
    assert.equal((await server.current.http.get("/v2/health/ready")).status, 400);
    s3.readRefusals.clear();
    await waitUntil("the model is ready", async () => (await statusOf("hidden/ready")) === 200);
    assert.equal((await server.current.http.get("/v2/health/ready")).status, 200);
  });
});

describe("A repository in the cloud, in mode explicit", () => {
  const mount = new MountDirectory();
  const s3 = useS3Server((made) => {
    for (const name of ["first", "second", "third"]) putModel(made, name);
  });
  const server = useServer(
    () => [
      `--model-repository=${s3.address("team/models")}`,
      "--model-control-mode=explicit",
      "--load-model=first",
    ],
    () => ({ ...s3.environment, TRITON_AWS_MOUNT_DIRECTORY: mount.path }),
  );
  mount.checkAfterwards();

  const load = (name: string, verb = "load") =>
    server.current.http.post(`/v2/repository/models/${name}/${verb}`, {});

  it("copies only what is asked for, and lists everything", async () => {
    assert.deepEqual(s3.read.toSorted(), ["team/models/first/1/model.onnx", "team/models/first/config.json"]);
    const rows = (await server.current.http.post("/v2/repository/index", {})).json() as { name: string }[];
    assert.deepEqual(
      rows.map(({ name }) => name),
      ["first", "second", "third"],
    );
  });

  it("a load fetches the model as it is now, and transfers nothing that is here already", async () => {
    assert.equal((await load("second")).status, 200);
    assert.deepEqual(await inferRowsOverHttp(server.current.http, "second", [sent]), same);
    const readBefore = s3.read.length;
    assert.equal((await load("second")).status, 200);
    assert.equal(s3.read.length, readBefore);
    s3.put("team/models/second/1/model.onnx", negatedModel());
    assert.equal((await load("second")).status, 200);
    assert.deepEqual(s3.read.slice(readBefore), ["team/models/second/1/model.onnx"]);
    assert.deepEqual(await inferRowsOverHttp(server.current.http, "second", [sent]), negated);
  });

  it("a model can be unloaded and loaded again", async () => {
    assert.equal((await load("first", "unload")).status, 200);
    assert.notEqual((await server.current.http.get("/v2/models/first/ready")).status, 200);
    assert.equal((await load("first")).status, 200);
    assert.deepEqual(await inferRowsOverHttp(server.current.http, "first", [sent]), same);
  });

  it("a load says what kept it from the model, and what is loaded stays", async () => {
    assert.match((await load("fourth")).error, /model 'fourth' is in none of the repositories/);
    s3.readRefusals.set("team/models/third/1/model.onnx", { status: 403, code: "AccessDenied" });
    assert.match((await load("third")).error, /third\/1\/model\.onnx' at step 'permission': AccessDenied/);
    s3.listRefusal = { status: 403, code: "ExpiredToken" };
    assert.match((await load("second")).error, /at step 'credentials': ExpiredToken/);
    s3.listRefusal = null;
    assert.deepEqual(await inferRowsOverHttp(server.current.http, "second", [sent]), negated);
  });
});

describe("A server with a repository in the cloud", () => {
  const mount = new MountDirectory();
  const s3 = useS3Server((made) => putModel(made, "m"));
  const environment = (): Record<string, string> => ({
    ...s3.environment,
    TRITON_AWS_MOUNT_DIRECTORY: mount.path,
  });
  mount.checkAfterwards();

  it("does not start when the bucket cannot be read, and says why", async () => {
    const address = s3.address("models", "missing");
    const { code, stderr } = await ServerProcess.run(
      [`--model-repository=${address}`, "--http-port=0"],
      environment(),
    );
    assert.equal(code, 1);
    assert.match(
      stderr,
      /creating server: failed to read '[^']*missing\/models' at step 'bucket': NoSuchBucket/,
    );
  });

  it("serves in mode none what was there at start, beside a directory, with names told apart by address", async () => {
    const address = s3.address("team/models");
    const local = mkdtempSync(path.join(tmpdir(), "nereid-local-"));
    const server = await RunningServer.start(
      [`--model-repository=${address}`, `--model-repository=${local}`, "--model-namespacing=true"],
      environment(),
    );
    try {
      s3.put("team/models/m/1/model.onnx", negatedModel());
      assert.deepEqual(await inferRowsOverHttp(server.http, "m", [sent]), same);
      const page = await server.metrics();
      assert.equal(page.series("nv_inference_request_success", { model: "m", namespace: address }).length, 1);
    } finally {
      await server.stop();
      rmSync(local, { recursive: true });
    }
  });

  it("check and explain read the cloud too, and speak of addresses", async () => {
    const address = s3.address("team/models");
    const checked = await ServerProcess.run(["check", address], environment());
    assert.deepEqual([checked.code, checked.stderr], [0, ""]);
    assert.match(checked.stdout, new RegExp(`m: ok .*\n  ${address}/m\n`));
    const explained = await ServerProcess.run(
      ["explain", "m", `--model-repository=${address}`],
      environment(),
    );
    assert.equal(explained.code, 0, explained.stderr);
    assert.ok(explained.stdout.includes(`config:    ${address}/m/config.json`), explained.stdout);
    const unknown = await ServerProcess.run(["explain", "n", `--model-repository=${address}`], environment());
    assert.equal(unknown.stderr, "nereid: model 'n' is in none of the repositories; its models are m\n");
    const missing = await ServerProcess.run(["check", s3.address("x", "missing")], environment());
    assert.equal(missing.code, 1);
    assert.match(missing.stderr, /^nereid: failed to read '[^']*' at step 'bucket': NoSuchBucket/);
  });
});
