import process from "node:process";
import { type ServerClient, ServerRefusal } from "../client-backend/server-client.ts";
import { PerfError } from "../exit-code.ts";
import type { RequestPlan } from "../infer-data/request-plan.ts";
import type { SharedLayout, SharedRegion } from "./shared-layout.ts";
import { loadSharedObjects, type SharedObject, type SharedObjects } from "./shared-object.ts";

/** The part of a {@link ServerClient} that takes regions. */
export type RegionRegistry = Pick<
  ServerClient,
  "registerSystemSharedMemory" | "unregisterSystemSharedMemory"
>;

/** The shared memory of a run: made, filled and registered, and taken back at the end. */
export class SharedRegions {
  readonly #objects: SharedObjects;
  readonly #client: RegionRegistry;
  readonly #made: { readonly region: SharedRegion; readonly object: SharedObject }[] = [];
  readonly #registered: SharedRegion[] = [];
  /** A program that is ended at once must not leave memory behind: it would stay until the machine starts again. */
  readonly #onExit = (): void => {
    for (const { region } of this.#made) this.#objects.unlink(region.key);
  };

  private constructor(objects: SharedObjects, client: RegionRegistry) {
    this.#objects = objects;
    this.#client = client;
  }

  /** Rejects with PerfError when the system or the server refuses; nothing is left behind then. */
  static async register(
    layout: SharedLayout,
    plan: RequestPlan,
    client: RegionRegistry,
  ): Promise<SharedRegions> {
    const regions = new SharedRegions(await loadSharedObjects(), client);
    process.once("exit", regions.#onExit);
    try {
      const input = regions.#create(layout.input);
      regions.#create(layout.output);
      plan.contents.forEach((content, c) => {
        content.inputs.forEach(({ data }, i) => input.bytes.set(data, layout.inputs[c]?.[i]?.offset ?? 0));
      });
      for (const region of [layout.input, layout.output]) await regions.#register(region);
    } catch (thrown) {
      await regions.close();
      throw thrown;
    }
    return regions;
  }

  /** Unregisters and removes the memory. Never rejects: a server that has gone keeps nothing registered. */
  async close(): Promise<void> {
    for (const { name } of this.#registered.splice(0)) {
      await this.#client.unregisterSystemSharedMemory(name).catch(() => undefined);
    }
    for (const { region, object } of this.#made.splice(0)) {
      object.close();
      this.#objects.unlink(region.key);
    }
    process.off("exit", this.#onExit);
  }

  #create(region: SharedRegion): SharedObject {
    const object = this.#objects.create(region.key, region.byteLength);
    this.#made.push({ region, object });
    return object;
  }

  async #register(region: SharedRegion): Promise<void> {
    try {
      await this.#client.registerSystemSharedMemory(region.name, region.key, region.byteLength);
    } catch (thrown) {
      if (!(thrown instanceof ServerRefusal)) throw thrown;
      throw new PerfError(
        `The server does not take shared memory: ${thrown.message}. It has to allow it, run on this machine, and as this user`,
      );
    }
    this.#registered.push(region);
  }
}
