import type { StreamListener } from "./grpc-transport.ts";

/** Listens to a stream that was refused when it was opened: nothing on it matters any more. */
export const deafListener: StreamListener = {
  onMessage: () => {},
  onHalfClose: () => {},
  onWritten: () => {},
  onCancelled: () => {},
};
