import assert from "node:assert/strict";
import { describe, it } from "mocha";
import {
  type CloudAddress,
  parseCloudAddress,
} from "../../../../../server/repository/cloud/cloud-address.ts";
import { CredentialFile } from "../../../../../server/repository/cloud/credential-file.ts";
import { useTestDirectory } from "../../../../helpers/temporary-directory.ts";

describe("CredentialFile", () => {
  const directory = useTestDirectory();

  function read(content: unknown): Promise<CredentialFile> {
    const text = typeof content === "string" ? content : JSON.stringify(content);
    return CredentialFile.read(directory.write(text, "credentials.json"));
  }

  function at(text: string): CloudAddress {
    const address = parseCloudAddress(text);
    assert.ok(!("expected" in address));
    return address;
  }

  it("CredentialFile takes the longest beginning of an address", async () => {
    const file = await read({
      gs: { "": "general.json", "gs://one": "one.json", "gs://one/deep": "deep.json" },
    });
    assert.equal(file.googleKeyFile(at("gs://other")), "general.json");
    assert.equal(file.googleKeyFile(at("gs://one/a")), "one.json");
    assert.equal(file.googleKeyFile(at("gs://one/deep/a")), "deep.json");
  });

  it("CredentialFile fills in what an entry leaves out", async () => {
    const file = await read({
      s3: { "": { key_id: "id", secret_key: "secret" } },
      as: { "as://a/c": { account_str: "a", auth_type: "managed_identity" } },
    });
    assert.deepEqual(file.s3(at("s3://b")), {
      key_id: "id",
      secret_key: "secret",
      region: "",
      session_token: "",
      profile: "",
    });
    assert.deepEqual(file.azure(at("as://a/c/models")), {
      account_str: "a",
      account_key: "",
      auth_type: "managed_identity",
      client_id: "",
    });
  });

  it("CredentialFile says where it is wrong, and shows no secret", async () => {
    const cases: [unknown, (file: CredentialFile) => unknown, RegExp][] = [
      [{}, (file) => file.s3(at("s3://b")), /has no credentials for 's3:\/\/b': add .* to "s3"$/],
      [{ s3: { "s3://c": {} } }, (file) => file.s3(at("s3://b")), /has no credentials for 's3:\/\/b'/],
      [{ s3: [] }, (file) => file.s3(at("s3://b")), /expects an object at "s3"$/],
      [{ s3: { "": "secret" } }, (file) => file.s3(at("s3://b")), /expects an object at "s3"\.""$/],
      [
        { s3: { "": { key_id: 7 } } },
        (file) => file.s3(at("s3://b")),
        /expects a text at "s3"\.""\."key_id"$/,
      ],
      [
        { s3: { "": { key: "secret" } } },
        (file) => file.s3(at("s3://b")),
        /has "key" at "s3"\."", where only secret_key, /,
      ],
      [
        { gs: { "": {} } },
        (file) => file.googleKeyFile(at("gs://b")),
        /expects the path of a key file at "gs"\.""$/,
      ],
    ];
    for (const [content, use, message] of cases) {
      const file = await read(content);
      assert.throws(() => use(file), { code: "INVALID_ARG", message });
      assert.throws(
        () => use(file),
        ({ message: text }: Error) =>
          !text.includes('secret"') && text.startsWith("the cloud credential file '"),
      );
    }
  });

  it("CredentialFile must be a JSON object that is there", async () => {
    await assert.rejects(read("{"), /credentials\.json' cannot be read: /);
    await assert.rejects(read([]), /expects an object with the members "s3", "gs" and "as"/);
    await assert.rejects(CredentialFile.read(directory.in("none")), /cannot be read: ENOENT/);
  });
});
