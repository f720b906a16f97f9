/** A use of the program that is not serving. */
export interface SubCommand {
  /** What follows `nereid` in place of options. */
  readonly usage: string;
  /** What it does. A sentence for `--help`. */
  readonly doc: string;
}

/** The sub-commands by their names, in the order of `--help`. What they do is in `server/cli/`. */
export const subCommands = {
  check: {
    usage:
      "check <repository>... [--json] [--disable-auto-complete-config] [--backend-directory <path>] [--backend-config <setting>] [--rate-limit <mode>] [--rate-limit-resource <spec>]",
    doc: "Load every model of the repositories once, compare it with its configuration and report what is wrong. The exit code is 1 when something is.",
  },
  explain: {
    usage:
      "explain <model> --model-repository <path> [--json] [--disable-auto-complete-config] [--backend-directory <path>] [--backend-config <setting>] [--rate-limit <mode>] [--rate-limit-resource <spec>]",
    doc: "Show the configuration that a model is served with, where each value comes from, and the instances and threads it gets.",
  },
  tune: {
    usage:
      "tune <model> --model-repository <path> [--search quick|brute] [--objective <metric>[:<weight>],...] [--constraint <metric>:max|min:<number>,...] [--concurrency <n>,...] [--instance-counts <n>,...] [--thread-counts <n>,...] [--max-batch-sizes <n>,...] [--queue-delays-us <n>,...] [--load-model <name>,...] [--report-csv <file>] [--report-html <file>] [--apply] [--disable-auto-complete-config] [--backend-directory <path>] [--backend-config <setting>] [--rate-limit <mode>] [--rate-limit-resource <spec>] [-- <options of perf_analyzer>]",
    doc: "Measure other instance counts, threads, batch sizes and queue delays of a model on this machine, rank them against the current configuration and show the config.json that wins. --apply writes it.",
  },
  "config convert": {
    usage: "config convert <file> [--output <file>]",
    doc: "Write a config.pbtxt as config.json, or the other way round, by the end of the file's name.",
  },
} as const satisfies Record<string, SubCommand>;

export type SubCommandName = keyof typeof subCommands;

/** The names in the order of the table. */
export const subCommandNames: readonly SubCommandName[] = Object.keys(subCommands).filter(
  (name): name is SubCommandName => name in subCommands,
);
