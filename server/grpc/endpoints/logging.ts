import { readLogSettings } from "../codec/log-settings.ts";
import { messageEncoder } from "../codec/service-descriptor.ts";
import type { DataPlane } from "../../data-plane.ts";
import type { UnaryCall } from "../transport/grpc-transport.ts";

const encodeLogSettings = messageEncoder("inference.LogSettingsResponse");

/**
 * `LogSettings`: changes the settings of the request, one after the other, and answers with all of them; without any it
 * only answers. At the first that is refused it ends; those before it are changed then. A setting without a value stays
 * as it is.
 */
export function logSettings(dataPlane: DataPlane, call: UnaryCall): void {
  for (const { name, value } of readLogSettings(call.message)) {
    if (value === null) continue;
    const refusal = dataPlane.changeLogSetting(name, value);
    if (refusal !== null) return call.fail(refusal);
  }
  const settings: Record<string, object> = {};
  for (const [name, value] of Object.entries<boolean | number | string>({ ...dataPlane.logSettings() })) {
    settings[name] = settingValue(value);
  }
  call.reply(encodeLogSettings({ settings }));
}

function settingValue(value: boolean | number | string): object {
  switch (typeof value) {
    case "boolean":
      return { bool_param: value };
    case "number":
      return { uint32_param: value };
    default:
      return { string_param: value };
  }
}
