import { spawnSync } from "node:child_process";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { defaultNativeDirectory, findNativePackage, type NativePackage } from "./native-package.ts";

/** The native engine that this server can use. Survives structured cloning. */
export interface NativeEngine {
  readonly package: NativePackage;
  /** libtensorflow's version. */
  readonly tensorFlowVersion: string;
  readonly usesGpu: boolean;
  /**
   * Whether the addon was built with the repairs of `npm run setup:tensorflow`. One without them is not safe in several
   * threads when it runs operations one by one, and frees strings that TensorFlow still needs.
   */
  readonly isRepaired: boolean;
}

/** Why there is none: nothing is installed, or what is installed does not load. */
export interface NoNativeEngine {
  readonly reason: string;
}

/** What a process of its own prints of an addon. */
interface ProbeReply {
  readonly version: string;
  readonly gpu: boolean;
  readonly repairs: number;
}

/** What the set-up keeps of its probe, so that a server need not probe the same file again. */
interface ProbeRecord extends ProbeReply {
  readonly addonFile: string;
  readonly addonSizeBytes: number;
  readonly addonModifiedMs: number;
}

const recordName = "probe.json";

/** Loading takes a second; a library that is not for this processor ends the process. */
const probeTimeoutMs = 60_000;

const probeSource = `const b = require(process.argv[1]);
process.stdout.write("\\n" + JSON.stringify({ version: b.TF_Version, gpu: b.isUsingGpuDevice(), repairs: b.NEREID_ADDON_REPAIRS ?? 0 }));`;

const found = new Map<string, NativeEngine | NoNativeEngine>();

/**
 * The native engine of a directory, or why there is none. Looked for once per directory in the life of the server.
 *
 * @remarks An addon that the set-up has not probed is loaded in a process of its own first, as one that cannot run on this
 * machine may end the process that loads it: that blocks for about a second.
 */
export function nativeEngine(directory: string = defaultNativeDirectory): NativeEngine | NoNativeEngine {
  let engine = found.get(directory);
  if (engine === undefined) {
    const installed = findNativePackage(directory);
    engine =
      installed === null
        ? { reason: "it is not installed: 'npm run setup:tensorflow' installs it" }
        : (readRecord(directory, installed) ?? probeNativePackage(installed));
    found.set(directory, engine);
  }
  return engine;
}

/** Whether an engine is there. */
export function isNativeEngine(engine: NativeEngine | NoNativeEngine): engine is NativeEngine {
  return "package" in engine;
}

/** Loads an addon in a process of its own. */
export function probeNativePackage(installed: NativePackage): NativeEngine | NoNativeEngine {
  const { status, signal, stdout, stderr, error } = spawnSync(
    process.execPath,
    ["--eval", probeSource, installed.addonFile],
    { encoding: "utf8", timeout: probeTimeoutMs, windowsHide: true },
  );
  const reply = status === 0 ? (stdout.split("\n").at(-1) ?? "") : "";
  if (reply !== "") {
    return engineOf(installed, JSON.parse(reply) as ProbeReply);
  }
  const said = /^(?:\w*Error: )?.*(?:Error|cannot|not found|undefined symbol).*$/m.exec(stderr)?.[0] ?? "";
  const ended = error?.message ?? (signal === null ? `exit status ${status ?? "none"}` : `signal ${signal}`);
  return {
    reason: `${installed.name} in '${installed.directory}' does not load (${said === "" ? ended : said.trim()}): 'npm run setup:tensorflow' builds it for this machine`,
  };
}

function engineOf(installed: NativePackage, { version, gpu, repairs }: ProbeReply): NativeEngine {
  return { package: installed, tensorFlowVersion: version, usesGpu: gpu, isRepaired: repairs > 0 };
}

/** Keeps what a probe said, beside what was probed. Called by the set-up. */
export function writeProbeRecord(directory: string, engine: NativeEngine): void {
  const { addonFile } = engine.package;
  const { size, mtimeMs } = statSync(addonFile);
  const record: ProbeRecord = {
    addonFile: path.relative(directory, addonFile),
    addonSizeBytes: size,
    addonModifiedMs: mtimeMs,
    version: engine.tensorFlowVersion,
    gpu: engine.usesGpu,
    repairs: engine.isRepaired ? 1 : 0,
  };
  writeFileSync(path.join(directory, recordName), `${JSON.stringify(record, null, 2)}\n`);
}

function readRecord(directory: string, installed: NativePackage): NativeEngine | null {
  let record: ProbeRecord;
  try {
    record = JSON.parse(readFileSync(path.join(directory, recordName), "utf8")) as ProbeRecord;
  } catch {
    // None was written, or not to the end.
    return null;
  }
  const { size, mtimeMs } = statSync(installed.addonFile);
  const isSame =
    path.resolve(directory, record.addonFile) === installed.addonFile &&
    record.addonSizeBytes === size &&
    record.addonModifiedMs === mtimeMs;
  return isSame ? engineOf(installed, record) : null;
}

/** One line for people: what runs. */
export function describeNativeEngine(engine: NativeEngine): string {
  return `TensorFlow ${engine.tensorFlowVersion} on the ${engine.usesGpu ? "GPU" : "CPU"}`;
}
