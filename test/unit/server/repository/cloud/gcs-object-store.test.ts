import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { parseCloudAddress } from "../../../../../server/repository/cloud/cloud-address.ts";
import { GcsObjectStore } from "../../../../../server/repository/cloud/gcs-object-store.ts";

describe("GcsObjectStore", () => {
  it("GcsObjectStore sorts what Google refuses by how far the call came", async () => {
    const address = parseCloudAddress("gs://bucket");
    assert.ok(!("expected" in address));
    const store = await GcsObjectStore.open(address, "");
    const cases: [number | string, string, string][] = [
      [0, "Could not load the default credentials.", "credentials"],
      ["ENOENT", "ENOENT: no such file or directory, open 'key.json'", "credentials"],
      [401, "Invalid Credentials", "credentials"],
      [403, "caller does not have storage.objects.list access", "permission"],
      [404, "The specified bucket does not exist.", "bucket"],
      [404, "No such object: bucket/m/1/model.onnx", "key"],
      [412, "Precondition Failed", "key"],
      ["ECONNREFUSED", "connect ECONNREFUSED", "endpoint"],
      [500, "Backend Error", "request"],
    ];
    for (const [code, message, step] of cases) {
      const problem = store.explain(Object.assign(new Error(message), { code }));
      assert.equal(problem.step, step, message);
      assert.ok(problem.reason.includes(message.replace(/\.$/, "")), problem.reason);
    }
  });
});
