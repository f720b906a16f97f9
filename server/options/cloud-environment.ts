import type { CloudSettings } from "../repository/cloud/cloud-settings.ts";

/** The variables for repositories in the cloud that the server reads itself, by their fields of {@link CloudSettings}. */
export const cloudEnvironmentVariables = {
  credentialPath: {
    name: "TRITON_CLOUD_CREDENTIAL_PATH",
    doc: "JSON file with credentials by address, see docs/cloud-repositories.md. Those of the environment are not used then.",
    defaultValue: "",
  },
  s3MountDirectory: {
    name: "TRITON_AWS_MOUNT_DIRECTORY",
    doc: "Existing directory in which `s3://` repositories are copied, instead of the one for temporary files.",
    defaultValue: "",
  },
  gsMountDirectory: {
    name: "TRITON_GCS_MOUNT_DIRECTORY",
    doc: "The same for `gs://`.",
    defaultValue: "",
  },
  asMountDirectory: {
    name: "TRITON_AZURE_MOUNT_DIRECTORY",
    doc: "The same for `as://`.",
    defaultValue: "",
  },
  awsDefaultRegion: {
    name: "AWS_DEFAULT_REGION",
    doc: "Region of `s3://` repositories where neither `AWS_REGION` nor a profile names one.",
    defaultValue: "",
  },
  azureAccount: {
    name: "AZURE_STORAGE_ACCOUNT",
    doc: "Storage account of `as://` repositories, in place of the one in their addresses.",
    defaultValue: "",
  },
  azureKey: { name: "AZURE_STORAGE_KEY", doc: "Key of that account.", defaultValue: "" },
  azureSasToken: {
    name: "AZURE_STORAGE_SAS_TOKEN",
    doc: "Shared access signature, used where there is no key.",
    defaultValue: "",
  },
  azureConnectionString: {
    name: "AZURE_STORAGE_CONNECTION_STRING",
    doc: "Account, key and place of `as://` repositories in one; wins over the others.",
    defaultValue: "",
  },
  azureAuthType: {
    name: "AZURE_STORAGE_AUTH_TYPE",
    doc: "`managed_identity` or `default` for an identity of Azure, which needs the package `@azure/identity`; `key` otherwise.",
    defaultValue: "",
  },
  azureClientId: {
    name: "AZURE_STORAGE_CLIENT_ID",
    doc: "Client id of a managed identity that a user has assigned.",
    defaultValue: "",
  },
} as const;

/** Reads the environment's part of {@link CloudSettings}. What is not set is "". */
export function cloudSettingsFrom(env: Readonly<Record<string, string | undefined>>): CloudSettings {
  const valueOf = (key: keyof typeof cloudEnvironmentVariables): string =>
    env[cloudEnvironmentVariables[key].name] ?? "";
  return {
    credentialPath: valueOf("credentialPath"),
    mountDirectories: {
      s3: valueOf("s3MountDirectory"),
      gs: valueOf("gsMountDirectory"),
      as: valueOf("asMountDirectory"),
    },
    awsDefaultRegion: valueOf("awsDefaultRegion"),
    azure: {
      account: valueOf("azureAccount"),
      key: valueOf("azureKey"),
      sasToken: valueOf("azureSasToken"),
      connectionString: valueOf("azureConnectionString"),
      authType: valueOf("azureAuthType"),
      clientId: valueOf("azureClientId"),
    },
  };
}
