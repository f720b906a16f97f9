import { StatusError } from "../core/status.ts";
import type { ServerOptions } from "../options/server-options.ts";
import { isCloudAddress } from "../repository/cloud/cloud-address.ts";
import { MirroredScanner } from "../repository/cloud/mirrored-scanner.ts";
import { MirrorThread } from "../repository/cloud/mirror-thread.ts";
import { StepReader } from "../repository/ensemble-dependencies.ts";
import type { CommandReply } from "./command-reply.ts";
import { unknownModel } from "./model-explanation.ts";

/**
 * Runs a command on directories only: repositories in the cloud are copied first, and the copies are gone afterwards.
 * What the command prints has their addresses in it, not those directories.
 *
 * @param modelName - The model that the command is about, with which those are copied that it needs; `null`: all.
 * @param run - The command, with the directories among its options.
 * @throws StatusError when a repository, or one of these models, cannot be copied; and what the command throws.
 */
export async function withLocalCopies<Options extends Pick<ServerOptions, "modelRepositoryPaths">>(
  options: Options & Pick<ServerOptions, "cloudSettings">,
  modelName: string | null,
  run: (options: Options) => Promise<CommandReply>,
): Promise<CommandReply> {
  const { modelRepositoryPaths: repositories, cloudSettings } = options;
  const addresses = [...new Set(repositories.filter(isCloudAddress))];
  if (addresses.length === 0) return run(options);
  const mirrors = new MirrorThread(addresses, cloudSettings, () => undefined);
  const scanner = new MirroredScanner(repositories, mirrors, new StepReader(null));
  try {
    const { unreadable, unreadableModels } = await scanner.scan(modelName === null ? null : [modelName]);
    const problems = [...unreadable, ...unreadableModels].map(({ problem }) => problem.message);
    if (problems.length > 0) throw new StatusError("INTERNAL", problems.join("\n"));
    if (modelName !== null) {
      const names = (await scanner.names()).map(({ name }) => name);
      if (!names.includes(modelName)) throw unknownModel(modelName, names);
    }
    const directories = repositories.map((each) => mirrors.directories.get(each) ?? each);
    const reply = await run({ ...options, modelRepositoryPaths: directories });
    const addressed = (text: string): string => {
      let result = text;
      for (const [address, directory] of mirrors.directories) {
        result = result.replaceAll(directory, address.replace(/\/+$/, ""));
      }
      return result;
    };
    return { ...reply, stdout: addressed(reply.stdout), stderr: addressed(reply.stderr) };
  } finally {
    await mirrors.close();
  }
}
