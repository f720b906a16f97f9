import { readFile, realpath } from "node:fs/promises";
import path from "node:path";
import { checkBytesElements } from "../core/bytes-elements.ts";
import { dataTypeByteSize } from "../core/data-type.ts";
import { elementCount, formatShape } from "../core/shape.ts";
import { StatusError } from "../core/status.ts";
import type { ModelConfig, SequenceState } from "../model-config/model-config.ts";

/** The first values of the states that have a file, in wire form, by the name of the input. */
export type InitialStates = ReadonlyMap<string, Uint8Array>;

/** Where a model's first values lie, beside its versions. */
const directoryName = "initial_state";

/**
 * Reads the files that a config names for the first values of states. Read once, when the model loads.
 *
 * @throws StatusError UNSUPPORTED for a file outside the model's `initial_state`, INVALID_ARG for one that cannot be read
 * or does not hold exactly the elements that the config says.
 */
export async function readInitialStates(modelDirectory: string, config: ModelConfig): Promise<InitialStates> {
  const values = new Map<string, Uint8Array>();
  for (const state of config.sequenceBatching?.state ?? []) {
    const filename = state.initialState?.dataFile ?? null;
    if (filename === null) continue;
    const data = await readInside(path.resolve(modelDirectory, directoryName), filename, state);
    checkData(data, filename, state);
    values.set(state.inputName, data);
  }
  return values;
}

async function readInside(directory: string, filename: string, state: SequenceState): Promise<Uint8Array> {
  const what = `data_file "${filename}" of state '${state.inputName}'`;
  try {
    // Links count as where they lead, as for label files.
    const [inside, target] = await Promise.all([
      realpath(directory),
      realpath(path.resolve(directory, filename)),
    ]);
    if (!target.startsWith(inside + path.sep)) {
      throw new StatusError("UNSUPPORTED", `${what} leads out of the model's directory ${directoryName}`);
    }
    return new Uint8Array(await readFile(target));
  } catch (thrown) {
    if (thrown instanceof StatusError) throw thrown;
    throw new StatusError("INVALID_ARG", `cannot read ${what}: ${(thrown as Error).message}`);
  }
}

function checkData(data: Uint8Array, filename: string, state: SequenceState): void {
  const dims = state.initialState?.dims ?? [];
  const count = elementCount(dims);
  if (state.datatype === "BYTES") {
    const problem = checkBytesElements(data, count, state.inputName);
    if (problem !== null) throw new StatusError("INVALID_ARG", `data_file "${filename}": ${problem.message}`);
    return;
  }
  const expected = count * dataTypeByteSize[state.datatype];
  if (data.byteLength === expected) return;
  throw new StatusError(
    "INVALID_ARG",
    `data_file "${filename}" of state '${state.inputName}' must have ${expected} bytes for ${state.datatype} ${formatShape(dims)}, got ${data.byteLength}`,
  );
}
