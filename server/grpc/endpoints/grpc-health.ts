import type { DataPlane } from "../../data-plane.ts";
import { messageEncoder } from "../codec/service-descriptor.ts";
import type { UnaryCall } from "../transport/grpc-transport.ts";

const encodeHealthCheck = messageEncoder("grpc.health.v1.HealthCheckResponse");

/**
 * `grpc.health.v1.Health/Check`: SERVING when the server is ready. The service name of the request is not looked at, as
 * in Triton: there is one state for all services.
 */
export function healthCheck(dataPlane: DataPlane, call: UnaryCall): void {
  call.reply(encodeHealthCheck({ status: dataPlane.isReady() ? "SERVING" : "NOT_SERVING" }));
}
