import assert from "node:assert/strict";
import { InferenceResponse } from "../../../../../server/core/inference-response.ts";
import type { ModelTensor } from "../../../../../server/model/served-model.ts";
import type { InferenceRequest } from "../../../../../server/core/inference-request.ts";
import { Tensor } from "../../../../../server/core/tensor.ts";
import { GenerateEndpoint } from "../../../../../server/http/endpoints/generate.ts";
import { matchRoute } from "../../../../../server/http/router.ts";
import { FakeDataPlane } from "../../../../helpers/fake-data-plane.ts";
import { FakeExchange } from "../../../../helpers/fake-exchange.ts";

/** The inputs of the models of these tests. */
export const promptInputs: readonly ModelTensor[] = [
  { name: "PROMPT", datatype: "BYTES", shape: [1], isOptional: false },
  { name: "STREAM", datatype: "BOOL", shape: [1], isOptional: false },
  { name: "COUNT", datatype: "INT32", shape: [1], isOptional: true },
];

/** A response with the one output TOKEN. */
export function tokenResponse(request: InferenceRequest, token: number): InferenceResponse {
  return responseOf(
    request,
    new Tensor("TOKEN", "INT32", [1], new Uint8Array(new Int32Array([token]).buffer)),
  );
}

/** A response with any outputs. */
export function responseOf(request: InferenceRequest, ...outputs: Tensor[]): InferenceResponse {
  const { id } = request;
  return new InferenceResponse({
    modelName: "echo",
    modelVersion: "1",
    id,
    outputs,
    parameters: null,
    buffer: null,
  });
}

/** What {@link tokenResponse} becomes. */
export function tokenJson(token: number, id = ""): string {
  const start = id === "" ? "" : `"id":"${id}",`;
  return `{${start}"model_name":"echo","model_version":"1","TOKEN":${token}}`;
}

/** An exchange whose headers have arrived; the model answers when it is told. */
export function beginGenerate(action: "generate" | "generate_stream", headers: Record<string, string> = {}) {
  const plane = new FakeDataPlane();
  plane.echo.isEchoing = false;
  plane.echo.inputs = promptInputs;
  plane.echo.isDecoupled = true;
  const bugs: unknown[] = [];
  const limits = { maxInputBytes: 1000, onBug: (thrown: unknown) => bugs.push(thrown) };
  const endpoint = new GenerateEndpoint(plane, limits);
  const exchange = new FakeExchange(headers);
  const route = matchRoute(`/v2/models/echo/${action}`);
  assert.ok(route !== null);
  if (action === "generate") endpoint.generate(route, exchange);
  else endpoint.generateStream(route, exchange);
  return { plane, exchange, bugs };
}

/** The same with a body, and the request that the model got of it. */
export function runGenerate(action: "generate" | "generate_stream", body = '{"PROMPT":"a","STREAM":true}') {
  const begun = beginGenerate(action);
  begun.exchange.receive(body);
  return { ...begun, request: begun.plane.echo.lastRequest() };
}
