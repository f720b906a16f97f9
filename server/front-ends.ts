import { type GrpcServer, startGrpcServer } from "./grpc/grpc-server.ts";
import { HeaderForwarder } from "./header-forwarder.ts";
import { readTlsFiles } from "./grpc/tls-files.ts";
import type { TransportSettings } from "./grpc/transport/transport-settings.ts";
import { HttpFrontEnd } from "./http/http-front-end.ts";
import { metricsHandler } from "./http/metrics-page.ts";
import { defaultHttpTransport } from "./http/transport/default-transport.ts";
import type { HttpListener } from "./http/transport/http-transport.ts";
import type { InferenceServer } from "./inference-server.ts";
import type { Logger } from "./logging/logger.ts";
import type { ServerOptions } from "./options/server-options.ts";

/** Name and address of a listener, for people. */
export interface ServedAddress {
  readonly service: string;
  readonly address: string;
}

async function grpcTransportSettings(options: ServerOptions): Promise<TransportSettings> {
  return {
    tls: await readTlsFiles(options),
    keepaliveTimeMs: options.grpcKeepaliveTimeMs,
    keepaliveTimeoutMs: options.grpcKeepaliveTimeoutMs,
    maxConnectionAgeMs: options.grpcMaxConnectionAgeMs,
    maxConnectionAgeGraceMs: options.grpcMaxConnectionAgeGraceMs,
    responseCompression: options.grpcInferResponseCompressionLevel,
  };
}

/** The listeners of one server. */
export class FrontEnds {
  readonly addresses: ServedAddress[] = [];
  #http: HttpListener | null = null;
  #httpFrontEnd: HttpFrontEnd | null = null;
  #metrics: HttpListener | null = null;
  #grpc: GrpcServer | null = null;

  /**
   * Opens the listeners that the options allow.
   *
   * @throws StatusError when one cannot be opened. Those before it are open then: the caller exits.
   */
  static async open(server: InferenceServer, options: ServerOptions, logger: Logger): Promise<FrontEnds> {
    const fronts = new FrontEnds();
    const onBug = (thrown: unknown): void => logger.error("A front end failed to answer a request", thrown);
    if (options.allowGrpc) {
      const { grpcAddress: address, grpcPort: port } = options;
      const onCall = (method: string): void => {
        if (logger.isVerbose(1)) logger.verbose(1, `gRPC call: ${method}`);
      };
      fronts.#grpc = await startGrpcServer({
        dataPlane: server,
        address,
        port,
        onBug,
        onCall,
        settings: await grpcTransportSettings(options),
        restrictions: options.grpcRestrictedProtocols,
        maxResponsePoolSize: options.grpcMaxResponsePoolSize,
        headerForwarder: HeaderForwarder.of(options.grpcHeaderForwardPattern),
      });
      fronts.#announce("gRPC", address, fronts.#grpc.port);
    }
    const http = await defaultHttpTransport();
    logger.verbose(1, `HTTP is carried by ${http.name}`);
    if (options.allowHttp) {
      const limits = { maxInputBytes: options.httpMaxInputSizeBytes, onBug };
      const frontEnd = new HttpFrontEnd(server, limits, {
        restrictions: options.httpRestrictedApis,
        headerForwarder: HeaderForwarder.of(options.httpHeaderForwardPattern),
      });
      fronts.#httpFrontEnd = frontEnd;
      const where = { address: options.httpAddress, port: options.httpPort };
      fronts.#http = await http.listen(where, (method, path, exchange) => {
        if (logger.isVerbose(1)) logger.verbose(1, `HTTP request: ${method.toUpperCase()} ${path}`);
        frontEnd.handle(method, path, exchange);
      });
      fronts.#announce("HTTP", where.address, fronts.#http.port);
    }
    if (options.allowMetrics) {
      const where = { address: options.metricsAddress, port: options.metricsPort };
      fronts.#metrics = await http.listen(where, metricsHandler(server.metrics, onBug));
      fronts.#announce("Metrics", where.address, fronts.#metrics.port, "/metrics");
    }
    return fronts;
  }

  /**
   * Takes no new connections. Requests on open HTTP connections are still served, each reply being the
   * connection's last.
   *
   * @param budgetMs - How long to wait at most.
   * @returns Resolves when no HTTP connection is open any more, or the budget is spent.
   */
  async drainHttp(budgetMs: number): Promise<void> {
    await this.#http?.drain(budgetMs);
  }

  /** Ends the rest. Calls in flight may finish within the budget; metrics can be read until the very end. */
  async close(budgetMs: number): Promise<void> {
    this.#httpFrontEnd?.close();
    await this.#grpc?.stop(budgetMs);
    await this.#metrics?.drain(0);
  }

  #announce(service: string, address: string, port: number, path = ""): void {
    const host = address.includes(":") ? `[${address}]` : address;
    const scheme = service === "gRPC" ? "" : "http://";
    this.addresses.push({ service, address: `${scheme}${host}:${port}${path}` });
  }
}
