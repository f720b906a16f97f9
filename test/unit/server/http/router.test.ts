import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { matchRoute, Router } from "../../../../server/http/router.ts";

/** `METHODS endpoint model version` of a path, or "none". */
function shown(path: string): string {
  const route = matchRoute(path);
  if (route === null) return "none";
  return [route.methods.join(","), route.endpoint, route.modelName, route.modelVersion].join(" ").trimEnd();
}

describe("matchRoute", () => {
  it("knows the paths of the server", () => {
    assert.equal(shown("/v2"), "get server-metadata");
    assert.equal(shown("/v2/health/live"), "get server-live");
    assert.equal(shown("/v2/health/ready"), "get server-ready");
    assert.equal(shown("/v2/logging"), "get,post logging");
    assert.equal(shown("/v2/trace/setting"), "get,post trace-settings");
  });

  for (const [prefix, version] of [
    ["/v2/models/m", ""],
    ["/v2/models/m/versions/12", " 12"],
  ] as const) {
    it(`knows the paths of a model: ${prefix}`, () => {
      assert.equal(shown(prefix), `get model-metadata m${version}`);
      assert.equal(shown(`${prefix}/ready`), `get model-ready m${version}`);
      assert.equal(shown(`${prefix}/config`), `get model-config m${version}`);
      assert.equal(shown(`${prefix}/infer`), `post infer m${version}`);
      assert.equal(shown(`${prefix}/stats`), `get model-statistics m${version}`);
      assert.equal(shown(`${prefix}/generate`), `post generate m${version}`);
      assert.equal(shown(`${prefix}/generate_stream`), `post generate-stream m${version}`);
    });
  }

  it("gives trace settings to models, not to versions", () => {
    assert.equal(shown("/v2/models/m/trace/setting"), "get,post trace-settings m");
    assert.equal(shown("/v2/models/m/versions/1/trace/setting"), "none");
  });

  it("takes /v2/models/stats for the statistics of all models", () => {
    assert.equal(shown("/v2/models/stats"), "get model-statistics");
    assert.equal(shown("/v2/models/stats/infer"), "post infer stats");
  });

  for (const kind of ["system", "cuda"] as const) {
    it(`knows the paths of ${kind} shared memory, with and without a region`, () => {
      for (const [operation, method] of [
        ["register", "post"],
        ["unregister", "post"],
        ["status", "get"],
      ] as const) {
        for (const [region, regionName] of [
          ["", ""],
          ["/region/x%20y", "x%20y"],
        ] as const) {
          const route = matchRoute(`/v2/${kind}sharedmemory${region}/${operation}`);
          assert.deepEqual(
            [route?.endpoint, route?.methods, route?.memoryKind, route?.regionName],
            [`shared-memory-${operation}`, [method], kind, regionName],
          );
        }
      }
    });
  }

  it("knows the paths of the model repository", () => {
    assert.equal(shown("/v2/repository/index"), "post repository-index");
    assert.equal(shown("/v2/repository/r/index"), "post repository-index");
    assert.equal(matchRoute("/v2/repository/r/index")?.repositoryName, "r");
    assert.equal(shown("/v2/repository/models/m/load"), "post model-load m");
    assert.equal(matchRoute("/v2/repository/models/m/load")?.repositoryName, "");
    assert.equal(shown("/v2/repository/r/models/m/unload"), "post model-unload m");
    assert.equal(matchRoute("/v2/repository/r/models/m/unload")?.repositoryName, "r");
  });

  it("takes names as they are, without decoding them", () => {
    assert.equal(shown("/v2/models/a%20b.c-d/infer"), "post infer a%20b.c-d");
  });

  it("wants the whole path", () => {
    for (const path of [
      "",
      "/",
      "/v2/",
      "/v1",
      "/v2/health",
      "/v2/models",
      "/v2/models/",
      "/v2/models//infer",
      "/v2/models/m/",
      "/v2/models/m/infer/",
      "/v2/models/m/infer2",
      "/v2/models/m/versions",
      "/v2/models/m/versions/",
      "/v2/models/m/versions/x",
      "/v2/models/m/versions/-1/infer",
      "/v2/models/m/versions/1.0",
      "/v2/repository/models/m",
      "/v2/sharedmemory/status",
      "/x/v2/models/m",
    ]) {
      assert.equal(shown(path), "none", path);
    }
  });
});

describe("Router", () => {
  it("remembers routes, those that do not exist included", () => {
    const router = new Router();
    const route = router.match("/v2/models/m/infer");
    assert.equal(route?.endpoint, "infer");
    assert.equal(router.match("/v2/models/m/infer"), route);
    assert.equal(router.match("/none"), null);
    assert.equal(router.match("/none"), null);
  });

  it("goes on working when clients invent more paths than it remembers", () => {
    const router = new Router();
    const first = router.match("/v2/models/m/infer");
    for (let i = 0; i < 3_000; i++) assert.equal(router.match(`/v2/models/m${i}`)?.modelName, `m${i}`);
    const again = router.match("/v2/models/m/infer");
    assert.deepEqual(again, first);
    assert.notEqual(again, first);
  });
});
