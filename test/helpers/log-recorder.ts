import { Logger } from "../../server/logging/logger.ts";
import { LogSettings } from "../../server/logging/log-settings.ts";

/** A logger that keeps what is logged. */
export class LogRecorder {
  readonly lines: string[] = [];
  readonly logger = Logger.create({
    component: "test",
    settings: new LogSettings(),
    destination: { write: (line) => this.lines.push(line), flush: () => undefined },
  });

  /** Lines of this severity: `I`, `W` or `E`. */
  ofSeverity(severity: string): string[] {
    return this.lines.filter((line) => line.startsWith(severity));
  }
}
