import type { DataType } from "../../server/core/data-type.ts";
import { buildModel, type GraphValue } from "./build-model.ts";

/**
 * Small models whose requests belong to sequences, for tests: their configs say what goes from one request to the next.
 */

const item = (name: string, datatype: DataType, length = 1): GraphValue => ({
  name,
  datatype,
  shape: ["batch", length],
});

/** OUTPUT0 = STATE_OUT = STATE_IN + INPUT0, all `[batch, length]`. */
export function runningSumModel(datatype: DataType = "INT32", length = 1): Uint8Array {
  return buildModel({
    inputs: [item("INPUT0", datatype, length), item("STATE_IN", datatype, length)],
    outputs: [item("OUTPUT0", datatype, length), item("STATE_OUT", datatype, length)],
    nodes: [
      { op: "Add", inputs: ["STATE_IN", "INPUT0"], outputs: ["STATE_OUT"] },
      { op: "Identity", inputs: ["STATE_OUT"], outputs: ["OUTPUT0"] },
    ],
  });
}

/**
 * Two states: SUM adds INPUT0 up as FP32, COUNT counts requests as INT64. OUTPUT0 FP32 is the mean. All `[batch, 1]`.
 */
export function runningMeanModel(): Uint8Array {
  return buildModel({
    inputs: [item("INPUT0", "FP32"), item("COUNT_IN", "INT64"), item("SUM_IN", "FP32")],
    outputs: [item("OUTPUT0", "FP32"), item("SUM_OUT", "FP32"), item("COUNT_OUT", "INT64")],
    initializers: [
      { name: "one", datatype: "INT64", shape: [1], data: new Uint8Array(BigInt64Array.of(1n).buffer) },
    ],
    nodes: [
      { op: "Add", inputs: ["SUM_IN", "INPUT0"], outputs: ["SUM_OUT"] },
      { op: "Add", inputs: ["COUNT_IN", "one"], outputs: ["COUNT_OUT"] },
      { op: "Cast", inputs: ["COUNT_OUT"], outputs: ["divisor"], attributes: { to: { int: 1 } } },
      { op: "Div", inputs: ["SUM_OUT", "divisor"], outputs: ["OUTPUT0"] },
    ],
  });
}

/** OUTPUT0 = TEXT_OUT = the texts of the sequence so far, one after the other. BYTES `[batch, 1]`. */
export function runningTextModel(): Uint8Array {
  return buildModel({
    // The first with an operator that joins strings.
    opset: 20,
    inputs: [item("INPUT0", "BYTES"), item("TEXT_IN", "BYTES")],
    outputs: [item("OUTPUT0", "BYTES"), item("TEXT_OUT", "BYTES")],
    nodes: [
      { op: "StringConcat", inputs: ["TEXT_IN", "INPUT0"], outputs: ["TEXT_OUT"] },
      { op: "Identity", inputs: ["TEXT_OUT"], outputs: ["OUTPUT0"] },
    ],
  });
}

/** OUTPUT0 = LIST_OUT = LIST_IN and INPUT0 behind it, INT32 `[batch, any]`: a state that grows with each request. */
export function growingListModel(): Uint8Array {
  const list = (name: string): GraphValue => ({
    name,
    datatype: "INT32",
    shape: ["batch", `length_of_${name}`],
  });
  return buildModel({
    inputs: [item("INPUT0", "INT32"), list("LIST_IN")],
    outputs: [list("OUTPUT0"), list("LIST_OUT")],
    nodes: [
      {
        op: "Concat",
        inputs: ["LIST_IN", "INPUT0"],
        outputs: ["LIST_OUT"],
        attributes: { axis: { int: 1 } },
      },
      { op: "Identity", inputs: ["LIST_OUT"], outputs: ["OUTPUT0"] },
    ],
  });
}

/** Shows what the server tells with each request: START_SEEN = START and so on, `[batch, 1]`, beside OUTPUT0 = INPUT0. */
export function controlsModel(correlationIds: DataType): Uint8Array {
  const controls: readonly (readonly [string, DataType])[] = [
    ["START", "BOOL"],
    ["READY", "INT32"],
    ["END", "FP32"],
    ["CORRID", correlationIds],
  ];
  return buildModel({
    inputs: [item("INPUT0", "INT32"), ...controls.map(([name, datatype]) => item(name, datatype))],
    outputs: [
      item("OUTPUT0", "INT32"),
      ...controls.map(([name, datatype]) => item(`${name}_SEEN`, datatype)),
    ],
    nodes: [
      { op: "Identity", inputs: ["INPUT0"], outputs: ["OUTPUT0"] },
      ...controls.map(([name]) => ({ op: "Identity", inputs: [name], outputs: [`${name}_SEEN`] })),
    ],
  });
}
