import { type JsonObject, objectOf } from "../json-access.ts";
import { refuseExtension, type ServerClient } from "../server-client.ts";
import { describeSignature, type SignatureQuestion } from "./signature-description.ts";

/** Reads all signatures of a model, by name. Rejects as the methods of {@link ServerClient} do. */
export interface SignatureReader {
  readSignatures(modelName: string, modelVersion: string): Promise<JsonObject>;
  close(): void;
}

/** Asks TensorFlow Serving about a signature, and answers as a server of the KServe protocol would. */
export class TfservingServerClient implements ServerClient {
  readonly #reader: SignatureReader;
  readonly #question: Omit<SignatureQuestion, "modelName">;

  constructor(reader: SignatureReader, question: Omit<SignatureQuestion, "modelName">) {
    this.#reader = reader;
    this.#question = question;
  }

  /** It has metadata of models that are ready only, and those are asked for first. */
  isModelReady(): Promise<boolean> {
    return Promise.resolve(true);
  }

  async modelMetadata(name: string, version: string): Promise<JsonObject> {
    return (await this.#describe(name, version)).metadata;
  }

  async modelConfig(name: string, version: string): Promise<JsonObject> {
    return (await this.#describe(name, version)).config;
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
    this.#reader.close();
  }

  async #describe(modelName: string, version: string): Promise<ReturnType<typeof describeSignature>> {
    const signatures = await this.#reader.readSignatures(modelName, version);
    return describeSignature(objectOf(signatures), { ...this.#question, modelName });
  }
}
