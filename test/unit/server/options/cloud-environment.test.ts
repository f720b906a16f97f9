import assert from "node:assert/strict";
import { describe, it } from "mocha";
import {
  cloudEnvironmentVariables,
  cloudSettingsFrom,
} from "../../../../server/options/cloud-environment.ts";
import { parseOptions } from "../../../../server/options/parse-options.ts";
import { defaultCloudSettings } from "../../../../server/repository/cloud/cloud-settings.ts";

describe("cloudSettingsFrom", () => {
  it("cloudSettingsFrom has nothing where nothing is set", () => {
    assert.deepEqual(cloudSettingsFrom({}), defaultCloudSettings);
  });

  it("cloudSettingsFrom reads every variable that is documented", () => {
    const env = Object.fromEntries(
      Object.entries(cloudEnvironmentVariables).map(([key, { name }]) => [name, `value of ${key}`]),
    );
    assert.deepEqual(cloudSettingsFrom(env), {
      credentialPath: "value of credentialPath",
      mountDirectories: {
        s3: "value of s3MountDirectory",
        gs: "value of gsMountDirectory",
        as: "value of asMountDirectory",
      },
      awsDefaultRegion: "value of awsDefaultRegion",
      azure: {
        account: "value of azureAccount",
        key: "value of azureKey",
        sasToken: "value of azureSasToken",
        connectionString: "value of azureConnectionString",
        authType: "value of azureAuthType",
        clientId: "value of azureClientId",
      },
    });
  });

  it("cloudSettingsFrom is what parseOptions puts into the options", () => {
    const parsed = parseOptions(["--model-repository=x"], { AZURE_STORAGE_KEY: "k" });
    assert.ok(parsed.kind === "serve");
    assert.equal(parsed.options.cloudSettings.azure.key, "k");
  });
});
