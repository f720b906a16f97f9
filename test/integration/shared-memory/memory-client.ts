import assert from "node:assert/strict";
import { type GrpcInferResponse, failureOf } from "../../helpers/grpc-client.ts";
import { inferResponse } from "../../helpers/binary-infer.ts";
import type { RunningServer } from "../../helpers/start-server.ts";

/** Where a tensor lies. */
export interface Place {
  readonly region: string;
  /** JSON takes integers beyond 2^53 as texts that are written without quotes. */
  readonly byteSize: number | bigint;
  readonly offset?: number;
}

/** A tensor of a request: in a region, or sent along. */
export interface ClientInput {
  readonly name: string;
  readonly shape: readonly number[];
  readonly datatype?: string;
  readonly source: Place | Uint8Array;
}

/** What a request asks for. */
export interface ClientRequest {
  readonly model: string;
  readonly inputs: readonly ClientInput[];
  /** By name; `null`: in the response. Absent: all outputs in the response. */
  readonly outputs?: Readonly<Record<string, Place | null>>;
}

/** An answer, alike for both protocols. */
export interface ClientAnswer {
  /** In their order, with their bytes; empty for those in shared memory. */
  readonly outputs: readonly {
    readonly name: string;
    readonly shape: readonly number[];
    readonly data: Buffer;
  }[];
}

/** An answer that is none: HTTP status or gRPC code, and the message. */
export interface ClientRefusal {
  readonly code: number;
  readonly message: string;
}

/** The shared-memory side of a client, so that a test states a fact once and checks it over both protocols. */
export interface MemoryClient {
  readonly name: "HTTP" | "gRPC";
  register(region: string, key: string, byteSize: number, offset?: number): Promise<ClientRefusal | null>;
  unregister(region: string): Promise<ClientRefusal | null>;
  /** Names of the regions, in any order. @param region - "" for all. */
  status(region: string): Promise<readonly string[] | ClientRefusal>;
  infer(request: ClientRequest): Promise<ClientAnswer | ClientRefusal>;
}

/** Codes of both protocols for one outcome. */
export const outcome = {
  invalid: { HTTP: 400, gRPC: 3 },
  notFound: { HTTP: 404, gRPC: 5 },
  exists: { HTTP: 400, gRPC: 6 },
  unsupported: { HTTP: 501, gRPC: 12 },
  internal: { HTTP: 500, gRPC: 13 },
} as const;

/** Fails unless the answer is this refusal. */
export function assertRefused(
  client: MemoryClient,
  answer: object | null,
  wanted: Readonly<Record<MemoryClient["name"], number>>,
  message: RegExp,
): void {
  assert.ok(answer !== null && "code" in answer && "message" in answer, "it was not refused");
  assert.match(String(answer.message), message);
  assert.equal(answer.code, wanted[client.name]);
}

/** The answer, unless it is a refusal. */
export function answered(answer: ClientAnswer | ClientRefusal): ClientAnswer {
  assert.ok(!("code" in answer), JSON.stringify(answer));
  return answer;
}

export class HttpMemoryClient implements MemoryClient {
  readonly name = "HTTP";
  readonly #server: RunningServer;

  constructor(server: RunningServer) {
    this.#server = server;
  }

  register(region: string, key: string, byteSize: number, offset?: number): Promise<ClientRefusal | null> {
    return this.#post(`region/${region}/register`, { key, byte_size: byteSize, offset });
  }

  unregister(region: string): Promise<ClientRefusal | null> {
    return this.#post(region === "" ? "unregister" : `region/${region}/unregister`, "");
  }

  async status(region: string): Promise<readonly string[] | ClientRefusal> {
    const path = region === "" ? "status" : `region/${region}/status`;
    const reply = await this.#server.http.get(`/v2/systemsharedmemory/${path}`);
    if (reply.status !== 200) return { code: reply.status, message: reply.error };
    return (reply.json() as { name: string }[]).map(({ name }) => name);
  }

