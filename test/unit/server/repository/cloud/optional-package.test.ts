import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { parseCloudAddress } from "../../../../../server/repository/cloud/cloud-address.ts";
import { importPackage } from "../../../../../server/repository/cloud/optional-package.ts";

describe("importPackage", () => {
  const address = parseCloudAddress("gs://bucket");
  assert.ok(!("expected" in address));

  it("importPackage gives the package", async () => {
    const found = await importPackage<{ strict: unknown }>(
      "node:assert",
      address,
      () => import("node:assert"),
    );
    assert.equal(found.strict, assert);
  });

  it("importPackage names a package that is not installed, and the repository that needs it", async () => {
    const name = "@nereid/not-a-package";
    await assert.rejects(
      importPackage(name, address, () => import(name) as Promise<unknown>),
      {
        code: "UNSUPPORTED",
        message: `'gs://bucket' needs the package ${name}, which is not installed: run 'npm install ${name}'`,
      },
    );
  });

  it("importPackage lets other failures through", async () => {
    const broken = new Error("broken inside");
    await assert.rejects(
      importPackage("x", address, () => Promise.reject(broken)),
      broken,
    );
    const inner = Object.assign(new Error("Cannot find package 'y'"), { code: "ERR_MODULE_NOT_FOUND" });
    await assert.rejects(
      importPackage("x", address, () => Promise.reject(inner)),
      inner,
    );
  });
});
