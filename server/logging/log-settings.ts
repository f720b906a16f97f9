/** How a log line begins. `default` is glog's form, as Triton writes it. */
export const logFormats = ["default", "ISO8601"] as const;
export type LogFormat = (typeof logFormats)[number];

/**
 * What is logged and how. One object per server, shared by all its loggers: a change takes effect with the next
 * record.
 *
 * @see docs/options.md, "Logging"
 */
export class LogSettings {
  /** Verbose records of this level and below are written; 0: none. */
  verboseLevel: number;
  info: boolean;
  warning: boolean;
  error: boolean;
  format: LogFormat;
  /** Messages are written as JSON strings; otherwise as they are, line breaks included. */
  readonly escapeMessages: boolean;
  /** Where records go, for those who ask; "" for stderr. */
  readonly filePath: string;

  constructor(init: Partial<Readonly<LogSettings>> = {}) {
    this.verboseLevel = init.verboseLevel ?? 0;
    this.info = init.info ?? true;
    this.warning = init.warning ?? true;
    this.error = init.error ?? true;
    this.format = init.format ?? "default";
    this.escapeMessages = init.escapeMessages ?? true;
    this.filePath = init.filePath ?? "";
  }
}
