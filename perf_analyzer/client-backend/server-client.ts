import type { JsonObject } from "./json-access.ts";

/** Trace settings by the protocol's names; each value is one or more texts. */
export type TraceSettings = Readonly<Record<string, readonly string[]>>;

/** A server refused a question, or has no such extension. */
export class ServerRefusal extends Error {
  /** The server does not know this kind of question: an extension that it lacks. */
  readonly isUnsupported: boolean;

  constructor(message: string, isUnsupported: boolean) {
    super(message);
    this.name = "ServerRefusal";
    this.isUnsupported = isUnsupported;
  }
}

/** Stands for an extension that a kind of server lacks. */
export function refuseExtension(): Promise<never> {
  return Promise.reject(new ServerRefusal("The server has no such extension", true));
}

/**
 * Asks a server about itself. Answers are JSON of the protocol whatever the transport, read by the same code.
 * Every method rejects with {@link ServerRefusal} for an answer that is an error, and with another Error when the
 * server cannot be reached.
 */
export interface ServerClient {
  isModelReady(name: string, version: string): Promise<boolean>;
  modelMetadata(name: string, version: string): Promise<JsonObject>;
  modelConfig(name: string, version: string): Promise<JsonObject>;
  modelStatistics(name: string, version: string): Promise<JsonObject>;
  /** Lets the server use a whole POSIX shared memory object under a name. */
  registerSystemSharedMemory(name: string, key: string, byteLength: number): Promise<void>;
  unregisterSystemSharedMemory(name: string): Promise<void>;
  /** Changes trace settings of a model: lists and numbers as the protocol writes them. */
  updateTraceSettings(name: string, settings: TraceSettings): Promise<void>;
  /** Never rejects. */
  close(): Promise<void> | void;
}
