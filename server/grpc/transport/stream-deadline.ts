import {
  ServerInterceptingCall,
  type ServerInterceptingCallInterface,
  type ServerInterceptor,
} from "@grpc/grpc-js";

/** A timer may run that much before its time. */
const timerEarlinessMs = 2;

/**
 * Lets no message of a stream reach the library once the call's deadline has come. The library ends the HTTP/2 stream then,
 * with DEADLINE_EXCEEDED behind what is still to be written, but tells its handler only after that. A message behind
 * the end would be a write error, which stops the stream where it is: the client would get neither status nor reset, and the
 * call would stay open until the client gives it up.
 *
 * Costs nothing for unary calls and streams without a deadline.
 */
export function noMessageAfterDeadline(
  method: Parameters<ServerInterceptor>[0],
  call: ServerInterceptingCallInterface,
): ServerInterceptingCallInterface {
  if (!method.responseStream) return call;
  const leftMs = Number(call.getDeadline()) - Date.now();
  if (!Number.isFinite(leftMs)) return call;
  const closesAtMs = performance.now() + leftMs - timerEarlinessMs;
  return new ServerInterceptingCall(call, {
    // What is not passed on is never told of as written: nothing more comes until the deadline cancels the call.
    sendMessage: (message, next) => {
      if (performance.now() < closesAtMs) next(message);
    },
  });
}
