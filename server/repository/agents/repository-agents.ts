import { nearest } from "../../core/edit-distance.ts";
import { AdvisedError } from "../../core/advised-error.ts";
import type { ModelConfig } from "../../model-config/model-config.ts";
import { checkFiles } from "./checksum-agent.ts";

/** What an agent does with a model that is about to be loaded. Throws a StatusError when it must not be. */
type LoadAgent = (parameters: ReadonlyMap<string, string>, modelDirectory: string) => Promise<void>;

/** By the name that a config gives. */
const agents: ReadonlyMap<string, LoadAgent> = new Map([["checksum", checkFiles]]);

/**
 * Runs the agents that a config names, in their order, before the model's files are used.
 *
 * @throws StatusError INVALID_ARG when an agent is not known or refuses the model.
 * @see contract §5.7
 */
export async function runLoadAgents(config: ModelConfig, modelDirectory: string): Promise<void> {
  for (const { name, parameters } of config.repositoryAgents) {
    const agent = agents.get(name);
    if (agent === undefined) {
      const known = [...agents.keys()];
      const suggestion = nearest(name, known);
      const hint = suggestion === null ? "" : `, did you mean '${suggestion}'?`;
      throw new AdvisedError(
        "INVALID_ARG",
        `model '${config.name}': unknown repository agent '${name}'${hint} (known: ${known.join(", ")})`,
        { path: "model_repository_agents", fix: `use ${known.join(" or ")}, or take the agent out` },
      );
    }
    await agent(parameters, modelDirectory);
  }
}
