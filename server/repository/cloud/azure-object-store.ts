import { Readable } from "node:stream";
import type * as AzureSdk from "@azure/storage-blob";
import { StatusError } from "../../core/status.ts";
import type { CloudAddress } from "./cloud-address.ts";
import type { AzureSettings } from "./cloud-settings.ts";
import type { ObjectStore, StoredObject } from "./object-store.ts";
import { importPackage } from "./optional-package.ts";
import { failureOf, networkProblem, reasonOf, type StoreProblem, unknownProblem } from "./store-problem.ts";

type Sdk = typeof AzureSdk;
type TokenCredential = Extract<
  ConstructorParameters<Sdk["BlobServiceClient"]>[1],
  { readonly getToken: unknown }
>;

/** What is used of the package for identities, which comes without being asked for here. */
interface IdentitySdk {
  readonly DefaultAzureCredential: new () => TokenCredential;
  readonly ManagedIdentityCredential: new (options?: { readonly clientId: string }) => TokenCredential;
}

const identityPackage = "@azure/identity";
const publicHost = ".blob.core.windows.net";
const authTypes: readonly string[] = ["", "key", "managed_identity", "default"];

const pipelineOptions: AzureSdk.StoragePipelineOptions = {
  retryOptions: { maxTries: 3, retryDelayInMs: 500, maxRetryDelayInMs: 5_000, tryTimeoutInMs: 60_000 },
};

const stepByCode = new Map<string, StoreProblem["step"]>([
  ["AuthenticationFailed", "credentials"],
  ["InvalidAuthenticationInfo", "credentials"],
  ["NoAuthenticationInformation", "credentials"],
  ["CredentialUnavailableError", "credentials"],
  ["AggregateAuthenticationError", "credentials"],
  ["AuthenticationError", "credentials"],
  ["ContainerNotFound", "bucket"],
  ["ContainerBeingDeleted", "bucket"],
  ["InvalidResourceName", "bucket"],
  ["AccountIsDisabled", "bucket"],
  ["AuthorizationFailure", "permission"],
  ["AuthorizationPermissionMismatch", "permission"],
  ["InsufficientAccountPermissions", "permission"],
  ["KeyBasedAuthenticationNotPermitted", "permission"],
  ["PublicAccessNotPermitted", "permission"],
  ["ResourceNotFound", "permission"],
  ["BlobNotFound", "key"],
  ["ConditionNotMet", "key"],
  ["BlobArchived", "key"],
  ["404", "bucket"],
  ["412", "key"],
  ["403", "permission"],
  ["401", "credentials"],
]);

const adviceOf: Readonly<Record<StoreProblem["step"], string>> = {
  credentials:
    "set AZURE_STORAGE_KEY, AZURE_STORAGE_SAS_TOKEN, AZURE_STORAGE_CONNECTION_STRING or AZURE_STORAGE_AUTH_TYPE to what the account accepts",
  bucket: "correct the address, or create the container",
  permission: "let these credentials list and read blobs (role Storage Blob Data Reader)",
  key: "it was listed a moment ago: leave the blobs of a model alone while it is copied, and not in an archive",
  endpoint: "",
  request: "",
};

/** A container of Azure Blob Storage. */
export class AzureObjectStore implements ObjectStore {
  readonly #container: AzureSdk.ContainerClient;

  private constructor(container: AzureSdk.ContainerClient) {
    this.#container = container;
  }

  /**
   * @throws StatusError UNSUPPORTED when an SDK is not installed, INVALID_ARG for settings that mean nothing.
   */
  static async open(address: CloudAddress, settings: AzureSettings): Promise<AzureObjectStore> {
    if (!authTypes.includes(settings.authType)) {
      throw new StatusError(
        "INVALID_ARG",
        `AZURE_STORAGE_AUTH_TYPE expects key, managed_identity or default, got '${settings.authType}'`,
      );
    }
    const sdk = await importPackage<Sdk>("@azure/storage-blob", address, () => import("@azure/storage-blob"));
    const service = await openService(sdk, address, settings);
    return new AzureObjectStore(service.getContainerClient(address.bucket));
  }

