import assert from "node:assert/strict";
import { describe, it } from "mocha";
import type { ApiCategory } from "../../../../server/api-restriction.ts";
import { apiCategoryOf, RestrictedHttpApi } from "../../../../server/http/restricted-api.ts";
import { FakeExchange } from "../../../helpers/fake-exchange.ts";

const pathsByCategory: Readonly<Record<ApiCategory, readonly string[]>> = {
  health: ["/v2/health/live", "/v2/health/ready", "/v2/models/m/ready", "/v2/models/stats/versions/1/ready"],
  metadata: ["/v2", "/v2/models/m", "/v2/models/ready", "/v2/models/infer/versions/3"],
  inference: [
    "/v2/models/m/infer",
    "/v2/models/config/versions/1/infer",
    "/v2/models/m/generate",
    "/v2/models/m/generate_stream",
  ],
  "shared-memory": [
    "/v2/systemsharedmemory/status",
    "/v2/systemsharedmemory/region/ready/status",
    "/v2/cudasharedmemory/region/x/register",
    "/v2/cudasharedmemory/unregister",
  ],
  "model-config": ["/v2/models/m/config", "/v2/models/m/versions/1/config"],
  "model-repository": [
    "/v2/repository/index",
    "/v2/repository/models/infer/load",
    "/v2/repository/r/models/m/unload",
  ],
  statistics: ["/v2/models/stats", "/v2/models/m/stats", "/v2/models/m/versions/1/stats"],
  trace: ["/v2/trace/setting", "/v2/models/m/trace/setting"],
  logging: ["/v2/logging"],
};

describe("apiCategoryOf", () => {
  for (const [category, paths] of Object.entries(pathsByCategory)) {
    it(`knows the paths of ${category}`, () => {
      for (const path of paths) assert.equal(apiCategoryOf(path), category, path);
    });
  }
});

describe("RestrictedHttpApi", () => {
  const api = new RestrictedHttpApi([
    { categories: ["inference", "health"], key: "Admin-Key", value: "secret" },
  ]);
  const refusal = (path: string, headers: Record<string, string>): string | null =>
    api.refusal(path, new FakeExchange(headers));

  it("§12.1-21: names the header that a request lacks", () => {
    const message = "This API is restricted, expecting header 'Admin-Key'";
    assert.equal(refusal("/v2/models/m/infer", {}), message);
    assert.equal(refusal("/v2/health/live", { "admin-key": "Secret" }), message);
  });

  it("lets those through who know the value, and everyone to the other categories", () => {
    assert.equal(refusal("/v2/models/m/infer", { "admin-key": "secret" }), null);
    assert.equal(refusal("/v2/models/m", {}), null);
  });
});
