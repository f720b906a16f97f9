import type { ResourceLimit } from "../rate-limiter/resource-pool.ts";
import { listValue, type OptionValue, parseInteger, ValueProblem } from "./option-value.ts";

const syntax = "<name>:<count>[:<device>]";
/** Counts of a config are unsigned 32-bit numbers. */
const maxCount = 2 ** 32 - 1;
const maxDevice = 2 ** 31 - 1;

/** Reads one `--rate-limit-resource` argument. */
export function parseRateLimitResource(text: string): ResourceLimit | ValueProblem {
  const [name = "", countText = "", deviceText, ...rest] = text.split(":");
  if (name === "" || countText === "" || deviceText === "" || rest.length > 0) {
    return ValueProblem.expected(syntax, text);
  }
  const count = parseInteger(countText);
  if (count === undefined || count < 0 || count > maxCount) {
    return ValueProblem.expected(`an integer from 0 to ${maxCount} as the count of "${name}"`, countText);
  }
  if (deviceText === undefined) return { name, count, deviceId: null };
  const deviceId = parseInteger(deviceText);
  if (deviceId === undefined || deviceId < 0 || deviceId > maxDevice) {
    return ValueProblem.expected(`an integer from 0 to ${maxDevice} as the device of "${name}"`, deviceText);
  }
  return { name, count, deviceId };
}

/** The value of `--rate-limit-resource`: each occurrence adds a limit. */
export const rateLimitResourceValue: OptionValue<readonly ResourceLimit[]> = listValue(
  syntax,
  syntax,
  parseRateLimitResource,
);