  async list(prefix: string): Promise<readonly StoredObject[]> {
    const objects: StoredObject[] = [];
    for await (const item of this.#container.listBlobsFlat({ prefix, includeMetadata: true })) {
      const { name, properties, metadata } = item;
      objects.push({
        key: name,
        sizeBytes: properties.contentLength ?? 0,
        revision: properties.etag,
        // Accounts with a hierarchical namespace list directories among the blobs.
        isDirectory: name.endsWith("/") || metadata?.["hdi_isfolder"] === "true",
      });
    }
    return objects;
  }

  async listDirectories(prefix: string): Promise<readonly string[]> {
    const names: string[] = [];
    for await (const item of this.#container.listBlobsByHierarchy("/", { prefix })) {
      if (item.kind === "prefix") names.push(item.name.slice(prefix.length, -1));
    }
    return names;
  }

  async open({ key, revision }: StoredObject, signal: AbortSignal): Promise<Readable> {
    const blob = this.#container.getBlobClient(key);
    const { readableStreamBody: body } = await blob.download(0, undefined, {
      abortSignal: signal,
      conditions: { ifMatch: revision },
    });
    if (!(body instanceof Readable)) throw new Error("the answer has no body");
    return body;
  }

  explain(thrown: unknown): StoreProblem {
    const network = networkProblem(thrown);
    if (network !== null) return network;
    const { code, name, message, statusCode } = failureOf(thrown);
    const step = /failed to authenticate/i.test(message)
      ? "credentials"
      : (stepByCode.get(code) ?? stepByCode.get(name) ?? stepByCode.get(String(statusCode)));
    if (step === undefined) return unknownProblem(thrown);
    // The lines after the first are the answer's ids and times.
    const [words = ""] = message.split("\n");
    return { step, reason: reasonOf(code === "" ? name : code, words), advice: adviceOf[step] };
  }
}

/** In the order: identity, connection string, key, SAS token, and nothing at all for public containers. */
async function openService(
  sdk: Sdk,
  address: CloudAddress,
  settings: AzureSettings,
): Promise<AzureSdk.BlobServiceClient> {
  const { BlobServiceClient, StorageSharedKeyCredential } = sdk;
  const { authType, clientId, connectionString, key, sasToken } = settings;
  const { account, url } = placeOf(address, settings.account);
  if (authType === "managed_identity" || authType === "default") {
    const identity = await importPackage<IdentitySdk>(
      identityPackage,
      address,
      () => import(identityPackage) as Promise<unknown>,
    );
    const credential =
      authType === "default"
        ? new identity.DefaultAzureCredential()
        : new identity.ManagedIdentityCredential(...(clientId === "" ? [] : [{ clientId }]));
    return new BlobServiceClient(url, credential, pipelineOptions);
  }
  if (connectionString !== "") {
    return BlobServiceClient.fromConnectionString(connectionString, pipelineOptions);
  }
  if (key !== "") {
    return new BlobServiceClient(url, new StorageSharedKeyCredential(account, key), pipelineOptions);
  }
  const token = sasToken === "" || sasToken.startsWith("?") ? sasToken : `?${sasToken}`;
  return new BlobServiceClient(`${url}/${token}`, undefined, pipelineOptions);
}

/** The account, and where it is. An address with a host of another cloud than the public one means just that. */
function placeOf(
  address: CloudAddress,
  accountSetting: string,
): { readonly account: string; readonly url: string } {
  const { account: host } = address;
  const isHost = host.includes(".") && !host.endsWith(publicHost);
  const [own = host] = host.split(".");
  const account = accountSetting === "" ? own : accountSetting;
  return { account, url: `https://${isHost ? host : `${account}${publicHost}`}` };
}
