import assert from "node:assert/strict";
import { after, before, describe, it } from "mocha";
import { renderModelConfig } from "../../../../../server/model-config/render-config.ts";
import { fakeConfig } from "../../../../helpers/fake-data-plane.ts";
import { GrpcFixture } from "../grpc-fixture.ts";
import { decodeMessage, encodeMessage } from "../wire.ts";

/** Every leaf that is not a protobuf default, as `path=value`. */
function leaves(value: unknown, path = ""): string[] {
  if (typeof value === "object" && value !== null) {
    return Object.entries(value).flatMap(([key, child]) => leaves(child, `${path}/${key}`));
  }
  const text = String(value);
  return ["", "0", "false"].includes(text) ? [] : [`${path}=${text}`];
}

describe("gRPC config endpoint", () => {
  let grpc: GrpcFixture;
  before(async () => (grpc = await GrpcFixture.start()));
  after(() => grpc.stop());

  it("ModelConfig carries every field of the rendered config", async () => {
    const { config } = await grpc.call("ModelConfig", { name: "echo" });
    // The first value of an enum is its default and need not travel.
    const isFirstEnumValue = (leaf: string): boolean => /=(PRIORITY_DEFAULT|FORMAT_NONE)$/.test(leaf);
    const expected = leaves(renderModelConfig(fakeConfig)).filter((leaf) => !isFirstEnumValue(leaf));
    assert.ok(expected.length > 20, `only ${expected.length} fields`);
    assert.deepEqual(leaves(config).sort(), expected.sort());
  });

  it("ModelConfig keeps fields that a config may have and this server does not render", () => {
    const config = {
      name: "m",
      sequence_batching: { oldest: { max_candidate_sequences: 4 } },
      model_transaction_policy: { decoupled: true },
      response_cache: { enable: true },
    };
    const bytes = encodeMessage("ModelConfigResponse", { config });
    assert.deepEqual(leaves(decodeMessage("ModelConfigResponse", bytes)), leaves({ config }));
  });

  it("ModelConfig passes on why there is no such model", async () => {
    assert.equal((await grpc.failure("ModelConfig", { name: "nobody" })).code, 5);
    assert.equal((await grpc.failure("ModelConfig", { name: "loading" })).code, 14);
    assert.equal((await grpc.failure("ModelConfig", { name: "echo", version: "x" })).code, 3);
  });
});
