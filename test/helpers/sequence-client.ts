import type { GrpcClient } from "./grpc-client.ts";
import type { HttpClient } from "./http-client.ts";
import type { SequenceFlags } from "./sequence-bench.ts";

/** One request of a sequence: an input of one row and what it says of its sequence. */
export interface StepRequest {
  readonly model: string;
  /** Absent: the request names no sequence. */
  readonly id?: number | string;
  readonly flags?: SequenceFlags;
  readonly value: number | string;
  readonly datatype?: "INT32" | "FP32" | "BYTES";
  /** Name of the input; INPUT0 when absent. */
  readonly input?: string;
  /** Rows, all of them alike; 1 when absent. */
  readonly rows?: number;
  readonly outputs?: readonly string[];
  readonly timeoutUs?: number;
}

/** What came of it: the values of each output, or the error's text. */
export interface StepReply {
  readonly status: "ok" | "invalid" | "unavailable" | "cancelled" | "internal";
  readonly outputs: Readonly<Record<string, readonly unknown[]>>;
  readonly message: string;
}

const httpStatuses: Readonly<Record<number, StepReply["status"]>> = {
  200: "ok",
  400: "invalid",
  499: "cancelled",
  503: "unavailable",
};
const grpcStatuses: Readonly<Record<number, StepReply["status"]>> = {
  1: "cancelled",
  3: "invalid",
  14: "unavailable",
};

/** Sends one request over HTTP, in JSON. */
export async function stepOverHttp(http: HttpClient, step: StepRequest): Promise<StepReply> {
  const { rows = 1, flags = "" } = step;
  const reply = await http.post(`/v2/models/${step.model}/infer`, {
    inputs: [
      {
        name: step.input ?? "INPUT0",
        datatype: step.datatype ?? "INT32",
        shape: [rows, 1],
        data: new Array<unknown>(rows).fill(step.value),
      },
    ],
    ...(step.outputs === undefined ? {} : { outputs: step.outputs.map((name) => ({ name })) }),
    parameters: {
      ...(step.id === undefined ? {} : { sequence_id: step.id }),
      ...(step.timeoutUs === undefined ? {} : { timeout: step.timeoutUs }),
      sequence_start: flags.includes("S"),
      sequence_end: flags.includes("E"),
    },
  });
  const body = reply.json() as {
    readonly error?: string;
    readonly outputs?: readonly { readonly name: string; readonly data: readonly unknown[] }[];
  };
  return {
    status: httpStatuses[reply.status] ?? "internal",
    outputs: Object.fromEntries((body.outputs ?? []).map(({ name, data }) => [name, data])),
    message: body.error ?? "",
  };
}

/** Sends the same request over gRPC. */
export async function stepOverGrpc(grpc: GrpcClient, step: StepRequest): Promise<StepReply> {
  const { rows = 1, flags = "", datatype = "INT32" } = step;
  const contents = { INT32: "int_contents", FP32: "fp32_contents", BYTES: "bytes_contents" }[datatype];
  const value = typeof step.value === "string" ? Buffer.from(step.value) : step.value;
  const id = typeof step.id === "string" ? { string_param: step.id } : { int64_param: step.id };
  try {
    const response = await grpc.infer({
      model_name: step.model,
      inputs: [
        {
          name: step.input ?? "INPUT0",
          datatype,
          shape: [rows, 1],
          contents: { [contents]: new Array<unknown>(rows).fill(value) },
        },
      ],
      ...(step.outputs === undefined ? {} : { outputs: step.outputs.map((name) => ({ name })) }),
      parameters: {
        ...(step.id === undefined ? {} : { sequence_id: id }),
        ...(step.timeoutUs === undefined ? {} : { timeout: { int64_param: step.timeoutUs } }),
        sequence_start: { bool_param: flags.includes("S") },
        sequence_end: { bool_param: flags.includes("E") },
      },
    });
    const outputs = response.outputs.map(
      ({ name, datatype: type }, i) => [name, elementsOf(response.raw_output_contents[i], type)] as const,
    );
    return { status: "ok", outputs: Object.fromEntries(outputs), message: "" };
  } catch (thrown) {
    const { code, details } = thrown as { code: number; details: string };
    return { status: grpcStatuses[code] ?? "internal", outputs: {}, message: details };
  }
}

/** The elements as HTTP's JSON shows them. */
function elementsOf(raw: Buffer | undefined, datatype: string): unknown[] {
  const bytes = raw ?? Buffer.alloc(0);
  const elements: unknown[] = [];
  for (let at = 0; at < bytes.byteLength; ) {
    switch (datatype) {
      case "BYTES": {
        const end = at + 4 + bytes.readUInt32LE(at);
        elements.push(bytes.toString("utf8", at + 4, end));
        at = end;
        break;
      }
      case "BOOL":
        elements.push(bytes[at++] !== 0);
        break;
      case "UINT64":
      case "INT64":
        elements.push(Number(bytes.readBigInt64LE(at)));
        at += 8;
        break;
      case "FP32":
        elements.push(bytes.readFloatLE(at));
        at += 4;
        break;
      default:
        elements.push(bytes.readInt32LE(at));
        at += 4;
    }
  }
  return elements;
}
