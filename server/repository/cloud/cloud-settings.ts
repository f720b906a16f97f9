/**
 * What the environment says of repositories in the cloud. The SDKs read more of it by themselves: the credential chains
 * of AWS and Google, proxies, certificates.
 *
 * @remarks Holds secrets: never log it. Survives structured cloning.
 */
export interface CloudSettings {
  /** `TRITON_CLOUD_CREDENTIAL_PATH`; "": credentials come from the environment. */
  readonly credentialPath: string;
  /** Existing directories for copies of repositories; "": the system's directory for temporary files. */
  readonly mountDirectories: { readonly s3: string; readonly gs: string; readonly as: string };
  /** `AWS_DEFAULT_REGION`, which the SDK does not read; "": not set. */
  readonly awsDefaultRegion: string;
  readonly azure: AzureSettings;
}

/** How an Azure storage account is entered. Each text is "" when it is not set. */
export interface AzureSettings {
  /** Takes the place of the account in the address. */
  readonly account: string;
  readonly key: string;
  readonly sasToken: string;
  /** Has everything in it: the place of the account too. */
  readonly connectionString: string;
  /** `key`, `managed_identity`, `default`, or "" for whatever else is set. */
  readonly authType: string;
  /** Of a managed identity that a user has assigned. */
  readonly clientId: string;
}

/** Nothing is set: what a program that embeds the server starts from. */
export const defaultCloudSettings: CloudSettings = {
  credentialPath: "",
  mountDirectories: { s3: "", gs: "", as: "" },
  awsDefaultRegion: "",
  azure: { account: "", key: "", sasToken: "", connectionString: "", authType: "", clientId: "" },
};
