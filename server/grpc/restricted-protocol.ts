import { type ApiCategory, type ApiRestriction, isSecret, restrictionOf } from "../api-restriction.ts";
import { failure } from "../core/status.ts";
import { deafListener } from "./transport/deaf-listener.ts";
import type { GrpcCall, GrpcMethod } from "./transport/grpc-transport.ts";

/** What the metadata keys begin with; the option names the rest. */
const keyPrefix = "triton-grpc-protocol-";

/** The first one that the method's name matches. */
const categoryByMethod: readonly (readonly [method: RegExp, category: ApiCategory])[] = [
  [/^\/grpc\.health\.v1\.Health\//, "health"],
  [/\/Server(?:Live|Ready)$|\/ModelReady$/, "health"],
  [/\/(?:Server|Model)Metadata$/, "metadata"],
  [/\/Model(?:Stream)?Infer$/, "inference"],
  [/\/ModelConfig$/, "model-config"],
  [/\/ModelStatistics$/, "statistics"],
  [/\/Repository\w+$/, "model-repository"],
  [/\/(?:System|Cuda)SharedMemory\w+$/, "shared-memory"],
  [/\/TraceSetting$/, "trace"],
  [/\/LogSettings$/, "logging"],
];

/**
 * What a method belongs to.
 *
 * @param path - `/package.Service/Method`
 * @returns `null` for a method that no category has.
 */
export function protocolCategoryOf(path: string): ApiCategory | null {
  return categoryByMethod.find(([pattern]) => pattern.test(path))?.[1] ?? null;
}

/**
 * The method behind its restriction: calls without the secret end with UNAVAILABLE. A method without one is returned
 * as it is.
 *
 * @param restrictions - `--grpc-restricted-protocol`.
 */
export function restrictMethod(method: GrpcMethod, restrictions: readonly ApiRestriction[]): GrpcMethod {
  const category = protocolCategoryOf(method.path);
  const restriction = category === null ? null : restrictionOf(restrictions, category);
  if (restriction === null) return method;
  const key = `${keyPrefix}${restriction.key.toLowerCase()}`;
  const refusal = failure("UNAVAILABLE", `This protocol is restricted, expecting header '${key}'`);
  const isAllowed = (call: GrpcCall): boolean => isSecret(call.metadata(key) ?? "", restriction);
  if (method.kind === "unary") {
    return {
      ...method,
      handle: (call) => {
        if (isAllowed(call)) method.handle(call);
        else call.fail(refusal);
      },
    };
  }
  return {
    ...method,
    open: (call) => {
      if (isAllowed(call)) return method.open(call);
      call.fail(refusal);
      return deafListener;
    },
  };
}
