import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, describe, it } from "mocha";
import { identityModel } from "../../../tools/onnx-builder/model-zoo.ts";
import { inferRowsOverGrpc, inferRowsOverHttp, rowModelConfig } from "../../helpers/fp32-rows.ts";
import { failureOf, type Message } from "../../helpers/grpc-client.ts";
import { RunningServer, useServer } from "../../helpers/start-server.ts";
import { useRepository } from "../../helpers/temporary-repository.ts";
import { waitUntil } from "../../helpers/wait-until.ts";
import { negatedModel } from "./negated-model.ts";

/** What both protocols can be asked, and how: texts, and bytes of files. */
interface LoadArguments {
  readonly config?: string;
  readonly files?: Readonly<Record<string, Uint8Array>>;
}

/** The outcome of an operation: "" for success, else HTTP status or gRPC code, and the message. */
interface Outcome {
  readonly status: number;
  readonly message: string;
}

/** The model repository extension over one protocol. */
interface RepositoryClient {
  index(ready: boolean): Promise<string[]>;
  load(name: string, given?: LoadArguments): Promise<Outcome>;
  unload(name: string): Promise<Outcome>;
  /** First value of the output for a row of ones. */
  infer(name: string): Promise<number>;
}

const ok: Outcome = { status: 0, message: "" };

/** `name/version STATE: reason` of a row, without what is not there. */
function shown(models: readonly Readonly<Record<string, string>>[]): string[] {
  return models.map(({ name, version, state, reason }) =>
    `${name ?? ""}/${version ?? ""} ${state ?? ""} ${reason ?? ""}`.trim(),
  );
}

function overHttp(server: RunningServer): RepositoryClient {
  async function post(path: string, body: object | string): Promise<Outcome> {
    const reply = await server.http.post(`/v2/repository/models/${path}`, body);
    if (reply.status !== 200) return { status: reply.status, message: reply.error };
    assert.equal(reply.text, "");
    return ok;
  }
  return {
    index: async (ready) => {
      const reply = await server.http.post("/v2/repository/index", ready ? { ready } : "");
      return shown(reply.json() as Record<string, string>[]);
    },
    load: (name, { config, files = {} } = {}) => {
      const parameters: Record<string, string> = config === undefined ? {} : { config };
      for (const [key, bytes] of Object.entries(files)) {
        parameters[`file:${key}`] = Buffer.from(bytes).toString("base64");
      }
      return post(`${name}/load`, Object.keys(parameters).length === 0 ? "" : { parameters });
    },
    unload: (name) => post(`${name}/unload`, { parameters: { unload_dependents: false } }),
    infer: async (name) => firstOf(await inferRowsOverHttp(server.http, name, [ones])),
  };
}

function overGrpc(server: RunningServer): RepositoryClient {
  async function call(method: string, request: Message): Promise<Outcome> {
    const outcome = server.grpc.call(method, request);
    return outcome.then(
      () => ok,
      async () => {
        const { code, message } = await failureOf(outcome);
        return { status: code, message };
      },
    );
  }
  return {
    index: async (ready) =>
      shown((await server.grpc.call("RepositoryIndex", { ready }))["models"] as Record<string, string>[]),
    load: (name, { config, files = {} } = {}) => {
      const parameters: Record<string, object> =
        config === undefined ? {} : { config: { string_param: config } };
      for (const [key, bytes] of Object.entries(files)) parameters[`file:${key}`] = { bytes_param: bytes };
      return call("RepositoryModelLoad", { model_name: name, parameters });
    },
    unload: (name) =>
      call("RepositoryModelUnload", {
        model_name: name,
        parameters: { unload_dependents: { bool_param: true } },
      }),
    infer: async (name) => firstOf(await inferRowsOverGrpc(server.grpc, name, [ones])),
  };
}

const ones = new Float32Array(16).fill(1);

function firstOf(output: Uint8Array): number {
  return Buffer.from(output).readFloatLE(0);
}

/** A file that only the servers of these tests are sent: others of this machine have such directories as well. */
const marker = `marker-${process.pid}`;

/** How many directories there are with files that these tests sent. */
function overrideDirectoryCount(): number {
  const directories = readdirSync(tmpdir()).filter((name) => name.startsWith("nereid-model-"));
  return directories.filter((name) => existsSync(path.join(tmpdir(), name, marker))).length;
}

const config = (fields: object = {}): string => JSON.stringify(rowModelConfig(fields));

