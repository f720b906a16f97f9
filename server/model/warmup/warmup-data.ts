import { readFile, realpath } from "node:fs/promises";
import path from "node:path";
import { type DataType, dataTypeByteSize } from "../../core/data-type.ts";
import { StatusError } from "../../core/status.ts";
import type { WarmupInput } from "../../model-config/model-config.ts";

/** The directory of a model that holds the files of its samples. */
export const warmupDirectory = "warmup";

/** Integers below this fit every type and are a plausible index in most tables. */
const randomIntegerLimit = 128;
/** An empty text is four bytes of length and nothing else. */
const emptyTextBytes = 4;

/**
 * Makes the values of one input for one row.
 *
 * @param count - Elements.
 * @param seed - Random values of the same seed are the same.
 * @throws StatusError INVALID_ARG or UNSUPPORTED when its file cannot be used.
 */
export async function makeWarmupData(
  { datatype, source }: WarmupInput,
  count: number,
  modelDirectory: string,
  seed: number,
): Promise<Uint8Array> {
  if (source.kind === "file") return readData(modelDirectory, source.filename, datatype, count);
  // Texts have no useful random values.
  if (datatype === "BYTES") return new Uint8Array(count * emptyTextBytes);
  const data = new Uint8Array(count * dataTypeByteSize[datatype]);
  if (source.kind === "random") fillRandom(data, datatype, seed);
  return data;
}

/** Integers from 0 to 127, floating-point numbers from 0 to 1, booleans. */
function fillRandom(data: Uint8Array, datatype: DataType, seed: number): void {
  const byteSize = dataTypeByteSize[datatype];
  const view = new DataView(data.buffer);
  const single = new DataView(new ArrayBuffer(4));
  let state = seed;
  const next = (): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
  for (let offset = 0; offset < data.byteLength; offset += byteSize) {
    const value = next();
    switch (datatype) {
      case "FP64":
        view.setFloat64(offset, value, true);
        break;
      case "FP32":
        view.setFloat32(offset, value, true);
        break;
      case "FP16":
        view.setUint16(offset, halfOf(Math.floor(value * 1024)), true);
        break;
      case "BF16":
        // The upper half of a 32-bit number, the rest cut off.
        single.setFloat32(0, value);
        view.setUint16(offset, single.getUint16(0), true);
        break;
      case "BOOL":
        data[offset] = value < 0.5 ? 0 : 1;
        break;
      default:
        // Little-endian: the other bytes of a small integer are 0.
        data[offset] = Math.floor(value * randomIntegerLimit);
    }
  }
}

/** The half-precision bits of `thousandths` ÷ 1024. @param thousandths - An integer from 0 to 1023. */
function halfOf(thousandths: number): number {
  if (thousandths === 0) return 0;
  const exponent = Math.floor(Math.log2(thousandths));
  return ((exponent + 5) << 10) | ((thousandths << (10 - exponent)) & 0x3ff);
}

async function readData(
  modelDirectory: string,
  filename: string,
  datatype: DataType,
  count: number,
): Promise<Uint8Array> {
  const file = path.resolve(modelDirectory, warmupDirectory, filename);
  let bytes: Uint8Array;
  try {
    // Links count as where they lead, as for label files.
    const [directory, target] = await Promise.all([realpath(modelDirectory), realpath(file)]);
    if (!target.startsWith(directory + path.sep)) {
      throw new StatusError(
        "UNSUPPORTED",
        `input_data_file "${filename}" leads out of the model's directory`,
      );
    }
    bytes = await readFile(target);
  } catch (thrown) {
    if (thrown instanceof StatusError) throw thrown;
    throw new StatusError(
      "INVALID_ARG",
      `cannot read input_data_file "${filename}" in ${warmupDirectory}/: ${(thrown as Error).message}`,
    );
  }
  // How many bytes texts take is known only by reading them; validation does that.
  if (datatype === "BYTES") return bytes;
  const byteCount = count * dataTypeByteSize[datatype];
  if (bytes.byteLength >= byteCount) return bytes.subarray(0, byteCount);
  throw new StatusError(
    "INVALID_ARG",
    `input_data_file "${filename}" has ${bytes.byteLength} bytes, but ${count} elements of ${datatype} need ${byteCount}`,
  );
}
