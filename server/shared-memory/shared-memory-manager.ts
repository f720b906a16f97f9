import type { InferenceRequest } from "../core/inference-request.ts";
import { type Failure, failure, type Status } from "../core/status.ts";
import { loadCudaSharedMemory } from "./cuda-shared-memory.ts";
import { loadPosixSharedMemory } from "./posix-shared-memory.ts";
import type { OpenCudaRegion, OpenRegion } from "./region-mapping.ts";
import type { SharedMemoryPlace, SharedMemoryPlaces } from "./shared-memory-place.ts";
import {
  type CudaRegionInit,
  type RegionStatuses,
  type SharedMemoryKind,
  SharedMemoryRegion,
  type SystemRegionInit,
} from "./shared-memory-region.ts";
import { type PlacedTensor, readInputs, RequestMemory } from "./request-memory.ts";

/** What finds out how regions of each kind are mapped on this system. A failure says why they cannot be. */
export interface SharedMemoryLoaders {
  readonly system: () => Promise<OpenRegion | Failure>;
  readonly cuda: () => Promise<OpenCudaRegion | Failure>;
}

const systemLoaders: SharedMemoryLoaders = { system: loadPosixSharedMemory, cuda: loadCudaSharedMemory };

const cudaHandleBytes = 64;

/** Triton's Python backend keeps its own objects under this prefix; clients are kept away from it. */
const reservedPrefix = "triton_python_backend_shm_region_";

const disabled = failure(
  "UNSUPPORTED",
  "Client shared memory is disabled: the server must be started with --allow-client-shm=true",
);

const uint64Limit = 2n ** 64n;

/**
 * The regions that clients have registered, of both kinds under one set of names, for all front ends.
 *
 * Off until {@link enable}: registering and unregistering are then refused as UNSUPPORTED, and the status is empty.
 */
