import { parentPort } from "node:worker_threads";

/**
 * The trim thread: has the C library give free memory back to the system, once for each message, and answers whether it
 * can. Loading the FFI package takes some 30 ms, and trimming a few more: both would be felt on the event loop.
 */
if (parentPort === null) throw new Error("trim-thread-entry runs in a worker thread only. This is a bug.");
const port = parentPort;

async function findTrim(): Promise<(() => void) | null> {
  try {
    const { default: koffi } = await import("koffi");
    const trim = koffi.load(null).func("int malloc_trim(size_t pad)") as unknown as (pad: number) => number;
    return () => void trim(0);
  } catch {
    // Not glibc, or no FFI here: other allocators give memory back by themselves, or not at all.
    return null;
  }
}

const trim = await findTrim();
port.on("message", () => {
  trim?.();
  port.postMessage(trim !== null);
});
