import type { DataPlane } from "../../data-plane.ts";
import type { HeaderForwarder } from "../../header-forwarder.ts";
import { InferStream } from "../stream/infer-stream.ts";
import { defaultBacklogLimits } from "../stream/stream-backlog.ts";
import type { StreamCall, StreamListener } from "../transport/grpc-transport.ts";

/** What the streams of one server share. */
export interface StreamContext {
  readonly dataPlane: DataPlane;
  readonly headerForwarder: HeaderForwarder | null;
  /** `--grpc-max-response-pool-size`. */
  readonly responseWindow: number;
  /** Those that are open. */
  readonly streams: Set<InferStream>;
}

/** `ModelStreamInfer`: requests and responses, until the client half-closes. */
export function modelStreamInfer(context: StreamContext, call: StreamCall): StreamListener {
  const { dataPlane, headerForwarder, responseWindow, streams } = context;
  const stream = new InferStream({
    call,
    dataPlane,
    forwarded: headerForwarder?.collect((visit) => call.eachMetadata(visit)) ?? null,
    endsOnFailure: call.metadata("triton_grpc_error") === "true",
    responseWindow,
    backlogLimits: defaultBacklogLimits,
    onClosed: (closed) => streams.delete(closed),
  });
  streams.add(stream);
  return stream;
}
