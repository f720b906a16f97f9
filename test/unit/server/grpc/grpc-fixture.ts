import { Client, credentials, Metadata, type ServiceError } from "@grpc/grpc-js";
import {
  type GrpcServer,
  type GrpcServerInit,
  startGrpcServer,
} from "../../../../server/grpc/grpc-server.ts";
import { FakeDataPlane } from "../../../helpers/fake-data-plane.ts";
import { decodeMessage, encodeMessage } from "./wire.ts";

/** What a call without a response came back with. */
export interface CallError {
  readonly code: number;
  readonly details: string;
}

/** Request, response and path of each method that tests call. */
const responseOf = (method: string): string => method.slice(method.lastIndexOf("/") + 1);

/** A gRPC server over a fake data plane, and a client of it: grpc-js with protobufjs. */
export class GrpcFixture {
  readonly dataPlane: FakeDataPlane;
  readonly server: GrpcServer;
  readonly client: Client;
  /** What handlers threw. */
  readonly bugs: unknown[];
  /** The methods that were called. */
  readonly calls: string[];
  /** Sent with each call. */
  readonly metadata = new Metadata();

  private constructor(dataPlane: FakeDataPlane, server: GrpcServer, bugs: unknown[], calls: string[]) {
    this.dataPlane = dataPlane;
    this.server = server;
    this.bugs = bugs;
    this.calls = calls;
    this.client = new Client(`127.0.0.1:${server.port}`, credentials.createInsecure(), {
      "grpc.max_receive_message_length": -1,
      "grpc.max_send_message_length": -1,
    });
  }

  /** @param settings - Besides those of every test. */
  static async start(settings: Partial<GrpcServerInit> = {}): Promise<GrpcFixture> {
    const dataPlane = new FakeDataPlane();
    const bugs: unknown[] = [];
    const onBug = (thrown: unknown): void => void bugs.push(thrown);
    const calls: string[] = [];
    const onCall = (method: string): void => void calls.push(method);
    const where = { address: "127.0.0.1", port: 0 };
    const init = { dataPlane, ...where, onBug, onCall, maxResponsePoolSize: 64, ...settings };
    return new GrpcFixture(dataPlane, await startGrpcServer(init), bugs, calls);
  }

  async stop(): Promise<void> {
    this.client.close();
    await this.server.stop(1000);
  }

  /** Calls a method of the inference service, or of another one when `method` is a whole path. */
  async call(method: string, request: object = {}): Promise<Record<string, unknown>> {
    const name = responseOf(method);
    const isHealth = method.startsWith("/grpc.health");
    const requestName = isHealth ? "grpc.health.v1.HealthCheckRequest" : `${name}Request`;
    const responseName = isHealth ? "grpc.health.v1.HealthCheckResponse" : `${name}Response`;
    return decodeMessage(responseName, await this.callRaw(method, encodeMessage(requestName, request)));
  }

  /** As {@link call}, with bytes. */
  callRaw(method: string, request: Buffer, deadlineMs = Infinity): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      this.startCall(method, request, deadlineMs, (error, response) => {
        if (error !== null) reject(error);
        else resolve(response);
      });
    });
  }

  /** Starts a call and returns how to cancel it. */
  startCall(
    method: string,
    request: Buffer,
    deadlineMs: number,
    done: (error: ServiceError | null, response: Buffer) => void,
  ): { cancel(): void } {
    const path = method.startsWith("/") ? method : `/inference.GRPCInferenceService/${method}`;
    const identity = (bytes: Buffer): Buffer => bytes;
    const options = deadlineMs === Infinity ? {} : { deadline: Date.now() + deadlineMs };
    return this.client.makeUnaryRequest(
      path,
      identity,
      identity,
      request,
      this.metadata,
      options,
      (error, response) => {
        done(error, response ?? Buffer.of());
      },
    );
  }

  /** Calls a method that must fail, and returns how. */
  async failure(method: string, request: object | Buffer = {}): Promise<CallError> {
    try {
      if (Buffer.isBuffer(request)) await this.callRaw(method, request);
      else await this.call(method, request);
    } catch (thrown) {
      const { code, details } = thrown as ServiceError;
      return { code, details };
    }
    throw new Error(`${method} succeeded`);
  }
}
