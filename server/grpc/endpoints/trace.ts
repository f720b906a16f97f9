import { messageDecoder, messageEncoder } from "../codec/service-descriptor.ts";
import { type DataPlane, isFailure } from "../../data-plane.ts";
import type { UnaryCall } from "../transport/grpc-transport.ts";

const decodeRequest = messageDecoder("inference.TraceSettingRequest");
const encodeResponse = messageEncoder("inference.TraceSettingResponse");

/** What the decoder gives. */
interface TraceSettingRequest {
  readonly settings: Readonly<Record<string, { readonly value: readonly string[] }>>;
  readonly model_name: string;
}

/**
 * `TraceSetting`: changes the settings of the request, all or none, and answers with all of them; without any it only
 * answers. A setting without a value goes back to the global one, or to that of the start.
 */
export function traceSetting(dataPlane: DataPlane, call: UnaryCall): void {
  const { settings, model_name: modelName } = decodeRequest(call.message) as TraceSettingRequest;
  const sent = Object.entries(settings).map(([name, { value }]) => ({
    name,
    values: value.length === 0 ? null : value,
  }));
  const report =
    sent.length === 0 ? dataPlane.traceSettings(modelName) : dataPlane.changeTraceSettings(modelName, sent);
  if (isFailure(report)) return call.fail(report);
  const values: Record<string, object> = {};
  for (const [name, value] of Object.entries(report)) {
    values[name] = { value: typeof value === "string" ? [value] : value };
  }
  call.reply(encodeResponse({ settings: values }));
}
