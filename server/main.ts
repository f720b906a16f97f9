#!/usr/bin/env node
import process from "node:process";
import type { CommandReply } from "./cli/command-reply.ts";
import { runCommand } from "./cli/run-command.ts";
import { StatusError } from "./core/status.ts";
import { FrontEnds } from "./front-ends.ts";
import { letHeapGrow } from "./heap-growth.ts";
import { InferenceServer } from "./inference-server.ts";
import { type Logger, openLogger } from "./logging/logger.ts";
import { renderTable } from "./logging/table.ts";
import { replyTo } from "./options/command-line-reply.ts";
import { parseOptions } from "./options/parse-options.ts";
import type { ServerOptions } from "./options/server-options.ts";
import { serverVersion } from "./server-version.ts";
import { ShutdownBudget } from "./shutdown-budget.ts";

/** The `nereid` program: options → server → front ends → signals. */
async function main(): Promise<void> {
  // The command line and the environment are read here and nowhere else.
  const argv = process.argv.slice(2);
  const commandReply = await runCommand(argv, process.env);
  if (commandReply !== null) return printReply(commandReply);
  const commandLine = parseOptions(argv, process.env);
  if (commandLine.kind !== "serve") return printReply(replyTo(commandLine, serverVersion));
  const { options } = commandLine;
  let logger: Logger;
  try {
    logger = openLogger(options, "server");
  } catch (thrown) {
    process.stderr.write(`nereid: ${StatusError.from(thrown).message}\n`);
    process.exitCode = 1;
    return;
  }
  process.on("exit", () => logger.flush());
  letHeapGrow();
  for (const warning of commandLine.warnings) logger.warning(warning);
  await serve(options, logger);
}

/** Lets the process end by itself: what it has printed into a pipe must not be lost. */
function printReply({ exitCode, stdout, stderr }: CommandReply): void {
  process.stdout.write(stdout);
  process.stderr.write(stderr);
  process.exitCode = exitCode;
}

async function serve(options: ServerOptions, logger: Logger): Promise<void> {
  const server = new InferenceServer(options, logger);
  let frontEnds: FrontEnds | null = null;
  const shutdown = { isRequested: false };
  const onSignal = (signal: string): void => {
    if (shutdown.isRequested) return;
    shutdown.isRequested = true;
    logger.info(`${signal} received, shutting down`);
    void shutDown(server, frontEnds, options, logger);
  };
  // From the beginning: a server that is told to stop while it loads ends as cleanly as any other.
  process.on("SIGINT", onSignal);
  process.on("SIGTERM", onSignal);

  const isServing = await startServer(server, options, logger);
  if (shutdown.isRequested) return;
  if (!isServing) process.exit(1);
  try {
    frontEnds = await FrontEnds.open(server, options, logger);
  } catch (thrown) {
    logger.error(StatusError.from(thrown).message);
    process.exit(1);
  }
  logTables(server, frontEnds, logger);
}

/** Loads the models. @returns Whether to go on, by the rule of `--exit-on-error`. */
async function startServer(
  server: InferenceServer,
  options: ServerOptions,
  logger: Logger,
): Promise<boolean> {
  try {
    if (await server.start()) return true;
    // A server that goes on shows the table when it serves.
    if (options.exitOnError) logModels(server, logger);
    logger.error("creating server: Internal - failed to load all models");
  } catch (thrown) {
    logger.error(`creating server: ${StatusError.from(thrown).message}`);
  }
  return !options.exitOnError;
}

function logTables(server: InferenceServer, frontEnds: FrontEnds, logger: Logger): void {
  logger.infoTable(
    "Backends",
    renderTable(
      ["Backend", "Details"],
      server.backends.map((backend) => [backend.name, backend.describe()]),
    ),
  );
  logModels(server, logger);
  logger.infoTable(
    `Nereid ${serverVersion} is serving`,
    renderTable(
      ["Service", "Address"],
      frontEnds.addresses.map(({ service, address }) => [service, address]),
    ),
  );
}

function logModels(server: InferenceServer, logger: Logger): void {
  const rows = server
    .modelIndex()
    .map(({ name, version, state, reason }) => [
      name,
      version === "" ? "-" : version,
      reason === "" ? state : `${state}: ${reason}`,
    ]);
  logger.infoTable("Models", renderTable(["Model", "Version", "Status"], rows));
}

/** One budget for all phases. @see contract §8.4 */
async function shutDown(
  server: InferenceServer,
  frontEnds: FrontEnds | null,
  options: ServerOptions,
  logger: Logger,
): Promise<void> {
  const budget = new ShutdownBudget(options.exitTimeoutSecs * 1_000);
  await frontEnds?.drainHttp(budget.leftMs());
  const isClean = await server.stop(budget.leftMs());
  await frontEnds?.close(budget.leftMs());
  logger.info(isClean ? "Shut down" : "Exit timeout expired");
  if (server.isStuck) {
    // Node would wait for the runtime first, and then be aborted by it.
    logger.error("An instance is still inside its runtime: ending by SIGKILL");
    logger.flush();
    process.kill(process.pid, "SIGKILL");
  }
  process.exit(isClean ? 0 : 1);
}

await main();
