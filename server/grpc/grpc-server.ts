import type { ApiRestriction } from "../api-restriction.ts";
import { type Failure, failure, StatusError } from "../core/status.ts";
import type { DataPlane } from "../data-plane.ts";
import type { HeaderForwarder } from "../header-forwarder.ts";
import { type MethodDeclaration, methodsOf } from "./codec/service-descriptor.ts";
import { modelConfig } from "./endpoints/config.ts";
import { healthCheck } from "./endpoints/grpc-health.ts";
import { modelReady, serverLive, serverReady } from "./endpoints/health.ts";
import { modelInfer } from "./endpoints/infer.ts";
import { logSettings } from "./endpoints/logging.ts";
import { modelMetadata, serverMetadata } from "./endpoints/metadata.ts";
import { modelLoad, modelUnload, repositoryIndex } from "./endpoints/repository.ts";
import {
  cudaSharedMemoryStatus,
  registerCudaSharedMemory,
  registerSystemSharedMemory,
  systemSharedMemoryStatus,
  unregisterCudaSharedMemory,
  unregisterSystemSharedMemory,
} from "./endpoints/shared-memory.ts";
import { modelStatistics } from "./endpoints/statistics.ts";
import { traceSetting } from "./endpoints/trace.ts";
import { modelStreamInfer, type StreamContext } from "./endpoints/stream-infer.ts";
import { exitingFailure } from "./exiting-failure.ts";
import { restrictMethod } from "./restricted-protocol.ts";
import type { InferStream } from "./stream/infer-stream.ts";
import { deafListener } from "./transport/deaf-listener.ts";
import { GrpcJsTransport } from "./transport/grpc-js-transport.ts";
import type {
  GrpcMethod,
  GrpcTransport,
  StreamCall,
  StreamListener,
  UnaryCall,
} from "./transport/grpc-transport.ts";
import type { TransportSettings } from "./transport/transport-settings.ts";

/**
 * Answers one call of one method. What it throws as a StatusError ends the call with that status; handlers on the hot
 * path answer refusals without throwing.
 */
type Handler = (dataPlane: DataPlane, call: UnaryCall, headerForwarder: HeaderForwarder | null) => void;

const inferPath = "/inference.GRPCInferenceService/ModelInfer";

/** The methods that are built; everything else that the `.proto` files declare is refused. */
const handlers: ReadonlyMap<string, Handler> = new Map<string, Handler>([
  ["/inference.GRPCInferenceService/ServerLive", serverLive],
  ["/inference.GRPCInferenceService/ServerReady", serverReady],
  ["/inference.GRPCInferenceService/ModelReady", modelReady],
  ["/inference.GRPCInferenceService/ServerMetadata", serverMetadata],
  ["/inference.GRPCInferenceService/ModelMetadata", modelMetadata],
  ["/inference.GRPCInferenceService/ModelConfig", modelConfig],
  ["/inference.GRPCInferenceService/ModelStatistics", modelStatistics],
  ["/inference.GRPCInferenceService/TraceSetting", traceSetting],
  ["/inference.GRPCInferenceService/LogSettings", logSettings],
  [inferPath, modelInfer],
  ["/inference.GRPCInferenceService/RepositoryIndex", repositoryIndex],
  ["/inference.GRPCInferenceService/RepositoryModelLoad", modelLoad],
  ["/inference.GRPCInferenceService/RepositoryModelUnload", modelUnload],
  ["/inference.GRPCInferenceService/SystemSharedMemoryStatus", systemSharedMemoryStatus],
  ["/inference.GRPCInferenceService/SystemSharedMemoryRegister", registerSystemSharedMemory],
  ["/inference.GRPCInferenceService/SystemSharedMemoryUnregister", unregisterSystemSharedMemory],
  ["/inference.GRPCInferenceService/CudaSharedMemoryStatus", cudaSharedMemoryStatus],
  ["/inference.GRPCInferenceService/CudaSharedMemoryRegister", registerCudaSharedMemory],
  ["/inference.GRPCInferenceService/CudaSharedMemoryUnregister", unregisterCudaSharedMemory],
  ["/grpc.health.v1.Health/Check", healthCheck],
]);

/** Takes one call of a method with streams. */
type StreamHandler = (context: StreamContext, call: StreamCall) => StreamListener;

/** As {@link handlers}, for the methods with streams. */
const streamHandlers: ReadonlyMap<string, StreamHandler> = new Map([
  ["/inference.GRPCInferenceService/ModelStreamInfer", modelStreamInfer],
]);

