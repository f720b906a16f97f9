import { createHash } from "node:crypto";
import type { InferenceRequest } from "../core/inference-request.ts";

/**
 * Names the content of a request: two requests have the same digest only if a model must give both the same response.
 *
 * @remarks
 * SHA-256 over everything that a model can see of the request: each input's name, data type, shape and bytes, the
 * wanted outputs and the parameters. What belongs to the client or to the queue is not in it: id, priority, timeout,
 * and how outputs are delivered. A hash that is quicker but can be made to collide would let one client choose
 * another's answers.
 *
 * ```
 * SHA-256( JSON [outputs, parameters, [name, datatype, shape, byte length] of each input], bytes of each input )
 * ```
 *
 * The JSON says how long everything after it is, so that no two requests give the same bytes.
 *
 * @param request - Validated: its inputs are in the model's order.
 * @param outputNames - All outputs of the model.
 * @see contract §6.9
 */
export function requestDigest(request: InferenceRequest, outputNames: readonly string[]): string {
  const { requestedOutputs, inputs } = request;
  const wanted =
    requestedOutputs.length === 0
      ? outputNames
      : outputNames.filter((output) => requestedOutputs.includes(output));
  const head = JSON.stringify([
    wanted,
    parametersOf(request),
    inputs.map(({ name, datatype, shape, data }) => [name, datatype, shape, data.byteLength]),
  ]);
  const hash = createHash("sha256").update(head);
  for (const { data } of inputs) hash.update(data);
  // One character per byte: the shortest text that can be a key of a map.
  return hash.digest("binary");
}

/** In the order of their names, with their types: `1` and `"1"` are different. */
function parametersOf({ parameters }: InferenceRequest): readonly (readonly string[])[] {
  if (parameters === null) return [];
  return [...parameters]
    .map(([name, value]) => [name, typeof value, Object.is(value, -0) ? "-0" : String(value)])
    .sort(([a = ""], [b = ""]) => (a < b ? -1 : 1));
}
