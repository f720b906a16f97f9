import { spawn } from "node:child_process";
import type { BenchCase } from "../harness/bench-case.ts";
import { median } from "../harness/median.ts";
import { NereidServer } from "../harness/nereid-server.ts";

/** Starts are short and vary more than loads do. */
const startCount = 5;
/** Finer than anything a start is worth knowing to; asking costs the starting server next to nothing. */
const pollMs = 5;

/** Seconds from starting Node with an empty program to its end. */
function bareNodeSeconds(): Promise<number> {
  const start = performance.now();
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ["-e", "0"], { stdio: "ignore" });
    child.once("error", reject);
    child.once("exit", () => resolve((performance.now() - start) / 1e3));
  });
}

/** How long an operator waits for the sample repository to be served. */
export const startUp: BenchCase = {
  name: "start-up",
  title: "From process start to ready, sample repository",
  target: { direction: "at most", value: 1.5, unit: "s" },
  async run(options) {
    const starts: number[] = [];
    const bare: number[] = [];
    for (let i = 0; i < startCount; i++) {
      const start = performance.now();
      const server = await NereidServer.start(options.sampleRepository, pollMs);
      starts.push((performance.now() - start) / 1e3);
      await server.stop();
      bare.push(await bareNodeSeconds());
    }
    return {
      measured: median(starts),
      rounds: starts,
      details: [{ label: "node with an empty program", value: median(bare), unit: "s" }],
    };
  },
};
