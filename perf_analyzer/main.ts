#!/usr/bin/env node
import process from "node:process";
import { analyzerVersion } from "./analyzer-version.ts";
import { type ExitCode, exitCode, PerfError } from "./exit-code.ts";
import { formatHelp, usageLine } from "./options/format-help.ts";
import { parseOptions } from "./options/parse-options.ts";
import { runAnalyzer } from "./perf-analyzer.ts";
import { ProgressLine } from "./progress-line.ts";

/** The `perf_analyzer` program: options → run → exit code. */
async function main(): Promise<ExitCode> {
  const commandLine = parseOptions(process.argv.slice(2));
  switch (commandLine.kind) {
    case "help":
      process.stdout.write(formatHelp());
      return exitCode.ok;
    case "version":
      process.stdout.write(`perf_analyzer ${analyzerVersion}\n`);
      return exitCode.ok;
    case "error":
      process.stderr.write(
        `${usageLine}\nperf_analyzer: ${commandLine.message}\nSee perf_analyzer --help.\n`,
      );
      return exitCode.failure;
    case "run":
      break;
  }
  const interruption = new AbortController();
  const onSignal = (): void => {
    // Whoever asks twice does not want to wait.
    if (interruption.signal.aborted) process.exit(exitCode.notStable);
    interruption.abort();
  };
  process.on("SIGINT", onSignal);
  process.on("SIGTERM", onSignal);
  const progress = new ProgressLine(process.stderr);
  try {
    return await runAnalyzer(commandLine.options, {
      print: (text) => void process.stdout.write(text),
      progress,
      signal: interruption.signal,
    });
  } catch (thrown) {
    progress.clear();
    const error = PerfError.from(thrown);
    process.stderr.write(`perf_analyzer: ${error.message}\n`);
    return error.exitCode;
  } finally {
    process.off("SIGINT", onSignal);
    process.off("SIGTERM", onSignal);
  }
}

process.exitCode = await main();
