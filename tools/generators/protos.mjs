import { join } from "node:path";
import protobuf from "protobufjs";

const repositoryRoot = join(import.meta.dirname, "..", "..");
const protoFiles = ["grpc_service.proto", "model_config.proto", "health.proto"];

/**
 * Makes the descriptor that the programs read at start: they then need no parser of `.proto` text.
 * Field names stay as written (`keepCase`), because they are the wire names that the contract speaks of.
 *
 * @returns {Promise<{ path: string, content: string }[]>} Paths relative to the repository's root.
 */
export async function generate() {
  const root = new protobuf.Root();
  root.resolvePath = (_origin, target) => join(repositoryRoot, "protos", target);
  // One file after the other: loaded at once, they would land in the descriptor in the order in which reading ended.
  root.loadSync(protoFiles, { keepCase: true });
  root.resolveAll();
  const descriptor = root.toJSON({ keepComments: false });
  return [{ path: "protos/gen/descriptor.json", content: `${JSON.stringify(descriptor, null, 2)}\n` }];
}
