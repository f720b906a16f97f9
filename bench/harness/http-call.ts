import { request } from "node:http";

/** A whole HTTP answer. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
}

/** What to send beyond the URL. */
export interface HttpCall {
  readonly headers?: Readonly<Record<string, string>>;
  /** Makes the call a POST. */
  readonly body?: Uint8Array;
}

/**
 * One HTTP request on a connection of its own. For checks and scrapes; the load comes from other processes.
 *
 * @throws Error when the connection fails.
 */
export function callHttp(url: string, call: HttpCall = {}): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    const method = call.body === undefined ? "GET" : "POST";
    const outgoing = request(url, { method, headers: call.headers ?? {}, agent: false }, (incoming) => {
      const chunks: Buffer[] = [];
      incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
      incoming.on("error", reject);
      incoming.on("end", () => {
        resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, body: Buffer.concat(chunks) });
      });
    });
    outgoing.on("error", reject);
    outgoing.end(call.body);
  });
}

/** Whether the URL answers 200. Nobody listening is `false`, too. */
export async function answersOk(url: string): Promise<boolean> {
  try {
    return (await callHttp(url)).status === 200;
  } catch {
    return false;
  }
}
