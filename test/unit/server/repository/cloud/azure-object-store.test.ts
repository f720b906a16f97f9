import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { AzureObjectStore } from "../../../../../server/repository/cloud/azure-object-store.ts";
import {
  type CloudAddress,
  parseCloudAddress,
} from "../../../../../server/repository/cloud/cloud-address.ts";
import {
  type AzureSettings,
  defaultCloudSettings,
} from "../../../../../server/repository/cloud/cloud-settings.ts";

describe("AzureObjectStore", () => {
  function at(text: string): CloudAddress {
    const address = parseCloudAddress(text);
    assert.ok(!("expected" in address));
    return address;
  }

  function open(settings: Partial<AzureSettings> = {}): Promise<AzureObjectStore> {
    return AzureObjectStore.open(at("as://account/container"), {
      ...defaultCloudSettings.azure,
      ...settings,
    });
  }

  it("AzureObjectStore sorts what Azure refuses by how far the call came", async () => {
    const store = await open();
    const cases: [object, string][] = [
      [{ code: "AuthenticationFailed", statusCode: 403 }, "credentials"],
      [{ code: "NoAuthenticationInformation", statusCode: 401 }, "credentials"],
      [{ name: "CredentialUnavailableError" }, "credentials"],
      [{ code: "ContainerNotFound", statusCode: 404 }, "bucket"],
      [{ code: "AuthorizationPermissionMismatch", statusCode: 403 }, "permission"],
      [{ code: "UnheardOf", statusCode: 403 }, "permission"],
      [{ code: "BlobNotFound", statusCode: 404 }, "key"],
      [{ code: "ConditionNotMet", statusCode: 412 }, "key"],
      [{ code: "ENOTFOUND" }, "endpoint"],
      [{ code: "UnheardOf", statusCode: 400 }, "request"],
    ];
    for (const [fields, step] of cases) {
      const { step: found, reason } = store.explain(
        Object.assign(new Error("Words.\nRequestId:1\nTime:2"), fields),
      );
      assert.equal(found, step, JSON.stringify(fields));
      assert.ok(!/RequestId/.test(reason) || step === "request" || step === "endpoint", reason);
    }
  });

  it("AzureObjectStore opens with each kind of credentials", async () => {
    const connectionString =
      "DefaultEndpointsProtocol=http;AccountName=a;AccountKey=c2VjcmV0;BlobEndpoint=http://127.0.0.1:1/a;";
    for (const settings of [
      { key: "c2VjcmV0" },
      { sasToken: "sv=1&sig=x" },
      { connectionString },
      { authType: "key" },
    ]) {
      await open(settings);
    }
  });

  it("AzureObjectStore names the package that identities need", async () => {
    for (const authType of ["managed_identity", "default"]) {
      await assert.rejects(open({ authType }), {
        code: "UNSUPPORTED",
        message:
          /^'as:\/\/account\/container' needs the package @azure\/identity, which is not installed: run 'npm install @azure\/identity'$/,
      });
    }
  });

  it("AzureObjectStore refuses an authentication that it does not know", async () => {
    await assert.rejects(open({ authType: "password" }), {
      code: "INVALID_ARG",
      message: "AZURE_STORAGE_AUTH_TYPE expects key, managed_identity or default, got 'password'",
    });
  });
});
