import { bytesElementHeader, bytesElementLength } from "../../../server/core/bytes-elements.ts";

/** The elements of a BYTES tensor in wire form, as views. Any content is carried, UTF-8 or not. */
export function bytesFromWire(wire: Uint8Array): Uint8Array[] {
  const elements: Uint8Array[] = [];
  for (let at = 0; at < wire.byteLength; ) {
    const start = at + bytesElementHeader;
    at = start + bytesElementLength(wire, at);
    elements.push(wire.subarray(start, at));
  }
  return elements;
}

/** Elements in wire form, in memory of their own. */
export function bytesToWire(elements: readonly Uint8Array[]): Uint8Array {
  const size = elements.reduce((sum, element) => sum + bytesElementHeader + element.byteLength, 0);
  const wire = new Uint8Array(size);
  const view = new DataView(wire.buffer);
  let at = 0;
  for (const element of elements) {
    view.setUint32(at, element.byteLength, true);
    wire.set(element, at + bytesElementHeader);
    at += bytesElementHeader + element.byteLength;
  }
  return wire;
}
