import { spawn, spawnSync } from "node:child_process";
import { cpuSeconds } from "./cpu-time.ts";

/** A program that makes load, and where it comes from. */
interface GeneratorProgram {
  readonly command: "wrk" | "h2load";
  readonly debianPackage: string;
}

const programs: readonly GeneratorProgram[] = [
  { command: "wrk", debianPackage: "wrk" },
  { command: "h2load", debianPackage: "nghttp2-client" },
];

/** How often the generator's processor time is read. What it uses after the last reading is lost. */
const cpuSampleMs = 50;

/** What a generator printed, and how busy it was. */
export interface GeneratorRun {
  readonly output: string;
  /** Cores that the generator kept busy; near 1 it may be the bottleneck itself. `null` where not known. */
  readonly cores: number | null;
}

/** The line that installs the missing load generators, or `null` when all are there. */
export function missingGenerators(): string | null {
  const missing = programs.filter(({ command }) => spawnSync(command, ["--version"]).error !== undefined);
  if (missing.length === 0) return null;
  const names = missing.map(({ command }) => command).join(" and ");
  const packages = missing.map(({ debianPackage }) => debianPackage).join(" ");
  return `The bench needs ${names}: sudo apt-get install -y ${packages}`;
}

/**
 * Runs a load generator to its end.
 *
 * @param command - One of {@link programs}, or the path of another.
 * @throws Error with its output when it fails.
 */
export function runGenerator(command: string, args: readonly string[]): Promise<GeneratorRun> {
  return new Promise((resolve, reject) => {
    const start = performance.now();
    const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    let used: number | null = null;
    let usedAt = start;
    const sampler = setInterval(() => {
      const seconds = child.pid === undefined ? null : cpuSeconds(child.pid);
      if (seconds === null) return;
      used = seconds;
      usedAt = performance.now();
    }, cpuSampleMs);
    const keep = (chunk: Buffer): void => {
      output += chunk.toString();
    };
    child.stdout.on("data", keep);
    child.stderr.on("data", keep);
    child.once("error", (error) => {
      clearInterval(sampler);
      reject(error);
    });
    child.once("close", (code) => {
      clearInterval(sampler);
      if (code === 0) {
        resolve({ output, cores: used === null ? null : (used * 1e3) / Math.max(1, usedAt - start) });
      } else {
        reject(new Error(`${command} ended with code ${String(code)}:\n${output}`));
      }
    });
  });
}
