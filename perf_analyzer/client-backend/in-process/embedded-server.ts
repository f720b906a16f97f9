import {
  InferenceServer,
  isFailure,
  Logger,
  LogSettings,
  parseOptions,
  renderModelConfig,
  type Failure,
  stderrDestination,
} from "../../../server/index.ts";
import type { ModelQuestion } from "./in-process-message.ts";

/** What is embedded. */
export interface EmbeddedServerOptions {
  readonly modelRepository: string;
  /** The only model that is loaded, with what it needs. */
  readonly modelName: string;
}

/** Time for what is still running when the server is stopped. */
const stopBudgetMs = 10_000;

/** The server inside this thread, without any listener. */
export class EmbeddedServer {
  readonly server: InferenceServer;

  private constructor(server: InferenceServer) {
    this.server = server;
  }

  /** Rejects when the repository cannot be read, or the model does not come up: the log on stderr says why. */
  static async start({ modelRepository, modelName }: EmbeddedServerOptions): Promise<EmbeddedServer> {
    const commandLine = parseOptions(
      [`--model-repository=${modelRepository}`, "--model-control-mode=explicit", `--load-model=${modelName}`],
      {},
    );
    if (commandLine.kind !== "serve") {
      const reason = commandLine.kind === "error" ? commandLine.message : commandLine.kind;
      throw new Error(`The embedded server refuses its options: ${reason}`);
    }
    const logger = Logger.create({
      component: "perf_analyzer",
      // The report is what the user wants to read.
      settings: new LogSettings({ info: false }),
      destination: stderrDestination(),
    });
    const server = new InferenceServer(commandLine.options, logger);
    await server.start();
    return new EmbeddedServer(server);
  }

  /** The answer in the form of the KServe protocol, or why there is none. */
  answer({ about, name, version }: ModelQuestion): object | Failure {
    switch (about) {
      case "ready": {
        const isReady = this.server.modelReady(name, version);
        return isFailure(isReady) ? isReady : { ready: isReady };
      }
      case "metadata":
        return this.server.modelMetadata(name, version);
      case "config": {
        const model = this.server.findModel(name, version);
        return isFailure(model) ? model : renderModelConfig(model.config);
      }
      case "statistics": {
        const reports = this.server.modelStatistics(name, version);
        return isFailure(reports) ? reports : { model_stats: reports };
      }
    }
  }

  async stop(): Promise<void> {
    await this.server.stop(stopBudgetMs);
  }
}
