import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { useServer } from "../../helpers/start-server.ts";
import { useRepository } from "../../helpers/temporary-repository.ts";
import { waitUntil } from "../../helpers/wait-until.ts";

/** A model whose instances answer with names of their own, after as many ms as the request says. */
const code = `
  import { randomUUID } from "node:crypto";
  import { setTimeout as delay } from "node:timers/promises";
  const id = randomUUID();
  export async function execute(requests) {
    await delay(Number(requests[0].parameters.delay));
    return requests.map(() => ({ outputs: { ID: [id] } }));
  }`;

function config(fields: object = {}): object {
  return {
    backend: "javascript",
    input: [{ name: "IN", data_type: "TYPE_FP32", dims: [1] }],
    output: [{ name: "ID", data_type: "TYPE_STRING", dims: [1] }],
    ...fields,
  };
}

function groups(...instance_group: object[]): object {
  return config({ instance_group });
}

describe("Changes of instances in place", () => {
  const repository = useRepository((made) => {
    for (const name of ["m", "orders", "counts", "files", "versions"]) {
      made.add(name, { config: groups({ count: 1 }), versions: { 1: null } });
      made.replaceFile(code, name, "1", "model.mjs");
    }
    made.replaceFile(
      JSON.stringify(groups({ name: "x", count: 1 }, { name: "y", count: 2 })),
      "orders",
      "config.json",
    );
    made.replaceFile(JSON.stringify(config()), "counts", "config.json");
  });
  const server = useServer(() => [
    `--model-repository=${repository.current.path}`,
    "--model-control-mode=explicit",
    "--load-model=*",
  ]);

  async function load(name: string): Promise<number> {
    return (await server.current.http.post(`/v2/repository/models/${name}/load`, "")).status;
  }

  async function reconfigure(name: string, content: object): Promise<void> {
    repository.current.replaceFile(JSON.stringify(content), name, "config.json");
    assert.equal(await load(name), 200);
  }

  async function ask(name: string, delay: number): Promise<string> {
    const reply = await server.current.http.post(`/v2/models/${name}/infer`, {
      parameters: { delay },
      inputs: [{ name: "IN", datatype: "FP32", shape: [1], data: [0] }],
    });
    assert.equal(reply.status, 200, reply.text);
    return (reply.json() as { outputs: [{ data: [string] }] }).outputs[0].data[0];
  }

  /** The instances that answer when more requests come at once than there are instances. */
  async function instancesOf(name: string): Promise<ReadonlySet<string>> {
    return new Set(await Promise.all(Array.from({ length: 12 }, () => ask(name, 30))));
  }

  function logged(name: string, what: string): number {
    return server.current.log.split("\n").filter((line) => line.includes(`'${name}'`) && line.includes(what))
      .length;
  }

  async function successes(name: string): Promise<number> {
    return (await server.current.metrics()).model(name).success;
  }

  it("adds and removes instances, and neither requests nor metrics notice (row 95)", async () => {
    const [first] = await instancesOf("m");
    const before = await successes("m");
    const underWay = ask("m", 1_500);
    await reconfigure("m", groups({ count: 3 }));
    // The first one is busy still.
    const added = await instancesOf("m");
    assert.equal(added.size, 2);
    assert.equal(await underWay, first);
    const three = await instancesOf("m");
    assert.deepEqual([...three].sort(), [first!, ...added].sort());
    await reconfigure("m", groups({ count: 1 }));
    await waitUntil("one instance is left", async () => (await instancesOf("m")).size === 1);
    const [left] = await instancesOf("m");
    assert.ok(three.has(left!));
    assert.ok((await successes("m")) > before + 36);
    assert.equal(logged("m", "version 1 is ready"), 1);
    assert.equal(logged("m", "goes on with 3 instance(s): 2 added, 0 removed"), 1);
    assert.equal(logged("m", "goes on with 1 instance(s): 0 added, 2 removed"), 1);
  });

  it("shows the new instances in the config", async () => {
    const reply = await server.current.http.get("/v2/models/m/config");
    const shown = reply.json() as { instance_group: { count: number }[] };
    assert.deepEqual(
      shown.instance_group.map(({ count }) => count),
      [1],
    );
  });

  it("leaves all instances when only names or the order change (row 96)", async () => {
    const before = await instancesOf("orders");
    assert.equal(before.size, 3);
    await reconfigure("orders", groups({ name: "b", count: 2 }, { name: "a", count: 1 }));
    await reconfigure("orders", groups({ count: 3 }));
    assert.deepEqual([...(await instancesOf("orders"))].sort(), [...before].sort());
    assert.equal(logged("orders", "goes on with"), 0);
    assert.equal(logged("orders", "is ready"), 1);
  });

  it("takes a count of 0 for the number that runs without one (row 96)", async () => {
    const before = await instancesOf("counts");
    await reconfigure("counts", groups({ count: 0 }));
    assert.deepEqual(await instancesOf("counts"), before);
    assert.equal(logged("counts", "is ready"), 1);
  });

  it("loads everything anew when a file or another field has changed too (row 97)", async () => {
    let before = await instancesOf("files");
    repository.current.replaceFile(`${code}\n// changed`, "files", "1", "model.mjs");
    await reconfigure("files", groups({ count: 2 }));
    let after = await instancesOf("files");
    assert.equal(after.size, 2);
    assert.ok([...after].every((id) => !before.has(id)));
    before = after;
    await reconfigure(
      "files",
      config({ instance_group: [{ count: 2 }], parameters: { p: { string_value: "1" } } }),
    );
    after = await instancesOf("files");
    assert.ok([...after].every((id) => !before.has(id)));
    assert.equal(logged("files", "is ready"), 3);
  });

  it("leaves a version that stays when the policy or the versions change", async () => {
    const before = await instancesOf("versions");
    repository.current.addVersion("versions", "2", Buffer.from("unused"));
    repository.current.replaceFile(code, "versions", "2", "model.mjs");
    await reconfigure("versions", config({ instance_group: [{ count: 1 }], version_policy: { all: {} } }));
    assert.deepEqual(await instancesOf("versions/versions/1"), before);
    assert.equal((await instancesOf("versions/versions/2")).size, 1);
    assert.equal(logged("versions", "version 1 is ready"), 1);
    await reconfigure(
      "versions",
      config({ instance_group: [{ count: 1 }], version_policy: { specific: { versions: [1] } } }),
    );
    assert.deepEqual(await instancesOf("versions"), before);
    assert.equal((await server.current.http.get("/v2/models/versions/versions/2/ready")).status, 503);
  });

  it("keeps the instances that there are when a new one cannot be had", async () => {
    const before = await instancesOf("m");
    const refused = JSON.stringify(groups({ count: 1 }, { kind: "KIND_GPU", count: 1 }));
    repository.current.replaceFile(refused, "m", "config.json");
    assert.notEqual(await load("m"), 200);
    assert.deepEqual(await instancesOf("m"), before);
  });
});
