import { type Failure, failure, type Status, StatusError } from "../../core/status.ts";
import { type DataPlane, isFailure } from "../../data-plane.ts";
import { readCudaRegion, readSystemRegion } from "../codec/shared-memory-request.ts";
import { replyEmpty, replyFailure, replyJson } from "../json-reply.ts";
import type { RegionStatuses } from "../../shared-memory/shared-memory-region.ts";
import type { Route } from "../router.ts";
import type { HttpExchange } from "../transport/http-exchange.ts";

/** Far more than a name, a handle and some numbers take. */
const maxBodyBytes = 64 * 1024;

const tooLarge = failure(
  "INVALID_ARG",
  `request JSON size exceeds the maximum allowed input size of ${maxBodyBytes} bytes`,
);

/** `GET /v2/(system|cuda)sharedmemory[/region/N]/status` */
export function sharedMemoryStatus(server: DataPlane, route: Route, exchange: HttpExchange): void {
  const { sharedMemory } = server;
  const { memoryKind, regionName } = route;
  const shown =
    memoryKind === "system"
      ? shownSystem(sharedMemory.status("system", regionName))
      : shownCuda(sharedMemory.status("cuda", regionName));
  if (isFailure(shown)) replyFailure(exchange, shown);
  else replyJson(exchange, shown);
}

function shownSystem(regions: readonly RegionStatuses["system"][] | Failure): object[] | Failure {
  if (isFailure(regions)) return regions;
  return regions.map(({ name, key, offset, byteSize }) => ({ name, key, offset, byte_size: byteSize }));
}

function shownCuda(regions: readonly RegionStatuses["cuda"][] | Failure): object[] | Failure {
  if (isFailure(regions)) return regions;
  return regions.map(({ name, deviceId, byteSize }) => ({ name, device_id: deviceId, byte_size: byteSize }));
}

/** `POST /v2/(system|cuda)sharedmemory/region/N/register`: 200 without a body. */
export function registerSharedMemory(server: DataPlane, route: Route, exchange: HttpExchange): void {
  const { sharedMemory } = server;
  const { memoryKind, regionName } = route;
  answer(exchange, (body) => {
    // Before the body, which is of no interest when the feature is off.
    const refusal = sharedMemory.registrationRefusal(memoryKind, regionName);
    if (refusal !== null) return refusal;
    return memoryKind === "system"
      ? sharedMemory.registerSystem(readSystemRegion(regionName, body))
      : sharedMemory.registerCuda(readCudaRegion(regionName, body));
  });
}

/** `POST /v2/(system|cuda)sharedmemory[/region/N]/unregister`: 200 without a body. The request's body is not looked at. */
export function unregisterSharedMemory(server: DataPlane, route: Route, exchange: HttpExchange): void {
  answer(exchange, () => server.sharedMemory.unregister(route.memoryKind, route.regionName));
}

/** @param operation - What it throws as a StatusError becomes the reply. */
function answer(exchange: HttpExchange, operation: (body: Uint8Array) => Status): void {
  exchange.readBody(maxBodyBytes, {
    onBody: (body) => {
      let status: Status;
      try {
        status = operation(body);
      } catch (thrown) {
        status = StatusError.from(thrown).toFailure();
      }
      if (status === null) replyEmpty(exchange);
      else replyFailure(exchange, status);
    },
    onTooLarge: () => replyFailure(exchange, tooLarge),
  });
}
