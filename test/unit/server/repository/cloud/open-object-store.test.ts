import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { AzureObjectStore } from "../../../../../server/repository/cloud/azure-object-store.ts";
import {
  type CloudAddress,
  parseCloudAddress,
} from "../../../../../server/repository/cloud/cloud-address.ts";
import { defaultCloudSettings } from "../../../../../server/repository/cloud/cloud-settings.ts";
import { GcsObjectStore } from "../../../../../server/repository/cloud/gcs-object-store.ts";
import { openObjectStore } from "../../../../../server/repository/cloud/open-object-store.ts";
import { S3ObjectStore } from "../../../../../server/repository/cloud/s3-object-store.ts";
import { useTestDirectory } from "../../../../helpers/temporary-directory.ts";

describe("openObjectStore", () => {
  const directory = useTestDirectory();
  const at = (text: string): CloudAddress => {
    const address = parseCloudAddress(text);
    assert.ok(!("expected" in address));
    return address;
  };

  it("openObjectStore opens the storage that the address means", async () => {
    assert.ok((await openObjectStore(at("s3://b"), defaultCloudSettings)) instanceof S3ObjectStore);
    assert.ok((await openObjectStore(at("gs://b"), defaultCloudSettings)) instanceof GcsObjectStore);
    assert.ok((await openObjectStore(at("as://a/c"), defaultCloudSettings)) instanceof AzureObjectStore);
  });

  it("openObjectStore takes credentials from the file when there is one, and from nowhere else", async () => {
    const content = { as: { "": { account_str: "a", auth_type: "wrong" } } };
    const credentialPath = directory.write(JSON.stringify(content), "credentials.json");
    const settings = { ...defaultCloudSettings, credentialPath };
    await assert.rejects(openObjectStore(at("s3://b"), settings), /has no credentials for 's3:\/\/b'/);
    await assert.rejects(openObjectStore(at("gs://b"), settings), /has no credentials for 'gs:\/\/b'/);
    await assert.rejects(openObjectStore(at("as://a/c"), settings), /got 'wrong'$/);
  });
});