/** What {@link startGrpcServer} needs. */
export interface GrpcServerInit {
  readonly dataPlane: DataPlane;
  /** An IP address or a name; `0.0.0.0` for all addresses of the machine. */
  readonly address: string;
  /** 0: any free port, see {@link GrpcServer.port}. */
  readonly port: number;
  /** Told what a handler threw that it should not have thrown; the client gets INTERNAL. For the log. */
  readonly onBug: (thrown: unknown) => void;
  /** Told the method of each call to one that is built, before it is answered. For the log. */
  readonly onCall?: (method: string) => void;
  /** `--grpc-restricted-protocol`; none when absent. */
  readonly restrictions?: readonly ApiRestriction[];
  /** Of `--grpc-header-forward-pattern`; `null` or absent without one. */
  readonly headerForwarder?: HeaderForwarder | null;
  /** `--grpc-max-response-pool-size`: most unwritten responses of one request of a decoupled model. */
  readonly maxResponsePoolSize: number;
  /** How connections are treated; {@link plainTransport} when absent. */
  readonly settings?: TransportSettings;
}

/** A running gRPC front end. */
export interface GrpcServer {
  /** The port it listens on. */
  readonly port: number;
  /**
   * Takes no more calls, lets the open ones finish for at most `budgetMs`, then closes them. Streams end as soon as they
   * have nothing in flight. Calls on connections that are still open are refused once the data plane is exiting, so
   * have it exit first.
   */
  stop(budgetMs: number): Promise<void>;
}

/**
 * Serves the data plane over gRPC.
 *
 * @throws StatusError UNAVAILABLE when the address or port cannot be used.
 */
export async function startGrpcServer(init: GrpcServerInit): Promise<GrpcServer> {
  const transport: GrpcTransport = new GrpcJsTransport(init.onBug, init.settings);
  const streams = new Set<InferStream>();
  const methods = [...methodsOf("inference.GRPCInferenceService"), ...methodsOf("grpc.health.v1.Health")].map(
    (declaration) => restrictMethod(serve(declaration, init, streams), init.restrictions ?? []),
  );
  const port = await transport.listen(init.address, init.port, methods);
  return {
    port,
    stop: (budgetMs) => {
      for (const stream of streams) stream.shutDown();
      return transport.stop(budgetMs);
    },
  };
}

function serve(declaration: MethodDeclaration, init: GrpcServerInit, streams: Set<InferStream>): GrpcMethod {
  const { path, name } = declaration;
  const { dataPlane, onCall, headerForwarder = null } = init;
  const streamHandler = streamHandlers.get(path);
  if (streamHandler !== undefined) return serveStream(declaration, streamHandler, init, streams);
  const handler = handlers.get(path);
  if (handler === undefined) {
    return refuse(declaration, failure("UNSUPPORTED", `${name} is not supported yet`));
  }
  return {
    kind: "unary",
    path,
    isCompressible: path === inferPath,
    handle: (call) => {
      onCall?.(name);
      if (dataPlane.isExiting()) return call.fail(exitingFailure);
      try {
        handler(dataPlane, call, headerForwarder);
      } catch (thrown) {
        if (!(thrown instanceof StatusError)) throw thrown;
        call.fail(thrown.toFailure());
      }
    },
  };
}

function serveStream(
  { path, name }: MethodDeclaration,
  handler: StreamHandler,
  init: GrpcServerInit,
  streams: Set<InferStream>,
): GrpcMethod {
  const { dataPlane, onCall, headerForwarder = null } = init;
  const context = { dataPlane, headerForwarder, responseWindow: init.maxResponsePoolSize, streams };
  return {
    kind: "stream",
    path,
    isCompressible: true,
    open: (call) => {
      onCall?.(name);
      if (!dataPlane.isExiting()) return handler(context, call);
      call.fail(exitingFailure);
      return deafListener;
    },
  };
}

/** A method that is declared but not built: it says so instead of being unknown. */
function refuse(declaration: MethodDeclaration, refusal: Failure): GrpcMethod {
  const { path } = declaration;
  if (!declaration.isStream)
    return { kind: "unary", path, isCompressible: false, handle: (call) => call.fail(refusal) };
  return {
    kind: "stream",
    path,
    isCompressible: false,
    open: (call) => {
      call.fail(refusal);
      return deafListener;
    },
  };
}
