import http from "node:http";

/** A reply with its whole body. */
export class HttpReply {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: http.IncomingHttpHeaders;
  readonly body: Buffer;

  constructor(status: number, headers: http.IncomingHttpHeaders, body: Buffer) {
    this.status = status;
    this.headers = headers;
    this.body = body;
  }

  get text(): string {
    return this.body.toString();
  }

  /** The body as JSON. */
  json(): unknown {
    return JSON.parse(this.text);
  }

  /** The `error` of an error body, which has no other member. @throws Error when it is anything else. */
  get error(): string {
    const document = this.json() as { error?: unknown };
    if (Object.keys(document).join() !== "error" || typeof document.error !== "string") {
      throw new Error(`not an error body: ${this.text}`);
    }
    return document.error;
  }
}

/** What a request may have besides method and address. */
export interface HttpRequestInit {
  readonly headers?: http.OutgoingHttpHeaders;
  readonly body?: string | Uint8Array;
  /** Aborting it closes the connection. */
  readonly signal?: AbortSignal;
}

/** An HTTP client with connections of its own, which it keeps open. */
export class HttpClient {
  readonly baseUrl: string;
  readonly #agent = new http.Agent({ keepAlive: true });

  constructor(baseUrl: string) {
    this.baseUrl = baseUrl;
  }

  /** @param url - A path of the server, or a whole URL. */
  request(method: string, url: string, init: HttpRequestInit = {}): Promise<HttpReply> {
    return this.#send(method, url, init, (request) => request.end(init.body));
  }

  get(path: string): Promise<HttpReply> {
    return this.request("GET", path);
  }

  /** Posts JSON; a text or bytes go as they are. */
  post(path: string, body: object | string | Uint8Array, init: HttpRequestInit = {}): Promise<HttpReply> {
    const bytes = typeof body === "string" || body instanceof Uint8Array ? body : JSON.stringify(body);
    return this.request("POST", path, { ...init, body: bytes });
  }

  /** Posts a body whose length is not announced, one chunk after the other. */
  postInChunks(
    path: string,
    chunks: readonly Uint8Array[],
    headers: http.OutgoingHttpHeaders,
  ): Promise<HttpReply> {
    return this.#send("POST", path, { headers }, (request) => {
      for (const chunk of chunks) request.write(chunk);
      request.end();
    });
  }

  /** Closes the connections. */
  close(): void {
    this.#agent.destroy();
  }

  #send(
    method: string,
    url: string,
    init: HttpRequestInit,
    writeBody: (request: http.ClientRequest) => void,
  ): Promise<HttpReply> {
    return new Promise((resolve, reject) => {
      const request = http.request(
        new URL(url, this.baseUrl),
        { method, agent: this.#agent, headers: init.headers, signal: init.signal },
        (response) => {
          const chunks: Buffer[] = [];
          response.on("data", (chunk: Buffer) => chunks.push(chunk));
          response.on("error", reject);
          response.on("end", () =>
            resolve(new HttpReply(response.statusCode ?? 0, response.headers, Buffer.concat(chunks))),
          );
        },
      );
      request.on("error", reject);
      writeBody(request);
    });
  }
}
