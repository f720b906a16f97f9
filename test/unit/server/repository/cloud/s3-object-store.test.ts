import assert from "node:assert/strict";
import { after, before, describe, it } from "mocha";
import { parseCloudAddress } from "../../../../../server/repository/cloud/cloud-address.ts";
import { S3ObjectStore } from "../../../../../server/repository/cloud/s3-object-store.ts";
import { ScriptedS3Server } from "../../../../helpers/scripted-s3-server.ts";

describe("S3ObjectStore", () => {
  const s3 = new ScriptedS3Server();
  before(async () => {
    for (let i = 0; i < 10; i++) s3.put(`p/m${i % 4}/${i}/model.onnx`, `content ${i}`);
    await s3.start();
  });
  after(() => s3.stop());

  function open(text = s3.address("p")): Promise<S3ObjectStore> {
    const address = parseCloudAddress(text);
    assert.ok(!("expected" in address));
    const credential = {
      key_id: s3.keyId,
      secret_key: "s",
      region: "eu-west-1",
      session_token: "t",
      profile: "",
    };
    return S3ObjectStore.open(address, credential, "");
  }

  async function textOf(stream: AsyncIterable<Buffer>): Promise<string> {
    const chunks: Buffer[] = [];
    for await (const chunk of stream) chunks.push(chunk);
    return Buffer.concat(chunks).toString();
  }

  it("S3ObjectStore lists all pages", async () => {
    const store = await open();
    const objects = await store.list("p/");
    assert.equal(objects.length, 10);
    assert.equal(objects[0]?.key, "p/m0/0/model.onnx");
    assert.equal(objects[0].sizeBytes, 9);
    assert.match(objects[0].revision, /^"[0-9a-f]{32}"$/);
    assert.deepEqual(await store.listDirectories("p/"), ["m0", "m1", "m2", "m3"]);
  });

  it("S3ObjectStore reads the revision that was listed, and no other", async () => {
    const store = await open();
    const [object] = await store.list("p/m1/1/");
    assert.ok(object !== undefined);
    const { signal } = new AbortController();
    assert.equal(await textOf(await store.open(object, signal)), "content 1");
    s3.put(object.key, "content x");
    const refused = await store.open(object, signal).catch((thrown: unknown) => store.explain(thrown));
    assert.deepEqual([(refused as { step: string }).step], ["key"]);
  });

  it("S3ObjectStore sorts what S3 refuses by how far the call came", async () => {
    const store = await open();
    const cases: [string, number, string][] = [
      ["InvalidAccessKeyId", 403, "credentials"],
      ["SignatureDoesNotMatch", 403, "credentials"],
      ["ExpiredToken", 400, "credentials"],
      ["NoSuchBucket", 404, "bucket"],
      ["PermanentRedirect", 301, "bucket"],
      ["AccessDenied", 403, "permission"],
      ["UnheardOfRefusal", 403, "permission"],
      ["NoSuchKey", 404, "key"],
      ["UnheardOfFailure", 400, "request"],
    ];
    for (const [code, status, step] of cases) {
      s3.listRefusal = { code, status };
      const problem = await store.list("p/").catch((thrown: unknown) => store.explain(thrown));
      s3.listRefusal = null;
      assert.ok("step" in problem, code);
      assert.deepEqual([problem.step, problem.reason], [step, `${code}: scripted ${code}`]);
      assert.equal(problem.advice === "", step === "request");
    }
  });
});
