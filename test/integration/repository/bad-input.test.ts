import assert from "node:assert/strict";
import { chmodSync, existsSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { getuid } from "node:process";
import path from "node:path";
import { describe, it } from "mocha";
import { identityModel } from "../../../tools/onnx-builder/model-zoo.ts";
import { inferRowsOverHttp, row, rowModelConfig, rowsTensor } from "../../helpers/fp32-rows.ts";
import { useServer } from "../../helpers/start-server.ts";
import { useRepository } from "../../helpers/temporary-repository.ts";
import { waitUntil } from "../../helpers/wait-until.ts";
import { negatedModel } from "./negated-model.ts";

const identity = identityModel("FP32");
const sent = row(1);
const same = Buffer.from(rowsTensor(sent).data);
const negated = Buffer.from(rowsTensor(sent.map((value) => -value)).data);

/** An ensemble of one step. */
function ensembleOf(model: string): object {
  const tensor = (name: string): object => ({ name, data_type: "TYPE_FP32", dims: [16] });
  const step = { model_name: model, input_map: { INPUT0: "INPUT0" }, output_map: { OUTPUT0: "OUTPUT0" } };
  return {
    platform: "ensemble",
    max_batch_size: 16,
    input: [tensor("INPUT0")],
    output: [tensor("OUTPUT0")],
    ensemble_scheduling: { step: [{ model_version: -1, ...step }] },
  };
}

describe("Bad models in a repository that is polled", () => {
  const outside = useRepository((made) => {
    made.add("linked", { config: rowModelConfig(), versions: { 1: identity } });
    made.add("labels", { versions: {} });
    made.replaceFile("secret", "labels", "labels.txt");
  });
  const second = useRepository(() => undefined);
  const repository = useRepository((made) => {
    made.add("good", { config: rowModelConfig(), versions: { 1: identity } });
  });
  const server = useServer(() => [
    `--model-repository=${repository.current.path}`,
    `--model-repository=${second.current.path}`,
    "--model-control-mode=poll",
    "--repository-poll-secs=1",
  ]);

  /** The first reason in the index of this model, "" when it has none. */
  async function reasonOf(name: string): Promise<string> {
    const reply = await server.current.http.post("/v2/repository/index", "");
    const rows = reply.json() as { name: string; state?: string; reason?: string }[];
    return rows.find((each) => each.name === name && each.state === "UNAVAILABLE")?.reason ?? "";
  }

  /** Waits until the model is refused, and checks what index and log say of it, and that nothing else suffers. */
  async function assertRefused(name: string, reason: RegExp): Promise<void> {
    await waitUntil(`${name} is refused`, async () => (await reasonOf(name)) !== "");
    assert.match(await reasonOf(name), reason);
    const lineOf = (): string | undefined =>
      server.current.log.split("\n").find((text) => text.includes(`Failed to load model '${name}'`));
    // The index looks at the directories itself, before the next poll does.
    await waitUntil("the log has it", () => lineOf() !== undefined);
    const line = lineOf();
    assert.match((line ?? "").replaceAll('\\"', '"').replaceAll("\\n", "\n"), reason);
    assert.equal((await server.current.http.get(`/v2/models/${name}/ready`)).status, 404);
    assert.deepEqual(await inferRowsOverHttp(server.current.http, "good", [sent]), same);
  }

  it("a corrupt model is refused with its file", async () => {
    repository.current.add("corrupt", {
      config: rowModelConfig(),
      versions: { 1: Buffer.from("not a model") },
    });
    await assertRefused("corrupt", /corrupt.1.model\.onnx/);
  });

  it("a config that contradicts the model is refused with both sides", async () => {
    const input = [{ name: "INPUT0", data_type: "TYPE_FP32", dims: [17] }];
    repository.current.add("contradicting", { config: rowModelConfig({ input }), versions: { 1: identity } });
    await assertRefused(
      "contradicting",
      /INPUT0.*\[-1,\s*16\].*\[-1,\s*17\]|INPUT0.*\[-1,\s*17\].*\[-1,\s*16\]/s,
    );
  });

  it("a version without its file is refused, and served when the file comes", async () => {
    repository.current.add("hollow", { config: rowModelConfig(), versions: { 1: null } });
    await assertRefused("hollow", /hollow.1.model\.onnx/);
    repository.current.replaceFile(identity, "hollow", "1", "model.onnx");
    await waitUntil(
      "it is served",
      async () => (await server.current.http.get("/v2/models/hollow/ready")).status === 200,
    );
  });

  it("a model whose version directory goes while it is served goes on until there is another", async () => {
    repository.current.add("losing", { config: rowModelConfig(), versions: { 1: identity } });
    await waitUntil(
      "it is served",
      async () => (await server.current.http.get("/v2/models/losing/ready")).status === 200,
    );
    repository.current.delete("losing", "1");
    await waitUntil("the loss is in the log", () =>
      server.current.log.includes("Failed to load model 'losing'"),
    );
    assert.match(server.current.log, /'losing'; '.*losing' has no version directory/);
    assert.deepEqual(await inferRowsOverHttp(server.current.http, "losing", [sent]), same);
    repository.current.addVersion("losing", "2", negatedModel());
    await waitUntil("the new version answers", async () =>
      (await inferRowsOverHttp(server.current.http, "losing", [sent])).equals(negated),
    );
  });

  const itAsUser = getuid?.() === 0 ? (): void => undefined : it;
  // Root reads everything.
  itAsUser("a file that may not be read is named, and tried again when it may", async () => {
    repository.current.add("denied", { config: rowModelConfig(), versions: { 1: null } });
    const file = path.join(repository.current.path, "denied", "config.json");
    chmodSync(file, 0);
    await assertRefused("denied", /denied.config\.json: cannot read the configuration.*EACCES/);
    chmodSync(file, 0o600);
    repository.current.replaceFile(identity, "denied", "1", "model.onnx");
    await waitUntil(
      "it is served",
      async () => (await server.current.http.get("/v2/models/denied/ready")).status === 200,
    );
  });

  it("a model file that cannot be read is named, with what the system says, and served when it can", async () => {
    // Not a matter of permissions, which root has all of: a link to itself.
    repository.current.add("endless", { config: rowModelConfig(), versions: { 1: null } });
    const file = path.join(repository.current.path, "endless", "1", "model.onnx");
    symlinkSync("model.onnx", file);
    await assertRefused("endless", /endless.1.model\.onnx.*\(ELOOP\)/);
    repository.current.replaceFile(identity, "endless", "1", "model.onnx");
    await waitUntil(
      "it is served",
      async () => (await server.current.http.get("/v2/models/endless/ready")).status === 200,
    );
  });

  it("a model whose version directory is deleted while it loads is refused, and nothing is left loading", async () => {
    const gate = path.join(outside.current.path, "gate");
    const tensor = (name: string): object => ({ name, data_type: "TYPE_FP32", dims: [16] });
    const code = `import { existsSync, writeFileSync } from "node:fs";
      writeFileSync(${JSON.stringify(`${gate}-reached`)}, "");
      while (!existsSync(${JSON.stringify(gate)})) await new Promise((resolve) => setTimeout(resolve, 10));
      export const execute = (requests) => requests.map(() => ({ outputs: {} }));`;
    repository.current.add("vanishing", {
      config: { backend: "javascript", input: [tensor("INPUT0")], output: [tensor("OUTPUT0")] },
      versions: { 1: null },
    });
    repository.current.addFile(code, "vanishing", "1", "model.mjs");
    await waitUntil("it loads", () => existsSync(`${gate}-reached`));
    assert.deepEqual(await inferRowsOverHttp(server.current.http, "good", [sent]), same);
    repository.current.delete("vanishing", "1");
    writeFileSync(gate, "");
    await assertRefused("vanishing", /vanishing' (has no version directory|changed while)/);
    const rows = (await server.current.http.post("/v2/repository/index", "")).json() as {
      readonly name: string;
      readonly state?: string;
    }[];
    assert.deepEqual(
      rows.flatMap(({ name, state }) => (name === "vanishing" ? [state] : [])),
      ["UNAVAILABLE"],
    );
  });

  it("a config that is a directory is refused", async () => {
    repository.current.add("odd", { versions: { 1: identity } });
    mkdirSync(path.join(repository.current.path, "odd", "config.json"));
    await assertRefused(
      "odd",
      /odd.config\.json: cannot read the configuration of model 'odd': it is a directory/,
    );
  });

  it("a version directory that is a link out of the repository is served, and its changes are noticed", async () => {
    repository.current.add("linking", { config: rowModelConfig(), versions: {} });
    const target = path.join(outside.current.path, "linked", "1");
    symlinkSync(target, path.join(repository.current.path, "linking", "1"), "junction");
    await waitUntil(
      "it is served",
      async () => (await server.current.http.get("/v2/models/linking/ready")).status === 200,
    );
    outside.current.replaceFile(negatedModel(), "linked", "1", "model.onnx");
    await waitUntil("the change is served", async () =>
      (await inferRowsOverHttp(server.current.http, "linking", [sent])).equals(negated),
    );
  });

  it("a label file that is a link out of the repository is refused", async () => {
    const output = [{ name: "OUTPUT0", data_type: "TYPE_FP32", dims: [16], label_filename: "labels.txt" }];
    const target = path.join(outside.current.path, "labels", "labels.txt");
    repository.current.add("leaking", { config: rowModelConfig({ output }), versions: { 1: identity } });
    symlinkSync(target, path.join(repository.current.path, "leaking", "labels.txt"));
    await assertRefused("leaking", /label_filename "labels\.txt".* leads out of the model's directory/);
  });

  it("a cycle of ensembles is refused with the cycle", async () => {
    repository.current.add("ring_a", { config: ensembleOf("ring_b"), versions: { 1: null } });
    repository.current.add("ring_b", { config: ensembleOf("ring_a"), versions: { 1: null } });
    await assertRefused(
      "ring_a",
      /circular dependency between ensembles: ring_a -> ring_b -> ring_a|depends on 'ring_b'/,
    );
    await waitUntil("the log has the cycle", () => /circular dependency.* -> /.test(server.current.log));
  });

  it("two models of one name are both refused", async () => {
    for (const { current } of [repository, second]) {
      current.add("twin", { config: rowModelConfig(), versions: { 1: identity } });
    }
    await assertRefused("twin", /model appears in two or more repositories/);
  });

  it("a repository that vanishes leaves its models as they are, and polling goes on", async () => {
    second.current.add("elsewhere", { config: rowModelConfig(), versions: { 1: identity } });
    await waitUntil(
      "it is served",
      async () => (await server.current.http.get("/v2/models/elsewhere/ready")).status === 200,
    );
    second.current.hide();
    await waitUntil("the log tells", () => server.current.log.includes("Polling leaves the models of"));
    assert.deepEqual(await inferRowsOverHttp(server.current.http, "elsewhere", [sent]), same);
    repository.current.add("later", { config: rowModelConfig(), versions: { 1: identity } });
    await waitUntil(
      "others are found",
      async () => (await server.current.http.get("/v2/models/later/ready")).status === 200,
    );
    second.current.show();
  });

  it("half-copied models are never loaded", async () => {
    const directory = path.join(repository.current.path, "copied");
    mkdirSync(path.join(directory, "1"), { recursive: true });
    const file = path.join(directory, "1", "model.onnx");
    // A copy that takes two seconds; every look in between finds a part of it.
    for (let part = 1; part <= 10; part++) {
      writeFileSync(file, identity.subarray(0, Math.floor((identity.byteLength * part) / 10)));
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    await waitUntil(
      "it is served",
      async () => (await server.current.http.get("/v2/models/copied/ready")).status === 200,
    );
    assert.doesNotMatch(server.current.log, /Failed to load model 'copied'/);
    assert.equal(server.current.log.split("Loading model 'copied'").length - 1, 1);
  });
});