export class SharedMemoryManager {
  readonly #regions: { readonly [Kind in SharedMemoryKind]: Map<string, SharedMemoryRegion<Kind>> } = {
    system: new Map(),
    cuda: new Map(),
  };
  readonly #onProblem: (failed: Failure) => void;
  #isEnabled = false;
  #openSystem: OpenRegion | Failure = disabled;
  #openCuda: OpenCudaRegion | Failure = disabled;

  /** @param onProblem - Told when memory could not be given back after its last request. For the log. */
  constructor(onProblem: (failed: Failure) => void) {
    this.#onProblem = onProblem;
  }

  /**
   * Lets clients register regions.
   *
   * @returns The reason when this system has no system shared memory: that kind stays off then. It is normal to have no CUDA.
   */
  async enable(loaders: SharedMemoryLoaders = systemLoaders): Promise<Status> {
    [this.#openSystem, this.#openCuda] = await Promise.all([loaders.system(), loaders.cuda()]);
    this.#isEnabled = true;
    return typeof this.#openSystem === "function" ? null : this.#openSystem;
  }

  /** Whether regions of the kind can be registered. */
  canRegister(kind: SharedMemoryKind): boolean {
    return typeof (kind === "system" ? this.#openSystem : this.#openCuda) === "function";
  }

  /** Why no region of this name can be registered, whatever else is said of it; `null` when one may be. */
  registrationRefusal(kind: SharedMemoryKind, name: string): Failure | null {
    const refusal = this.#offRefusal(kind);
    if (refusal !== null) return refusal;
    if (name === "") return failure("INVALID_ARG", "'name' is necessary to register shared memory region");
    // One set of names for both kinds.
    if (this.#region(name) === undefined) return null;
    return failure("ALREADY_EXISTS", `shared memory region '${name}' already in manager`);
  }

  /**
   * Maps a region, so that requests may name it.
   *
   * @returns `null`; UNSUPPORTED when it is off; INVALID_ARG for a bad name, key or range; ALREADY_EXISTS; INTERNAL when
   * the object cannot be opened.
   */
  registerSystem(init: SystemRegionInit): Status {
    const { name, key, offset, byteSize } = init;
    const refusal = this.registrationRefusal("system", name) ?? keyRefusal(name, key);
    if (refusal !== null) return refusal;
    if (typeof this.#openSystem !== "function") return this.#openSystem;
    if (byteSize < 1) return refused(name, "invalid args: byte_size must be at least 1");
    if (!Number.isSafeInteger(offset + byteSize)) {
      return refused(name, "invalid args: offset and byte_size reach beyond 2^53 bytes");
    }
    const mapping = this.#openSystem(key, offset, byteSize);
    if ("code" in mapping) return refused(name, mapping.message, mapping.code);
    this.#regions.system.set(
      name,
      new SharedMemoryRegion<"system">({ name, key, offset, byteSize }, mapping),
    );
    return null;
  }

  /**
   * Opens an allocation of another process on a CUDA device, so that requests may name it.
   *
   * @returns `null`; UNSUPPORTED when it is off; INVALID_ARG without CUDA, for a bad name, handle, device or size;
   * ALREADY_EXISTS; INTERNAL when the device fails.
   */
  registerCuda({ name, rawHandle, deviceId, byteSize }: CudaRegionInit): Status {
    const refusal = this.registrationRefusal("cuda", name);
    if (refusal !== null) return refusal;
    if (rawHandle.byteLength !== cudaHandleBytes) {
      const reason = `'raw_handle' must be ${cudaHandleBytes} bytes, got ${rawHandle.byteLength}`;
      return failure("INVALID_ARG", `failed to register CUDA shared memory region '${name}': ${reason}`);
    }
    if (typeof this.#openCuda !== "function") {
      const { code, message } = this.#openCuda;
      return failure(code, `failed to register CUDA shared memory region: '${name}', ${message}`);
    }
    if (byteSize < 1) return refused(name, "invalid args: byte_size must be at least 1");
    const mapping = this.#openCuda(rawHandle, deviceId, byteSize);
    if ("code" in mapping) return refused(name, mapping.message, mapping.code);
    this.#regions.cuda.set(name, new SharedMemoryRegion<"cuda">({ name, deviceId, byteSize }, mapping));
    return null;
  }

  /**
   * What is registered.
   *
   * @param name - "" for all regions of the kind.
   * @returns In the order of registration; NOT_FOUND when no region of the kind has that name.
   */
  status<Kind extends SharedMemoryKind>(kind: Kind, name: string): readonly RegionStatuses[Kind][] | Failure {
    const regions = this.#regions[kind];
    if (name === "") return [...regions.values()].map(({ status }) => status);
    const region = regions.get(name);
    if (region !== undefined) return [region.status];
    return failure("NOT_FOUND", `Unable to find ${kind} shared memory region: '${name}'`);
  }

  /**
   * Forgets a region: no further request may name it. Requests that use it already end first; the memory is given back
   * then. A name that is not registered is no error.
   *
   * @param name - "" for all regions of the kind.
   * @returns `null`; UNSUPPORTED when it is off; INTERNAL when the memory could not be given back.
   */
  unregister(kind: SharedMemoryKind, name: string): Status {
    const refusal = this.#offRefusal(kind);
    if (refusal !== null) return refusal;
    const regions = this.#regions[kind];
    const names = name === "" ? [...regions.keys()] : [name];
    let problem: Status = null;
    for (const each of names) {
      const region = regions.get(each);
      regions.delete(each);
      const failed = region?.release() ?? null;
      problem ??= failed;
    }
    return problem;
  }

  /**
   * Gives the request the tensors that lie in shared memory: inputs become views on their regions, or copies of a device's
   * bytes, and the outputs will be written to theirs. Puts itself before the request's sink, and holds the regions until that has been called for
   * the last time. So when the model refuses the request, tell `request.sink` of it.
   *
   * @param request - As the codec made it: inputs in the order of `places.inputs`.
   * @returns `null`, NOT_FOUND or INVALID_ARG for a place that is none, or INTERNAL when a device fails: the request is as it
   * was then.
   */
  attach(request: InferenceRequest, places: SharedMemoryPlaces): Status {
    const inputs: (PlacedTensor | null)[] = [];
    for (const place of places.inputs) {
      const placed = place === null ? null : this.#find(place);
      if (placed !== null && "code" in placed) return placed;
      inputs.push(placed);
    }
    const outputs = new Map<string, PlacedTensor>();
    for (const [name, place] of places.outputs) {
      const placed = this.#find(place);
      if ("code" in placed) return placed;
      outputs.set(name, placed);
    }
    const tensors = readInputs(request.inputs, inputs);
    if ("code" in tensors) return tensors;
    // Nothing can refuse any more, so nothing has to be given back.
    request.inputs = tensors;
    request.areInputsVolatile = inputs.some((input) => input?.region.isVolatile === true);
    request.sink = new RequestMemory(request, inputs, outputs, this.#onProblem);
    return null;
  }

  /** Forgets all regions, at the end of the server. */
  close(): void {
    for (const kind of ["system", "cuda"] as const) {
      // A kind that is off has no regions.
      const problem = this.canRegister(kind) ? this.unregister(kind, "") : null;
      if (problem !== null) this.#onProblem(problem);
    }
  }

  /** Why nothing of the kind can be registered or unregistered. Without CUDA only registering is refused, by its own words. */
  #offRefusal(kind: SharedMemoryKind): Failure | null {
    if (!this.#isEnabled) return disabled;
    return kind === "cuda" || typeof this.#openSystem === "function" ? null : this.#openSystem;
  }

  #region(name: string): SharedMemoryRegion | undefined {
    return this.#regions.system.get(name) ?? this.#regions.cuda.get(name);
  }

  #find({ region: name, offset, byteSize }: SharedMemoryPlace): PlacedTensor | Failure {
    const region = this.#region(name);
    if (region === undefined) {
      return failure("NOT_FOUND", `Unable to find shared memory region: '${name}'`);
    }
    const what = `for shared memory region: '${name}'`;
    if (offset >= region.byteSize) {
      return failure(
        "INVALID_ARG",
        `Invalid offset ${what}: ${offset} is not below its ${region.byteSize} bytes`,
      );
    }
    if (BigInt(offset) + BigInt(byteSize) >= uint64Limit) {
      return failure(
        "INVALID_ARG",
        `Integer overflow detected ${what}: offset ${offset} and byte_size ${byteSize} reach beyond 2^64 bytes`,
      );
    }
    const start = Number(offset);
    const length = Number(byteSize);
    if (start + length > region.byteSize) {
      return failure(
        "INVALID_ARG",
        `Invalid offset + byte size ${what}: ${start} and ${byteSize} reach beyond its ${region.byteSize} bytes`,
      );
    }
    const defect = region.defect();
    if (defect !== null) {
      return failure(
        "INVALID_ARG",
        `shared memory region '${name}' cannot be used: ${defect}. Register it again`,
      );
    }
    return { region, offset: start, byteSize: length };
  }
}

function refused(name: string, reason: string, code: Failure["code"] = "INVALID_ARG"): Failure {
  return failure(code, `failed to register shared memory region '${name}': ${reason}`);
}

function keyRefusal(name: string, key: string): Failure | null {
  const plain = key.replace(/^\/+/, "");
  // The C library reads a key up to its first NUL: another object than the one that was named.
  if (plain === "" || key.includes("\0")) {
    return refused(
      name,
      `invalid shm key ${JSON.stringify(key)}: it must have more than slashes, and no NUL character`,
    );
  }
  if (!plain.startsWith(reservedPrefix)) return null;
  return refused(name, `shm key '${key}' contains the reserved prefix '${reservedPrefix}'`);
}
