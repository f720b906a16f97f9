import type { JsonObject } from "./json-access.ts";
import { refuseExtension, type ServerClient } from "./server-client.ts";

/** Stands for a server that cannot be asked about its models: what is known of them is known beforehand. */
export class SilentServerClient implements ServerClient {
  readonly #metadata: JsonObject;

  /** @param metadata - In the form of the KServe protocol. */
  constructor(metadata: JsonObject) {
    this.#metadata = metadata;
  }

  isModelReady(): Promise<boolean> {
    return Promise.resolve(true);
  }

  modelMetadata(): Promise<JsonObject> {
    return Promise.resolve(this.#metadata);
  }

  modelConfig(): Promise<JsonObject> {
    return refuseExtension();
  }

  modelStatistics(): Promise<JsonObject> {
    return refuseExtension();
  }

  registerSystemSharedMemory(): Promise<void> {
    return refuseExtension();
  }

  unregisterSystemSharedMemory(): Promise<void> {
    return refuseExtension();
  }

  updateTraceSettings(): Promise<void> {
    return refuseExtension();
  }

  close(): void {
    // There is no connection.
  }
}
