import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { identityModel, slowModel } from "../../../tools/onnx-builder/model-zoo.ts";
import { inferRowsOverGrpc, inferRowsOverHttp, row, rowModelConfig } from "../../helpers/fp32-rows.ts";
import { useServer } from "../../helpers/start-server.ts";
import { type TemporaryRepository, useRepository } from "../../helpers/temporary-repository.ts";

interface Resource {
  readonly name: string;
  readonly count: number;
  readonly global?: boolean;
}

function addLimited(
  repository: TemporaryRepository,
  name: string,
  model: Uint8Array,
  rate_limiter: { readonly resources: readonly Resource[]; readonly priority?: number },
): void {
  const instance_group = [{ kind: "KIND_CPU", count: 1, rate_limiter }];
  repository.add(name, { config: rowModelConfig({ instance_group }), versions: { 1: model } });
}

const seven = Buffer.from(row(7).buffer);

describe("Rate limiter", () => {
  const repository = useRepository((made) => {
    const slow = slowModel(1_500);
    addLimited(made, "once", slow, { resources: [{ name: "R", count: 1 }], priority: 1 });
    addLimited(made, "twice", slow, { resources: [{ name: "R", count: 1 }], priority: 3 });
    addLimited(made, "large", identityModel("FP32"), { resources: [{ name: "big", count: 5 }] });
    addLimited(made, "shared", identityModel("FP32"), { resources: [{ name: "r", count: 1, global: true }] });
    made.add("free", { config: rowModelConfig(), versions: { 1: identityModel("FP32") } });
  });
  const server = useServer(() => [
    `--model-repository=${repository.current.path}`,
    "--model-control-mode=explicit",
    ...["once", "twice", "free"].map((name) => `--load-model=${name}`),
    "--rate-limit=execution_count",
    "--rate-limit-resource=R:1",
    "--rate-limit-resource=BIG:4:0",
    "--rate-limit-resource=big:9:1",
  ]);

  async function load(name: string): Promise<string> {
    const reply = await server.current.http.post(`/v2/repository/models/${name}/load`, {});
    return reply.status === 200 ? "" : reply.error;
  }

  it("lets the less important model run less often while both want the same", async () => {
    const { http, grpc } = server.current;
    let endedTwice = 0;
    const all = 40;
    const once = Array.from({ length: all }, () => inferRowsOverHttp(http, "once", [row(7)]));
    const twice = Array.from({ length: all }, async () => {
      assert.deepEqual(await inferRowsOverGrpc(grpc, "twice", [row(7)]), seven);
      endedTwice++;
    });
    for (const output of await Promise.all(once)) assert.deepEqual(output, seven);
    // A third of the executions, give or take what was under way when it began.
    assert.ok(endedTwice < (2 * all) / 3, `${endedTwice} of ${all} had ended`);
    await Promise.all(twice);
    const page = await server.current.metrics();
    assert.equal(page.model("twice").executions, all);
  });

  it("leaves models alone that need nothing", async () => {
    const busy = Promise.all([1, 2, 3].map(() => inferRowsOverHttp(server.current.http, "once", [row(7)])));
    assert.deepEqual(await inferRowsOverHttp(server.current.http, "free", [row(7)]), seven);
    await busy;
  });

  it("refuses a model that could never run (row 123)", async () => {
    assert.match(
      await load("large"),
      /resource count for "big" is limited to 4 by --rate-limit-resource, which will prevent scheduling/,
    );
  });

  it("refuses a resource that is global and device-specific (row 124)", async () => {
    assert.match(
      await load("shared"),
      /resource "r" is global here and device-specific in model '(once|twice)'/,
    );
    for (const name of ["once", "twice"]) {
      await server.current.http.post(`/v2/repository/models/${name}/unload`, {});
    }
    const deadline = Date.now() + 10_000;
    let problem = await load("shared");
    // The models that hold the resource go when their workers have ended.
    while (problem !== "" && Date.now() < deadline) problem = await load("shared");
    assert.equal(problem, "");
    assert.deepEqual(await inferRowsOverHttp(server.current.http, "shared", [row(7)]), seven);
  });

  it("keeps its resources over reloads, and shows them in the config", async () => {
    assert.equal(await load("once").then(() => load("shared")), "");
    for (let i = 0; i < 3; i++) {
      addLimited(repository.current, "shared", identityModel("FP32"), {
        resources: [{ name: "r", count: 1, global: true }],
        priority: i + 1,
      });
      assert.equal(await load("shared"), "");
      assert.deepEqual(await inferRowsOverHttp(server.current.http, "shared", [row(7)]), seven);
    }
    const config = (await server.current.http.get("/v2/models/shared/config")).json() as {
      instance_group: { rate_limiter: unknown }[];
    };
    assert.deepEqual(config.instance_group[0]?.rate_limiter, {
      resources: [{ name: "r", global: true, count: 1 }],
      priority: 3,
    });
  });
});

describe("A server that does not limit rates", () => {
  const repository = useRepository((made) => {
    addLimited(made, "limited", identityModel("FP32"), { resources: [{ name: "R", count: 1 }] });
  });
  const server = useServer(() => [
    `--model-repository=${repository.current.path}`,
    "--rate-limit-resource=R:0",
  ]);

  it("runs models whatever they need, and says so", async () => {
    assert.deepEqual(await inferRowsOverHttp(server.current.http, "limited", [row(7)]), seven);
    assert.match(
      server.current.log,
      /Model 'limited': rate_limiter has no effect, because --rate-limit is off/,
    );
    assert.match(server.current.log, /--rate-limit-resource has no effect: --rate-limit is off/);
  });
});
