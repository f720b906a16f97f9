import { InferenceRequest, requestState, type ResponseSink } from "../../server/core/inference-request.ts";

/** Nobody waits for the answer. */
const nobody: ResponseSink = {
  onResponse: () => undefined,
  onFailure: () => undefined,
  onEnd: () => undefined,
};

/**
 * A request for a row of a batch that has none: a copy of another one's inputs, because the model computes on them, and
 * no outputs.
 *
 * @param template - A member of the same batch, which therefore lives at least as long as the inputs are needed.
 */
export function makeFiller(template: InferenceRequest): InferenceRequest {
  const filler = new InferenceRequest({
    id: "",
    inputs: template.inputs,
    requestedOutputs: [],
    parameters: null,
    priority: 0,
    timeoutUs: 0,
    correlationId: typeof template.correlationId === "string" ? "" : 0,
    isSequenceStart: false,
    isSequenceEnd: false,
    sink: nobody,
  });
  filler.isFiller = true;
  filler.outputMask = 0;
  filler.state = requestState.executing;
  return filler;
}
