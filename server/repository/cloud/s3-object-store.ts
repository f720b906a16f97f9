import { Readable } from "node:stream";
import type * as AwsSdk from "@aws-sdk/client-s3";
import type { CloudAddress } from "./cloud-address.ts";
import type { S3Credential } from "./credential-file.ts";
import type { ObjectStore, StoredObject } from "./object-store.ts";
import { failureOf, networkProblem, reasonOf, type StoreProblem, unknownProblem } from "./store-problem.ts";

type Sdk = typeof AwsSdk;

/** Time for a connection, and for the beginning of an answer. A bucket that is there answers in tens of milliseconds. */
const connectionTimeoutMs = 10_000;
const answerTimeoutMs = 60_000;

/** Where requests go that name no region: AWS answers them there, and says where the bucket is. */
const anyRegion = "us-east-1";

/** What S3 says, and how far the call has come when it says so. */
const stepByCode = new Map<string, Pick<StoreProblem, "step" | "advice">>();
const addCodes = (codes: readonly string[], step: StoreProblem["step"], advice: string): void => {
  for (const code of codes) stepByCode.set(code, { step, advice });
};
addCodes(
  ["CredentialsProviderError", "TokenProviderError"],
  "credentials",
  "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, or run where a role is attached",
);
addCodes(
  ["InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "InvalidToken", "RequestTimeTooSkewed"],
  "credentials",
  "correct the AWS credentials; the profile, environment or role that they come from must belong to this endpoint",
);
addCodes(["NoSuchBucket", "InvalidBucketName"], "bucket", "correct the address, or create the bucket");
addCodes(
  ["PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException"],
  "bucket",
  "set AWS_REGION to the region of the bucket",
);
addCodes(
  ["AccessDenied", "AllAccessDisabled", "AccountProblem", "Forbidden", "403"],
  "permission",
  "let these credentials list the bucket and get its objects (s3:ListBucket, s3:GetObject)",
);
addCodes(
  ["NoSuchKey", "NotFound", "PreconditionFailed", "InvalidObjectState", "404", "412"],
  "key",
  "it was listed a moment ago: leave the objects of a model alone while it is copied, and not in an archive",
);

/** A bucket of Amazon S3, or of anything that speaks its protocol. */
export class S3ObjectStore implements ObjectStore {
  readonly #sdk: Sdk;
  readonly #client: AwsSdk.S3Client;
  readonly #bucket: string;

  private constructor(sdk: Sdk, client: AwsSdk.S3Client, bucket: string) {
    this.#sdk = sdk;
    this.#client = client;
    this.#bucket = bucket;
  }

  /**
   * @param credential - From a credential file; `null`: what the SDK finds by itself (environment, profiles, roles).
   * @param defaultRegion - Where neither the credential nor the SDK knows one; "": none.
   */
  static async open(
    address: CloudAddress,
    credential: S3Credential | null,
    defaultRegion: string,
  ): Promise<S3ObjectStore> {
    const sdk = await import("@aws-sdk/client-s3");
    const config: AwsSdk.S3ClientConfig = {
      followRegionRedirects: address.endpoint === null,
      requestHandler: {
        connectionTimeout: connectionTimeoutMs,
        requestTimeout: answerTimeoutMs,
        throwOnRequestTimeout: true,
      },
      ...settingsOf(credential),
      // The name of the bucket becomes part of the path: such servers have one host.
      ...(address.endpoint === null ? {} : { endpoint: address.endpoint, forcePathStyle: true }),
    };
    let client = new sdk.S3Client(config);
    try {
      await client.config.region();
    } catch {
      client = new sdk.S3Client({ ...config, region: defaultRegion === "" ? anyRegion : defaultRegion });
    }
    return new S3ObjectStore(sdk, client, address.bucket);
  }

  async list(prefix: string): Promise<readonly StoredObject[]> {
    const objects: StoredObject[] = [];
    const pages = this.#sdk.paginateListObjectsV2(
      { client: this.#client },
      { Bucket: this.#bucket, Prefix: prefix },
    );
    for await (const { Contents: contents = [] } of pages) {
      for (const { Key: key = "", Size: sizeBytes = 0, ETag: revision = "" } of contents) {
        objects.push({ key, sizeBytes, revision, isDirectory: key.endsWith("/") });
      }
    }
    return objects;
  }

  async listDirectories(prefix: string): Promise<readonly string[]> {
    const names: string[] = [];
    const pages = this.#sdk.paginateListObjectsV2(
      { client: this.#client },
      { Bucket: this.#bucket, Prefix: prefix, Delimiter: "/" },
    );
    for await (const { CommonPrefixes: directories = [] } of pages) {
      for (const { Prefix: directory = "" } of directories) names.push(directory.slice(prefix.length, -1));
    }
    return names;
  }

  async open({ key, revision }: StoredObject, signal: AbortSignal): Promise<Readable> {
    const command = new this.#sdk.GetObjectCommand({ Bucket: this.#bucket, Key: key, IfMatch: revision });
    const { Body: body } = await this.#client.send(command, { abortSignal: signal });
    // The type is that of all platforms of the SDK.
    if (!(body instanceof Readable)) throw new Error("the answer has no body");
    return body;
  }

  explain(thrown: unknown): StoreProblem {
    const network = networkProblem(thrown);
    if (network !== null) return network;
    const { name, code, message } = failureOf(thrown);
    const status = statusOf(thrown);
    const found = stepByCode.get(name) ?? stepByCode.get(code) ?? stepByCode.get(status);
    return found === undefined
      ? unknownProblem(thrown)
      : { ...found, reason: reasonOf(name === "" ? code : name, message) };
  }
}

function settingsOf(credential: S3Credential | null): AwsSdk.S3ClientConfig {
  if (credential === null) return {};
  const { key_id: keyId, secret_key: secretKey, session_token: sessionToken, region, profile } = credential;
  return {
    ...(keyId === "" || secretKey === ""
      ? {}
      : {
          credentials: {
            accessKeyId: keyId,
            secretAccessKey: secretKey,
            ...(sessionToken === "" ? {} : { sessionToken }),
          },
        }),
    ...(region === "" ? {} : { region }),
    ...(profile === "" ? {} : { profile }),
  };
}

/** The HTTP status of an answer, for those whose bodies have no code, such as to HEAD. */
function statusOf(thrown: unknown): string {
  const { $metadata: metadata } = (thrown ?? {}) as {
    readonly $metadata?: { readonly httpStatusCode?: number };
  };
  return String(metadata?.httpStatusCode ?? "");
}
