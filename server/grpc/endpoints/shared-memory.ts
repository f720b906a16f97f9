import type { Status } from "../../core/status.ts";
import { type DataPlane, isFailure } from "../../data-plane.ts";
import { messageDecoder, messageEncoder } from "../codec/service-descriptor.ts";
import type { UnaryCall } from "../transport/grpc-transport.ts";

/** Status and unregistering, of both kinds. */
interface RegionNameMessage {
  readonly name: string;
}

/** A `SystemSharedMemoryRegisterRequest`. */
interface SystemRegisterMessage extends RegionNameMessage {
  readonly key: string;
  readonly offset: number;
  readonly byte_size: number;
}

/** A `CudaSharedMemoryRegisterRequest`. */
interface CudaRegisterMessage extends RegionNameMessage {
  readonly raw_handle: Uint8Array;
  readonly device_id: number;
  readonly byte_size: number;
}

const decodeSystemStatus = messageDecoder("inference.SystemSharedMemoryStatusRequest");
const encodeSystemStatus = messageEncoder("inference.SystemSharedMemoryStatusResponse");
const decodeSystemRegister = messageDecoder("inference.SystemSharedMemoryRegisterRequest");
const decodeSystemUnregister = messageDecoder("inference.SystemSharedMemoryUnregisterRequest");
const decodeCudaStatus = messageDecoder("inference.CudaSharedMemoryStatusRequest");
const encodeCudaStatus = messageEncoder("inference.CudaSharedMemoryStatusResponse");
const decodeCudaRegister = messageDecoder("inference.CudaSharedMemoryRegisterRequest");
const decodeCudaUnregister = messageDecoder("inference.CudaSharedMemoryUnregisterRequest");

/** `SystemSharedMemoryStatus`: the region of that name, or all when there is no name. */
export function systemSharedMemoryStatus({ sharedMemory }: DataPlane, call: UnaryCall): void {
  const { name } = decodeSystemStatus(call.message) as RegionNameMessage;
  const found = sharedMemory.status("system", name);
  if (isFailure(found)) return call.fail(found);
  const regions = Object.fromEntries(
    found.map(({ name, key, offset, byteSize }) => [name, { name, key, offset, byte_size: byteSize }]),
  );
  call.reply(encodeSystemStatus({ regions }));
}

/** `SystemSharedMemoryRegister` */
export function registerSystemSharedMemory({ sharedMemory }: DataPlane, call: UnaryCall): void {
  const message = decodeSystemRegister(call.message) as SystemRegisterMessage;
  const { name, key, offset, byte_size: byteSize } = message;
  endCall(call, sharedMemory.registerSystem({ name, key, offset, byteSize }));
}

/** `SystemSharedMemoryUnregister`: the region of that name, or all when there is no name. */
export function unregisterSystemSharedMemory({ sharedMemory }: DataPlane, call: UnaryCall): void {
  const { name } = decodeSystemUnregister(call.message) as RegionNameMessage;
  endCall(call, sharedMemory.unregister("system", name));
}

/** `CudaSharedMemoryStatus`: the region of that name, or all when there is no name. */
export function cudaSharedMemoryStatus({ sharedMemory }: DataPlane, call: UnaryCall): void {
  const { name } = decodeCudaStatus(call.message) as RegionNameMessage;
  const found = sharedMemory.status("cuda", name);
  if (isFailure(found)) return call.fail(found);
  const regions = Object.fromEntries(
    found.map(({ name, deviceId, byteSize }) => [name, { name, device_id: deviceId, byte_size: byteSize }]),
  );
  call.reply(encodeCudaStatus({ regions }));
}

/** `CudaSharedMemoryRegister` */
export function registerCudaSharedMemory({ sharedMemory }: DataPlane, call: UnaryCall): void {
  const message = decodeCudaRegister(call.message) as CudaRegisterMessage;
  const { name, raw_handle: rawHandle, device_id: deviceId, byte_size: byteSize } = message;
  endCall(call, sharedMemory.registerCuda({ name, rawHandle, deviceId, byteSize }));
}

/** `CudaSharedMemoryUnregister` */
export function unregisterCudaSharedMemory({ sharedMemory }: DataPlane, call: UnaryCall): void {
  const { name } = decodeCudaUnregister(call.message) as RegionNameMessage;
  endCall(call, sharedMemory.unregister("cuda", name));
}

/** The responses have no fields. */
function endCall(call: UnaryCall, status: Status): void {
  if (status === null) call.reply(Buffer.of());
  else call.fail(status);
}
