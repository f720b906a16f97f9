import type { Failure } from "../../../../../server/core/status.ts";
import type { OutgoingMessage, StreamCall } from "../../../../../server/grpc/transport/grpc-transport.ts";

/** A stream that keeps what it is told. The test says when a message has left. */
export class ManualStreamCall implements StreamCall {
  readonly sent: Buffer[] = [];
  /** `pause`, `resume`, `end` and `fail CODE`, in their order. */
  readonly events: string[] = [];
  isCancelled = false;

  metadata(): undefined {
    return undefined;
  }

  eachMetadata(): void {
    // Without metadata.
  }

  send(message: OutgoingMessage): void {
    const bytes = Buffer.alloc(message.byteLength);
    message.copy(bytes, 0);
    this.sent.push(bytes);
  }

  pause(): void {
    this.events.push("pause");
  }

  resume(): void {
    this.events.push("resume");
  }

  end(): void {
    this.events.push("end");
  }

  fail({ code }: Failure): void {
    this.events.push(`fail ${code}`);
  }
}
