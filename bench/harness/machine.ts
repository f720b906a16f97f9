import { spawnSync } from "node:child_process";
import { availableParallelism, cpus } from "node:os";

/** Where a run was measured: numbers of different machines do not compare. */
export interface Machine {
  readonly cpu: string;
  readonly coreCount: number;
  readonly node: string;
  readonly platform: string;
  /** The commit in short, with `-dirty` when files differed from it; `null` outside a checkout. */
  readonly commit: string | null;
}

function describeCommit(): string | null {
  const git = spawnSync("git", ["describe", "--always", "--dirty", "--exclude=*"], { encoding: "utf8" });
  return git.status === 0 ? git.stdout.trim() : null;
}

/** This machine. */
export function describeMachine(): Machine {
  return {
    cpu: cpus()[0]?.model.trim() ?? "unknown",
    coreCount: availableParallelism(),
    node: process.versions.node,
    platform: `${process.platform}-${process.arch}`,
    commit: describeCommit(),
  };
}

/** `intel-xeon-processor-2-cores-node20.20.2`: for file names. */
export function machineSlug(machine: Machine): string {
  const cpu = machine.cpu
    .toLowerCase()
    .replace(/\((r|tm)\)/g, "")
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-|-$/g, "");
  return `${cpu}-${machine.coreCount}-cores-node${machine.node}`;
}
