import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import path from "node:path";
import { after, before, describe, it } from "mocha";
import { defaultCloudSettings } from "../../../../../server/repository/cloud/cloud-settings.ts";
import { MirrorThread } from "../../../../../server/repository/cloud/mirror-thread.ts";
import { ScriptedS3Server } from "../../../../helpers/scripted-s3-server.ts";
import { useTestDirectory } from "../../../../helpers/temporary-directory.ts";

describe("MirrorThread", () => {
  const directory = useTestDirectory();
  const s3 = new ScriptedS3Server();
  before(() => s3.start());
  after(() => s3.stop());

  /** @param keyId - Of the only credentials that there are. */
  function open(addresses: readonly string[], keyId = s3.keyId): { thread: MirrorThread; news: string[] } {
    const credentials = { s3: { "": { key_id: keyId, secret_key: "secret" } } };
    const news: string[] = [];
    const thread = new MirrorThread(
      addresses,
      {
        ...defaultCloudSettings,
        credentialPath: directory.write(JSON.stringify(credentials), "credentials.json"),
        mountDirectories: { s3: directory.make("mount"), gs: "", as: "" },
      },
      ({ severity, sentence }) => news.push(`${severity}: ${sentence}`),
    );
    return { thread, news };
  }

  it("MirrorThread copies repositories, and removes the copies when it is closed", async () => {
    for (const key of ["p/m/config.json", "p/m/1/a", "p/m/1/b", "p/m/1/c", "p/n/1/model.onnx"])
      s3.put(key, key);
    const addresses = [s3.address("p"), s3.address("p/m")];
    const { thread, news } = open(addresses);
    const at = addresses.map((address) => thread.directories.get(address) ?? "");
    assert.ok(!existsSync(at[0]!));
    assert.deepEqual(await thread.list(), [
      { address: addresses[0], names: ["m", "n"] },
      { address: addresses[1], names: ["1"] },
    ]);
    assert.deepEqual(await thread.refresh(["n"]), { unreadable: [], unreadableModels: [] });
    assert.deepEqual(readdirSync(at[0]!), ["n"]);
    assert.deepEqual(await thread.refresh(null), { unreadable: [], unreadableModels: [] });
    assert.deepEqual(readdirSync(path.join(at[0]!, "m", "1")), ["a", "b", "c"]);
    assert.deepEqual(readdirSync(at[1]!), ["1"]);
    assert.ok(news.includes(`info: Copied model 'm' of '${addresses[0]}': 4 files, 0.0 MB transferred`));
    await thread.close();
    assert.deepEqual(readdirSync(directory.in("mount")), []);
    await assert.rejects(thread.refresh(null), { code: "UNAVAILABLE", message: "Server is shutting down" });
  });

  it("MirrorThread tells which repositories cannot be read, and at which step", async () => {
    const [missing, nobody] = [s3.address("p", "none"), "s3://127.0.0.1:1/bucket"];
    const { thread } = open([missing, nobody, s3.address("p")]);
    const { unreadable } = await thread.refresh(null);
    await thread.close();
    const messages = new Map(unreadable.map(({ repository, problem }) => [repository, problem.message]));
    assert.equal(messages.size, 2);
    assert.equal(
      messages.get(missing),
      `failed to read '${missing}' at step 'bucket': NoSuchBucket: scripted NoSuchBucket; correct the address, or create the bucket`,
    );
    assert.match(messages.get(nobody) ?? "", /at step 'endpoint': connect ECONNREFUSED 127\.0\.0\.1:1;/);
    const wrong = open([s3.address("p")], "somebody-else");
    const [refused] = (await wrong.thread.refresh(null)).unreadable;
    await wrong.thread.close();
    assert.match(refused?.problem.message ?? "", /at step 'credentials': InvalidAccessKeyId: /);
  });

  it("MirrorThread ends what it is doing when it is interrupted, and keeps the copies", async () => {
    s3.put("p/m/1/a", "a");
    const { thread } = open([s3.address("p")]);
    await thread.refresh(["m"]);
    const under = thread.refresh(null);
    const ended = thread.interrupt();
    await assert.rejects(under, { code: "UNAVAILABLE" });
    await ended;
    assert.deepEqual(readdirSync(thread.directories.get(s3.address("p"))!), ["m"]);
    await thread.close();
  });

  it("MirrorThread can be closed before it has done anything", async () => {
    const { thread } = open([s3.address("p")]);
    await thread.close();
    assert.deepEqual(readdirSync(directory.in("mount")), []);
  });
});
