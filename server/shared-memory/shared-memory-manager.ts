import type { InferenceRequest } from "../core/inference-request.ts";
import { type Failure, failure, type Status } from "../core/status.ts";
import { loadPosixSharedMemory } from "./posix-shared-memory.ts";
import type { OpenRegion } from "./region-mapping.ts";
import type { SharedMemoryPlace, SharedMemoryPlaces } from "./shared-memory-place.ts";
import { SharedMemoryRegion, type SystemRegionInit } from "./shared-memory-region.ts";
import { type PlacedTensor, RequestMemory } from "./request-memory.ts";

/** The two extensions of the protocol. */
export type SharedMemoryKind = "system" | "cuda";

/** What a client says when it registers CUDA memory. */
export interface CudaRegionInit {
  readonly name: string;
  /** A `cudaIpcMemHandle_t`. */
  readonly rawHandle: Uint8Array;
  readonly deviceId: number;
  readonly byteSize: number;
}

/** A region as the status of its kind shows it. */
export type SystemRegionStatus = SystemRegionInit;

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
  readonly #regions = new Map<string, SharedMemoryRegion>();
  readonly #onProblem: (failed: Failure) => void;
  #open: OpenRegion | Failure = disabled;

  /** @param onProblem - Told when memory could not be given back after its last request. For the log. */
  constructor(onProblem: (failed: Failure) => void) {
    this.#onProblem = onProblem;
  }

  /** Lets clients register regions. @returns The reason when this system has no shared memory: it stays off then. */
  async enable(load: () => Promise<OpenRegion | Failure> = loadPosixSharedMemory): Promise<Status> {
    this.#open = await load();
    return typeof this.#open === "function" ? null : this.#open;
  }

  /** Whether regions of system shared memory can be registered. */
  get isEnabled(): boolean {
    return typeof this.#open === "function";
  }

  /** Why no region of this name can be registered, whatever else is said of it; `null` when one can. */
  registrationRefusal(name: string): Failure | null {
    if (typeof this.#open !== "function") return this.#open;
    if (name === "") return failure("INVALID_ARG", "'name' is necessary to register shared memory region");
    if (!this.#regions.has(name)) return null;
    return failure("ALREADY_EXISTS", `shared memory region '${name}' already in manager`);
  }

  /**
   * Maps a region, so that requests may name it.
   *
   * @returns `null`; UNSUPPORTED when it is off; INVALID_ARG for a bad name, key or range; ALREADY_EXISTS; INTERNAL when
   * the object cannot be opened.
   */
  registerSystem(init: SystemRegionInit): Status {
    if (typeof this.#open !== "function") return this.#open;
    const { name, key, offset, byteSize } = init;
    const refusal = this.registrationRefusal(name) ?? keyRefusal(name, key);
    if (refusal !== null) return refusal;
    if (byteSize < 1) return refused(name, "invalid args: byte_size must be at least 1");
    if (!Number.isSafeInteger(offset + byteSize)) {
      return refused(name, "invalid args: offset and byte_size reach beyond 2^53 bytes");
    }
    const mapping = this.#open(key, offset, byteSize);
    if ("code" in mapping) return refused(name, mapping.message, mapping.code);
    this.#regions.set(name, new SharedMemoryRegion(init, mapping));
    return null;
  }

  /**
   * CUDA memory is in no memory that this server can read or write, so a well-formed registration is refused with the
   * answer of a Triton without GPU support.
   *
   * @returns UNSUPPORTED when shared memory is off; else INVALID_ARG or ALREADY_EXISTS.
   */
  registerCuda({ name, rawHandle }: CudaRegionInit): Failure {
    const refusal = this.registrationRefusal(name);
    if (refusal !== null) return refusal;
    if (rawHandle.byteLength !== cudaHandleBytes) {
      return failure(
        "INVALID_ARG",
        `failed to register CUDA shared memory region '${name}': 'raw_handle' must be ${cudaHandleBytes} bytes, got ${rawHandle.byteLength}`,
      );
    }
    return failure(
      "INVALID_ARG",
      `failed to register CUDA shared memory region: '${name}', GPUs not supported`,
    );
  }

  /**
   * What is registered.
   *
   * @param name - "" for all regions of the kind.
   * @returns In the order of registration; NOT_FOUND when no region of the kind has that name.
   */
  status(kind: SharedMemoryKind, name: string): readonly SystemRegionStatus[] | Failure {
    // No region of CUDA memory can be registered.
    const regions = kind === "system" ? [...this.#regions.values()] : [];
    if (name === "") return regions.map(statusOf);
    const region = regions.find((candidate) => candidate.name === name);
    if (region !== undefined) return [statusOf(region)];
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
    if (typeof this.#open !== "function") return this.#open;
    if (kind === "cuda") return null;
    const names = name === "" ? [...this.#regions.keys()] : [name];
    let problem: Status = null;
    for (const each of names) {
      const region = this.#regions.get(each);
      this.#regions.delete(each);
      const refusal = region?.release() ?? null;
      problem ??= refusal;
    }
    return problem;
  }

  /**
   * Gives the request the tensors that lie in shared memory: inputs become views on their regions, and the outputs will
   * be written to theirs. Puts itself before the request's sink, and holds the regions until that has been called for
   * the last time. So when the model refuses the request, tell `request.sink` of it.
   *
   * @param request - As the codec made it: inputs in the order of `places.inputs`.
   * @returns `null`, or NOT_FOUND or INVALID_ARG for a place that is none: the request is as it was then.
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
    // Nothing can refuse any more, so nothing has to be given back.
    request.sink = new RequestMemory(request, inputs, outputs, this.#onProblem);
    return null;
  }

  /** Forgets all regions, at the end of the server. */
  close(): void {
    const problem = this.isEnabled ? this.unregister("system", "") : null;
    if (problem !== null) this.#onProblem(problem);
  }

  #find({ region: name, offset, byteSize }: SharedMemoryPlace): PlacedTensor | Failure {
    const region = this.#regions.get(name);
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
    if (!region.isIntact()) {
      return failure(
        "INVALID_ARG",
        `shared memory region '${name}' cannot be used: '${region.key}' has become smaller than it was registered. Register it again`,
      );
    }
    return { region, offset: start, byteSize: length };
  }
}

function statusOf({ name, key, offset, byteSize }: SharedMemoryRegion): SystemRegionStatus {
  return { name, key, offset, byteSize };
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
