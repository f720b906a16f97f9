import { setting } from "./codec/h2-frame.ts";

/** What the server wants of its clients. It may change while the connection is open. */
export class PeerSettings {
  /** Room for headers that requests may refer to. */
  headerTableBytes = 4_096;
  maxConcurrentStreams = Number.POSITIVE_INFINITY;
  /** How much of a request may be on its way before the server asks for more. */
  initialWindowBytes = 65_535;
  maxFrameBytes = 16_384;

  /** Takes over a SETTINGS frame. @throws Error when it is broken. */
  apply(payload: Buffer): void {
    if (payload.length % 6 !== 0) throw new Error("the server sent broken HTTP/2 settings");
    for (let at = 0; at < payload.length; at += 6) {
      const value = payload.readUInt32BE(at + 2);
      switch (payload.readUInt16BE(at)) {
        case setting.headerTableSize:
          this.headerTableBytes = value;
          break;
        case setting.maxConcurrentStreams:
          this.maxConcurrentStreams = value;
          break;
        case setting.initialWindowSize:
          if (value > 0x7fff_ffff) throw new Error("the server sent an HTTP/2 window that is too large");
          this.initialWindowBytes = value;
          break;
        case setting.maxFrameSize:
          if (value < 16_384 || value > 0xff_ffff)
            throw new Error("the server sent an impossible HTTP/2 frame size");
          this.maxFrameBytes = value;
          break;
        default:
          // Unknown settings are to be ignored.
          break;
      }
    }
  }
}
