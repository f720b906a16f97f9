// Turns image files into what the model `digits` takes: 8×8 pixels from 0, the ground, to 16, the stroke.
//
// IMAGE is a PNG file of at least 8×8 pixels with a light digit on a dark ground: grey or colour, with or without alpha,
// 8 bits per channel, not interlaced. Each of the 64 pixels is the mean of the part of the image that it covers.

import { inflateSync } from "node:zlib";

/** @typedef {import("nereid/javascript").ModelRequest} ModelRequest */
/** @typedef {{ width: number, height: number, luma: Uint8Array }} GreyImage */

const side = 8;
const maxPixel = 16;
/** Larger files are no pictures of one digit. */
const maxPixelCount = 16 * 1024 * 1024;

const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
/** Channels by PNG's colour type; palettes are left out. */
const channelCounts = new Map([
  [0, 1],
  [2, 3],
  [4, 2],
  [6, 4],
]);

/** @param {readonly ModelRequest[]} requests */
export function execute(requests) {
  return requests.map((request) => {
    const files = request.input("IMAGE").elements();
    const pixels = new Float32Array(files.length * side * side);
    try {
      for (const [index, file] of files.entries()) {
        shrink(decodePng(file), pixels.subarray(index * side * side, (index + 1) * side * side));
      }
    } catch (error) {
      // The file is the client's, whatever is wrong with it.
      const message = `IMAGE cannot be read: ${error.message}`;
      return Object.assign(new Error(message), { code: "INVALID_ARG" });
    }
    return { outputs: { PIXELS: { shape: [files.length, 1, side, side], data: pixels } } };
  });
}

/**
 * @param {GreyImage} image
 * @param {Float32Array} target - 64 pixels, row by row.
 */
function shrink({ width, height, luma }, target) {
  for (let row = 0; row < side; row++) {
    for (let column = 0; column < side; column++) {
      const [top, bottom] = [Math.floor((row * height) / side), Math.floor(((row + 1) * height) / side)];
      const [left, right] = [Math.floor((column * width) / side), Math.floor(((column + 1) * width) / side)];
      let sum = 0;
      for (let y = top; y < bottom; y++) {
        for (let x = left; x < right; x++) sum += luma[y * width + x];
      }
      const mean = sum / ((bottom - top) * (right - left));
      target[row * side + column] = (mean / 255) * maxPixel;
    }
  }
}

/**
 * @param {Uint8Array} bytes
 * @returns {GreyImage}
 */
function decodePng(bytes) {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (!file.subarray(0, signature.length).equals(signature)) throw new Error("it is no PNG file");
  let header = null;
  const data = [];
  for (let offset = signature.length; offset + 8 <= file.length; ) {
    const length = file.readUInt32BE(offset);
    const type = file.toString("latin1", offset + 4, offset + 8);
    const chunk = file.subarray(offset + 8, offset + 8 + length);
    if (chunk.length < length) throw new Error("the file ends too early");
    if (type === "IHDR") header = readHeader(chunk);
    if (type === "IDAT") data.push(chunk);
    if (type === "IEND") break;
    // Each chunk ends with four bytes of checksum.
    offset += 8 + length + 4;
  }
  if (header === null) throw new Error("it has no header");
  return toGrey(header, data);
}

function readHeader(chunk) {
  if (chunk.length !== 13) throw new Error("its header is broken");
  const [width, height] = [chunk.readUInt32BE(0), chunk.readUInt32BE(4)];
  const [bitDepth, colourType, , , interlace] = chunk.subarray(8);
  const channelCount = channelCounts.get(colourType);
  if (bitDepth !== 8 || channelCount === undefined || interlace !== 0) {
    throw new Error(
      "only 8 bits per channel, grey or RGB, with or without alpha, not interlaced, are supported",
    );
  }
  if (width < side || height < side || width * height > maxPixelCount) {
    throw new Error(`it must have from ${side}×${side} to ${maxPixelCount} pixels, got ${width}×${height}`);
  }
  return { width, height, channelCount };
}

/** Undoes PNG's row filters and takes the light of each pixel, alpha being left out. */
function toGrey({ width, height, channelCount }, data) {
  const rowBytes = width * channelCount;
  const size = height * (rowBytes + 1);
  const raw = inflateSync(Buffer.concat(data), { maxOutputLength: size });
  if (raw.length !== size) throw new Error("its pixels are incomplete");
  const luma = new Uint8Array(width * height);
  let above = new Uint8Array(rowBytes);
  for (let y = 0; y < height; y++) {
    const start = y * (rowBytes + 1);
    const row = raw.subarray(start + 1, start + 1 + rowBytes);
    unfilter(raw[start], row, above, channelCount);
    for (let x = 0; x < width; x++) {
      const pixel = x * channelCount;
      luma[y * width + x] =
        channelCount < 3
          ? row[pixel]
          : Math.round(0.299 * row[pixel] + 0.587 * row[pixel + 1] + 0.114 * row[pixel + 2]);
    }
    above = row;
  }
  return { width, height, luma };
}

/** Adds to each byte of a row what its filter predicts from its neighbours. See the PNG specification, chapter 9. */
function unfilter(filter, row, above, channelCount) {
  for (let i = 0; i < row.length; i++) {
    const left = i < channelCount ? 0 : row[i - channelCount];
    const up = above[i];
    const corner = i < channelCount ? 0 : above[i - channelCount];
    switch (filter) {
      case 0:
        return;
      case 1:
        row[i] += left;
        break;
      case 2:
        row[i] += up;
        break;
      case 3:
        row[i] += (left + up) >> 1;
        break;
      case 4:
        row[i] += paeth(left, up, corner);
        break;
      default:
        throw new Error(`it uses row filter ${filter}, which does not exist`);
    }
  }
}

/** Whichever neighbour is nearest to left + up - corner. */
function paeth(left, up, corner) {
  const estimate = left + up - corner;
  const [toLeft, toUp, toCorner] = [left, up, corner].map((value) => Math.abs(estimate - value));
  if (toLeft <= toUp && toLeft <= toCorner) return left;
  return toUp <= toCorner ? up : corner;
}