  async infer({ model, inputs, outputs = {} }: ClientRequest): Promise<ClientAnswer | ClientRefusal> {
    const header = {
      inputs: inputs.map(({ name, datatype = "INT32", shape, source }) => ({
        name,
        datatype,
        shape,
        parameters:
          source instanceof Uint8Array ? { binary_data_size: source.byteLength } : placeMembers(source),
      })),
      outputs: Object.entries(outputs).map(([name, place]) => ({
        name,
        parameters: place === null ? { binary_data: true } : placeMembers(place),
      })),
      parameters: { binary_data_output: true },
    };
    // JSON.stringify does not know bigint; its digits are written without the quotes.
    const json = Buffer.from(
      JSON.stringify(header, (_, value: unknown) =>
        typeof value === "bigint" ? `#${value}#` : value,
      ).replace(/"#(\d+)#"/g, "$1"),
    );
    const tail = inputs.flatMap(({ source }) => (source instanceof Uint8Array ? [source] : []));
    const reply = await this.#server.http.post(`/v2/models/${model}/infer`, Buffer.concat([json, ...tail]), {
      headers: { "Inference-Header-Content-Length": String(json.byteLength) },
    });
    if (reply.status !== 200) return { code: reply.status, message: reply.error };
    const jsonBytes = Number(reply.headers["inference-header-content-length"] ?? reply.body.byteLength);
    let offset = jsonBytes;
    return {
      outputs: inferResponse(reply).outputs.map(({ name, shape, data, parameters }) => {
        assert.equal(data, undefined);
        const size = parameters?.binary_data_size ?? 0;
        // An output in shared memory has no parameters at all.
        assert.equal(parameters === undefined, (outputs[name] ?? null) !== null);
        offset += size;
        return { name, shape, data: reply.body.subarray(offset - size, offset) };
      }),
    };
  }

  async #post(path: string, body: object | string): Promise<ClientRefusal | null> {
    const reply = await this.#server.http.post(`/v2/systemsharedmemory/${path}`, body);
    if (reply.status !== 200) return { code: reply.status, message: reply.error };
    assert.equal(reply.text, "");
    return null;
  }
}

function placeMembers({ region, byteSize, offset }: Place): object {
  return { shared_memory_region: region, shared_memory_byte_size: byteSize, shared_memory_offset: offset };
}

export class GrpcMemoryClient implements MemoryClient {
  readonly name = "gRPC";
  readonly #server: RunningServer;

  constructor(server: RunningServer) {
    this.#server = server;
  }

  register(region: string, key: string, byteSize: number, offset = 0): Promise<ClientRefusal | null> {
    return this.#call("SystemSharedMemoryRegister", { name: region, key, offset, byte_size: byteSize });
  }

  unregister(region: string): Promise<ClientRefusal | null> {
    return this.#call("SystemSharedMemoryUnregister", { name: region });
  }

  async status(region: string): Promise<readonly string[] | ClientRefusal> {
    const call = this.#server.grpc.call("SystemSharedMemoryStatus", { name: region });
    const reply = (await call.catch(() => null)) as { regions: object } | null;
    return reply === null ? failureOf(call) : Object.keys(reply.regions);
  }

  async infer({ model, inputs, outputs = {} }: ClientRequest): Promise<ClientAnswer | ClientRefusal> {
    const call = this.#server.grpc.infer({
      model_name: model,
      inputs: inputs.map(({ name, datatype = "INT32", shape, source }) => ({
        name,
        datatype,
        shape,
        parameters: source instanceof Uint8Array ? {} : placeParameters(source),
      })),
      outputs: Object.entries(outputs).map(([name, place]) => ({
        name,
        parameters: place === null ? {} : placeParameters(place),
      })),
      raw_input_contents: inputs.flatMap(({ source }) => (source instanceof Uint8Array ? [source] : [])),
    });
    const response: GrpcInferResponse | null = await call.catch(() => null);
    if (response === null) return failureOf(call);
    assert.equal(response.raw_output_contents.length, response.outputs.length);
    return {
      outputs: response.outputs.map(({ name, shape }, index) => ({
        name,
        shape: shape.map(Number),
        data: response.raw_output_contents[index]!,
      })),
    };
  }

  async #call(method: string, message: Record<string, unknown>): Promise<ClientRefusal | null> {
    const call = this.#server.grpc.call(method, message);
    const reply = await call.catch(() => null);
    return reply === null ? failureOf(call) : null;
  }
}

function placeParameters({ region, byteSize, offset }: Place): object {
  return {
    shared_memory_region: { string_param: region },
    shared_memory_byte_size: { int64_param: String(byteSize) },
    ...(offset === undefined ? {} : { shared_memory_offset: { int64_param: offset } }),
  };
}