for (const [protocol, clientOf, codes] of [
  ["HTTP", overHttp, { invalid: 400, internal: 500 }],
  ["gRPC", overGrpc, { invalid: 3, internal: 13 }],
] as const) {
  describe(`Model repository extension over ${protocol}`, () => {
    const repository = useRepository((made) => {
      for (const name of ["m", "n"]) {
        made.add(name, { config: config(), versions: { 1: identityModel("FP32") } });
      }
      made.add("broken", { config: config(), versions: { 1: Buffer.from("no model") } });
      made.add("misspelt", { config: '{"max_batch_sise": 1}', versions: { 1: identityModel("FP32") } });
    });
    const server = useServer(() => [
      `--model-repository=${repository.current.path}`,
      "--model-control-mode=explicit",
    ]);
    let client: RepositoryClient;
    before(() => {
      client = clientOf(server.current);
    });

    async function refused(outcome: Promise<Outcome>, status: number, message: RegExp): Promise<void> {
      const { status: got, message: text } = await outcome;
      assert.equal(got, status, text);
      assert.match(text, message);
    }

    async function effectiveConfig(name: string): Promise<Record<string, unknown>> {
      return (await server.current.http.get(`/v2/models/${name}/config`)).json() as Record<string, unknown>;
    }

    it("lists what is in the repository before anything is loaded", async () => {
      assert.deepEqual(await client.index(false), ["broken/", "m/", "misspelt/", "n/"]);
      assert.deepEqual(await client.index(true), []);
    });

    it("loads, serves and unloads a model", async () => {
      assert.deepEqual(await client.load("m"), ok);
      assert.equal(await client.infer("m"), 1);
      assert.deepEqual(await client.index(true), ["m/1 READY"]);
      assert.deepEqual(await client.unload("m"), ok);
      await assert.rejects(client.infer("m"));
      await waitUntil("m is unloaded", async () => {
        return (await client.index(false)).includes("m/1 UNAVAILABLE unloaded");
      });
      assert.equal((await server.current.http.get("/v2/health/ready")).status, 200);
      assert.deepEqual(await client.unload("m"), ok);
      assert.deepEqual(await client.unload("nowhere"), ok);
    });

    it("reloads what has changed on the disk, and nothing else", async () => {
      await client.load("n");
      const loads = (): number => server.current.log.split("Model 'n' version 1 is ready").length - 1;
      const count = loads();
      assert.deepEqual(await client.load("n"), ok);
      assert.equal(loads(), count);
      repository.current.replaceFile(negatedModel(), "n", "1", "model.onnx");
      assert.equal(await client.infer("n"), 1);
      assert.deepEqual(await client.load("n"), ok);
      assert.equal(await client.infer("n"), -1);
    });

    it("refuses models that are not there or have no valid config (500)", async () => {
      for (const name of ["nowhere", "...", "..m", "misspelt"]) {
        await refused(client.load(name), codes.internal, /failed to poll from model repository/);
      }
      await refused(client.load("misspelt"), codes.internal, /max_batch_size/);
      assert.equal((await server.current.http.get("/v2/health/ready")).status, 200);
    });

    it("says why a version does not come up (400)", async () => {
      await refused(
        client.load("broken"),
        codes.invalid,
        /^load failed for model 'broken': version 1 is at UNAVAILABLE state: .+/,
      );
      assert.match((await client.index(false))[0] ?? "", /^broken\/1 UNAVAILABLE .+/);
      await client.unload("broken");
      assert.equal((await client.index(false))[0], "broken/");
    });

    it("loads with a config of the client's, keeps it while the disk is the same, and drops it after (row 98)", async () => {
      await client.load("m");
      assert.deepEqual(await client.load("m", { config: config({ max_batch_size: 3 }) }), ok);
      assert.equal((await effectiveConfig("m"))["max_batch_size"], 3);
      assert.deepEqual(await client.load("m"), ok);
      assert.equal((await effectiveConfig("m"))["max_batch_size"], 3);
      repository.current.replaceFile(config({ max_batch_size: 5 }), "m", "config.json");
      assert.deepEqual(await client.load("m"), ok);
      assert.equal((await effectiveConfig("m"))["max_batch_size"], 5);
    });

    it("refuses a config that is no JSON, is not valid, or is another model's, and goes on serving", async () => {
      await client.load("m");
      for (const [text, reason] of [
        ["{", /config override of model 'm'/],
        [config({ max_batch_sise: 1 }), /max_batch_size/],
        [config({ name: "other" }), /other/],
      ] as const) {
        await refused(
          client.load("m", { config: text }),
          codes.internal,
          /failed to poll from model repository/,
        );
        await refused(client.load("m", { config: text }), codes.internal, reason);
      }
      assert.equal(await client.infer("m"), 1);
    });

    it("loads from files of the client's, under a known and under a new name (row 101)", async () => {
      await client.load("m");
      const given = { config: config(), files: { "4/model.onnx": negatedModel(), [marker]: Buffer.of() } };
      assert.deepEqual(await client.load("m", given), ok);
      assert.deepEqual(await client.load("uploaded", given), ok);
      assert.equal(await client.infer("m"), -1);
      assert.equal(await client.infer("uploaded"), -1);
      assert.ok((await client.index(true)).includes("m/4 READY"));
      assert.ok(!(await client.index(false)).join().includes("uploaded"));
      assert.equal(overrideDirectoryCount(), 2);
      assert.deepEqual(await client.load("m"), ok);
      assert.equal(await client.infer("m"), 1);
      assert.deepEqual(await client.unload("uploaded"), ok);
    });

    it("refuses files without a config, and goes on serving (row 99)", async () => {
      await client.load("m");
      const given = { files: { "1/model.onnx": Buffer.from("bytes") } };
      await refused(client.load("m", given), codes.internal, /failed to poll.*config/);
      assert.equal(await client.infer("m"), 1);
    });

    for (const [what, names] of [
      ["paths that lead out (row 100)", ["../../escaped", "/tmp/nereid-escaped"]],
      ["a path with a component that no file system takes (row 25)", [`1/${"x".repeat(300)}`]],
    ] as const) {
      it(`refuses ${what}, and goes on serving`, async () => {
        await client.load("m");
        for (const name of names) {
          const given = { config: config(), files: { [name]: Buffer.from("bytes") } };
          await refused(client.load("m", given), codes.internal, /failed to poll from model repository/);
        }
        assert.equal(existsSync("/tmp/nereid-escaped"), false);
        assert.equal(await client.infer("m"), 1);
        // A test before may have a model that is still being unloaded.
        await waitUntil("the server is ready", async () => {
          return (await server.current.http.get("/v2/health/ready")).status === 200;
        });
      });
    }

    it("never fails a request while its model is reloaded", async () => {
      await client.load("m");
      const work = { isOver: false };
      const count = { answered: 0 };
      const senders = Array.from({ length: 4 }, async () => {
        while (!work.isOver) {
          assert.equal(await client.infer("m"), 1);
          count.answered++;
        }
      });
      try {
        for (let i = 1; i <= 4; i++) {
          assert.deepEqual(await client.load("m", { config: config({ max_batch_size: i }) }), ok);
        }
      } finally {
        work.isOver = true;
        await Promise.all(senders);
      }
      assert.ok(count.answered > 0);
    });

    it("answers every call of a storm of loads and unloads (row 107)", async () => {
      const outcomes = await Promise.all(
        Array.from({ length: 12 }, (_, i) => {
          const name = i % 2 === 0 ? "m" : "n";
          return i % 3 === 2 ? client.unload(name) : client.load(name);
        }),
      );
      assert.deepEqual(new Set(outcomes.map(({ message }) => message)), new Set([""]));
    });
  });
}

