import type { HttpServerClient } from "../http/http-server-client.ts";
import { type JsonObject, objectOf } from "../json-access.ts";
import type { SignatureReader } from "./tfserving-server-client.ts";

/** The path of a model. @param version - "" for the latest. */
export function restModelPath(prefix: string, name: string, version: string): string {
  const versionPart = version === "" ? "" : `/versions/${encodeURIComponent(version)}`;
  return `${prefix}/v1/models/${encodeURIComponent(name)}${versionPart}`;
}

/** Reads signatures over REST. */
export class RestSignatureReader implements SignatureReader {
  readonly #client: HttpServerClient;
  readonly #pathPrefix: string;

  /** @param client - Closed with this. */
  constructor(client: HttpServerClient, pathPrefix: string) {
    this.#client = client;
    this.#pathPrefix = pathPrefix;
  }

  async readSignatures(modelName: string, modelVersion: string): Promise<JsonObject> {
    const answer = await this.#client.getJson(
      `${restModelPath(this.#pathPrefix, modelName, modelVersion)}/metadata`,
    );
    const definitions = objectOf(objectOf(answer["metadata"])["signature_def"]);
    return objectOf(definitions["signature_def"]);
  }

  close(): void {
    this.#client.close();
  }
}
