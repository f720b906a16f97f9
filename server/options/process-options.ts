import { logFormats } from "../logging/log-settings.ts";
import type { OptionDefinition } from "./option-definition.ts";
import {
  booleanValue,
  choiceValue,
  integerValue,
  optionalPathValue,
  textValue,
  verbosityValue,
} from "./option-value.ts";
import type { ServerOptions } from "./server-options.ts";

/** Node's timers hold at most 2^31 - 1 milliseconds. */
export const maxTimerSecs = 2_147_483;

/** The options of the process itself: identity, shutdown, log. */
export const processOptions = {
  serverId: {
    flag: "--id",
    group: "Server",
    value: textValue("<name>"),
    doc: "Name of this server in the server metadata. Give each server of a fleet its own.",
    defaultValue: "nereid",
    defaultReason: "The name of the program, as Triton's own default is `triton`.",
  },
  exitTimeoutSecs: {
    flag: "--exit-timeout-secs",
    group: "Server",
    value: integerValue(0, maxTimerSecs),
    unit: "seconds",
    doc:
      "How long a shutdown may wait for open connections and running inferences; when it runs out the exit code " +
      "is 1. Raise it when inferences take long, lower it below what the process supervisor grants before it kills. 0 waits for nothing.",
    defaultValue: 30,
    defaultReason: "Triton's default, and what Kubernetes grants a pod.",
  },
  allowClientShm: {
    flag: "--allow-client-shm",
    group: "Server",
    value: booleanValue,
    doc:
      "Let clients on this machine register POSIX shared memory, and CUDA memory where there is a driver, and send and " +
      "receive tensors through it. Whoever reaches a listener can then have the server read and write any shared memory " +
      "object that the server's user may open, of other programs too: turn it on only where all clients are trusted, run the server as a user of its own, and " +
      "restrict the API category `shared-memory`.",
    defaultValue: false,
    defaultReason:
      "Triton's default: a client must not reach memory that the operator did not mean to share.",
  },
  logVerboseLevel: {
    flag: "--log-verbose",
    group: "Logging",
    value: verbosityValue,
    doc:
      "Level of detail of verbose records; true is 1, a record for each HTTP request and gRPC call. Raise it to follow " +
      "single requests, at the price of speed. 0 writes none. Can be changed while the server runs: POST /v2/logging.",
    defaultValue: 0,
    defaultReason: "Verbose records are written for each request, which slows the server down.",
  },
  logInfo: {
    flag: "--log-info",
    group: "Logging",
    value: booleanValue,
    doc: "Write information records. Turn off where only problems should reach the log.",
    defaultValue: true,
    defaultReason: "They are few and say what was loaded and where the server listens.",
  },
  logWarning: {
    flag: "--log-warning",
    group: "Logging",
    value: booleanValue,
    doc: "Write warnings.",
    defaultValue: true,
    defaultReason: "A warning is worth reading.",
  },
  logError: {
    flag: "--log-error",
    group: "Logging",
    value: booleanValue,
    doc: "Write errors.",
    defaultValue: true,
    defaultReason: "An error is worth reading.",
  },
  logFormat: {
    flag: "--log-format",
    group: "Logging",
    value: choiceValue(logFormats),
    doc: "How a log line begins: `I0131 23:59:59.123456 …` or `2026-01-31T23:59:59Z I …`. Times are UTC in both.",
    defaultValue: "default",
    defaultReason: "Triton's default, which log collectors for Triton expect.",
  },
  logFilePath: {
    flag: "--log-file",
    group: "Logging",
    value: optionalPathValue,
    doc: "File to append the log to. The server opens it once: rotate it by copying and truncating.",
    defaultValue: null,
    defaultText: "stderr",
    defaultReason: "Containers and service managers collect stderr.",
  },
} satisfies Partial<{ readonly [F in keyof ServerOptions]: OptionDefinition<ServerOptions[F]> }>;
