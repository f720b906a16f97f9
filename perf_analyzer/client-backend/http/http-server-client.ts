import { type JsonObject, objectOf, textOf } from "../json-access.ts";
import { type ServerClient, ServerRefusal, type TraceSettings } from "../server-client.ts";
import { authorityOf, type Target } from "../target.ts";
import type { HeaderOption } from "../../options/analyzer-options.ts";
import { HttpConnection, type HttpReply } from "./http-connection.ts";

/** The path of a model. @param version - "" for none. */
export function modelPath(prefix: string, name: string, version: string): string {
  const versionPart = version === "" ? "" : `/versions/${encodeURIComponent(version)}`;
  return `${prefix}/v2/models/${encodeURIComponent(name)}${versionPart}`;
}

/** Asks a server over HTTP, on a connection of its own. */
export class HttpServerClient implements ServerClient {
  readonly #target: Target;
  readonly #headers: string;
  #connection: HttpConnection | null = null;
  /** Questions wait for each other: a connection carries one at a time. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(target: Target, headers: readonly HeaderOption[]) {
    this.#target = target;
    this.#headers = headers.map(({ name, value }) => `${name}: ${value}\r\n`).join("");
  }

  async isModelReady(name: string, version: string): Promise<boolean> {
    const reply = await this.#get(`${modelPath(this.#target.pathPrefix, name, version)}/ready`);
    return reply.head.status === 200;
  }

  modelMetadata(name: string, version: string): Promise<JsonObject> {
    return this.#json(modelPath(this.#target.pathPrefix, name, version));
  }

  modelConfig(name: string, version: string): Promise<JsonObject> {
    return this.#json(`${modelPath(this.#target.pathPrefix, name, version)}/config`);
  }

  modelStatistics(name: string, version: string): Promise<JsonObject> {
    return this.#json(`${modelPath(this.#target.pathPrefix, name, version)}/stats`);
  }

  async registerSystemSharedMemory(name: string, key: string, byteLength: number): Promise<void> {
    const body = { key, offset: 0, byte_size: byteLength };
    await this.#post(`${this.#regionPath(name)}/register`, body);
  }

  async unregisterSystemSharedMemory(name: string): Promise<void> {
    await this.#post(`${this.#regionPath(name)}/unregister`, {});
  }

  async updateTraceSettings(name: string, settings: TraceSettings): Promise<void> {
    // Levels are a list here, all else is one text.
    const body = Object.fromEntries(
      Object.entries(settings).map(([key, values]) => [key, key === "trace_level" ? values : values[0]]),
    );
    await this.#post(`${modelPath(this.#target.pathPrefix, name, "")}/trace/setting`, body);
  }

  close(): void {
    this.#connection?.close();
  }

  /** The answer to any other question. @param path - With the target's prefix. */
  getJson(path: string): Promise<JsonObject> {
    return this.#json(path);
  }

  #regionPath(name: string): string {
    return `${this.#target.pathPrefix}/v2/systemsharedmemory/region/${encodeURIComponent(name)}`;
  }

  async #post(path: string, body: object): Promise<void> {
    const text = JSON.stringify(body);
    const length = `Content-Type: application/json\r\nContent-Length: ${Buffer.byteLength(text)}\r\n`;
    const reply = await this.#ask(`POST ${path}`, length, text);
    if (reply.head.status !== 200) throw this.#refusal(reply);
  }

  #refusal(reply: HttpReply): ServerRefusal {
    return new ServerRefusal(describeHttpError(reply), [404, 405, 501].includes(reply.head.status));
  }

  async #json(path: string): Promise<JsonObject> {
    const reply = await this.#get(path);
    const text = reply.body?.toString() ?? "";
    if (reply.head.status === 200) return objectOf(JSON.parse(text));
    throw this.#refusal(reply);
  }

  #get(path: string): Promise<HttpReply> {
    return this.#ask(`GET ${path}`, "", "");
  }

  /** @param headers - Each line with its end. */
  #ask(methodAndPath: string, headers: string, body: string): Promise<HttpReply> {
    const question = this.#last.then(() => this.#exchange(methodAndPath, headers, body));
    this.#last = question.catch(() => null);
    return question;
  }

  async #exchange(methodAndPath: string, headers: string, body: string): Promise<HttpReply> {
    let connection = this.#connection;
    if (connection?.isOpen !== true) {
      connection = new HttpConnection(this.#target, true);
      await connection.open();
      this.#connection = connection;
    }
    const host = authorityOf(this.#target);
    const request = `${methodAndPath} HTTP/1.1\r\nHost: ${host}\r\n${this.#headers}${headers}\r\n${body}`;
    const current = connection;
    return new Promise((resolve, reject) => {
      current.send([Buffer.from(request)], (reply, error) => {
        if (reply === null) reject(new Error(`${authorityOf(this.#target)}: ${String(error)}`));
        else resolve(reply);
      });
    });
  }
}

/** The status and the message of a reply that is an error. */
export function describeHttpError(reply: HttpReply): string {
  const text = reply.body?.toString() ?? "";
  let message = text;
  try {
    message = textOf(objectOf(JSON.parse(text))["error"]) || text;
  } catch {
    // Not JSON: a proxy's page, perhaps.
  }
  return `HTTP ${reply.head.status}${message === "" ? "" : `: ${message.slice(0, 500)}`}`;
}
