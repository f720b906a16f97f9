import { AzureObjectStore } from "./azure-object-store.ts";
import type { CloudAddress } from "./cloud-address.ts";
import type { AzureSettings, CloudSettings } from "./cloud-settings.ts";
import { type AzureCredential, CredentialFile } from "./credential-file.ts";
import { GcsObjectStore } from "./gcs-object-store.ts";
import type { ObjectStore } from "./object-store.ts";
import { S3ObjectStore } from "./s3-object-store.ts";

/**
 * Opens the storage of an address, with the SDK that is for it. Nothing is asked of the network yet, but an identity's
 * files may be read.
 *
 * @throws StatusError when the SDK is not installed, or the credential file is wrong or has nothing for this address.
 */
export async function openObjectStore(address: CloudAddress, settings: CloudSettings): Promise<ObjectStore> {
  const { credentialPath } = settings;
  const file = credentialPath === "" ? null : await CredentialFile.read(credentialPath);
  switch (address.scheme) {
    case "s3":
      return S3ObjectStore.open(address, file?.s3(address) ?? null, settings.awsDefaultRegion);
    case "gs":
      return GcsObjectStore.open(address, file?.googleKeyFile(address) ?? "");
    case "as":
      return AzureObjectStore.open(
        address,
        file === null ? settings.azure : azureSettingsOf(file.azure(address)),
      );
  }
}

/** A credential file takes the place of the environment. */
function azureSettingsOf(credential: AzureCredential): AzureSettings {
  return {
    account: credential.account_str,
    key: credential.account_key,
    authType: credential.auth_type,
    clientId: credential.client_id,
    sasToken: "",
    connectionString: "",
  };
}
