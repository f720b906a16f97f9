/** Kinds of frames. @see RFC 9113, section 6 */
export const frameType = {
  data: 0,
  headers: 1,
  resetStream: 3,
  settings: 4,
  pushPromise: 5,
  ping: 6,
  goAway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const;

/** Flags of frames; a bit means something else, or nothing, in each kind. */
export const frameFlag = { endStream: 0x1, ack: 0x1, endHeaders: 0x4, padded: 0x8, priority: 0x20 } as const;

/** Settings by their number. */
export const setting = {
  headerTableSize: 1,
  enablePush: 2,
  maxConcurrentStreams: 3,
  initialWindowSize: 4,
  maxFrameSize: 5,
} as const;

/** Error codes, by their number. */
export const h2ErrorNames = [
  "NO_ERROR",
  "PROTOCOL_ERROR",
  "INTERNAL_ERROR",
  "FLOW_CONTROL_ERROR",
  "SETTINGS_TIMEOUT",
  "STREAM_CLOSED",
  "FRAME_SIZE_ERROR",
  "REFUSED_STREAM",
  "CANCEL",
  "COMPRESSION_ERROR",
  "CONNECT_ERROR",
  "ENHANCE_YOUR_CALM",
  "INADEQUATE_SECURITY",
  "HTTP_1_1_REQUIRED",
] as const;

/** The number of CANCEL. */
export const cancelCode = 8;

/** Length (24 bits), kind, flags, stream (31 bits): big-endian. */
export const frameHeaderBytes = 9;

/** What a client sends first. */
export const clientPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/** Writes a frame's header. @returns Where its payload begins. */
export function writeFrameHeader(
  bytes: Buffer,
  at: number,
  { length, type, flags, streamId }: { length: number; type: number; flags: number; streamId: number },
): number {
  bytes[at] = length >>> 16;
  bytes[at + 1] = length >>> 8;
  bytes[at + 2] = length;
  bytes[at + 3] = type;
  bytes[at + 4] = flags;
  bytes[at + 5] = streamId >>> 24;
  bytes[at + 6] = streamId >>> 16;
  bytes[at + 7] = streamId >>> 8;
  bytes[at + 8] = streamId;
  return at + frameHeaderBytes;
}

/** A whole frame. */
export function encodeFrame(type: number, flags: number, streamId: number, payload: Uint8Array): Buffer {
  const frame = Buffer.alloc(frameHeaderBytes + payload.length);
  writeFrameHeader(frame, 0, { length: payload.length, type, flags, streamId });
  frame.set(payload, frameHeaderBytes);
  return frame;
}

/** One 32-bit number: a WINDOW_UPDATE's increment, a RST_STREAM's code. */
export function wordPayload(value: number): Buffer {
  const payload = Buffer.alloc(4);
  payload.writeUInt32BE(value);
  return payload;
}

/** The payload of SETTINGS. */
export function settingsPayload(values: readonly (readonly [id: number, value: number])[]): Buffer {
  const payload = Buffer.alloc(values.length * 6);
  values.forEach(([id, value], i) => {
    payload.writeUInt16BE(id, i * 6);
    payload.writeUInt32BE(value, i * 6 + 2);
  });
  return payload;
}