describe("Model repository extension, names of models", () => {
  const repository = useRepository(() => undefined);
  const server = useServer(() => [
    `--model-repository=${repository.current.path}`,
    "--model-control-mode=explicit",
  ]);

  for (const [name, message] of [
    ["..", /must not contain path traversal characters/],
    [" ..", /must not contain path traversal characters/],
    ["a/b", /must not contain path traversal characters/],
    [" \t\n\f\v", /^Model name cannot be empty/],
  ] as const) {
    it(`a model cannot be called ${JSON.stringify(name)}, which only gRPC can ask for (row 102)`, async () => {
      const client = overGrpc(server.current);
      const outcome = await client.load(name);
      assert.equal(outcome.status, 3);
      assert.match(outcome.message, message);
      assert.deepEqual(await client.unload(name), ok);
    });
  }
});

describe("Model repository extension at the end", () => {
  const repository = useRepository(() => undefined);
  let server: RunningServer | null = null;
  after(() => server?.kill());

  it("leaves no files of the client's behind", async () => {
    server = await RunningServer.start([
      `--model-repository=${repository.current.path}`,
      "--model-control-mode=explicit",
    ]);
    const files = { "1/model.onnx": identityModel("FP32"), [marker]: Buffer.of() };
    const given = { config: config(), files };
    assert.deepEqual(await overGrpc(server).load("uploaded", given), ok);
    assert.equal(overrideDirectoryCount(), 1);
    await server.stop();
    assert.equal(overrideDirectoryCount(), 0);
  });
});

for (const mode of ["none", "poll"]) {
  describe(`Model repository extension in control mode ${mode}`, () => {
    const repository = useRepository((made) => {
      made.add("m", { config: config(), versions: { 1: identityModel("FP32") } });
    });
    const server = useServer(() => [
      `--model-repository=${repository.current.path}`,
      `--model-control-mode=${mode}`,
    ]);

    it("refuses loads and unloads with 503, and lists the models (row 90)", async () => {
      for (const action of ["load", "unload"]) {
        const reply = await server.current.http.post(`/v2/repository/models/m/${action}`, "");
        assert.equal(reply.status, 503);
        assert.match(reply.error, /^explicit model load \/ unload is not allowed if polling is enabled/);
      }
      const client = overGrpc(server.current);
      assert.equal((await client.load("m")).status, 14);
      assert.equal((await client.unload("m")).status, 14);
      assert.deepEqual(await client.index(false), ["m/1 READY"]);
      assert.deepEqual(await overHttp(server.current).index(true), ["m/1 READY"]);
    });

    it("tells that the extension is there", async () => {
      const { extensions } = (await server.current.http.get("/v2")).json() as { extensions: string[] };
      assert.ok(extensions.includes("model_repository"));
      assert.ok(extensions.includes("model_repository(unload_dependents)"));
    });
  });
}
