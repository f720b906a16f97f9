import assert from "node:assert/strict";
import { before, describe, it } from "mocha";
import { identityModel } from "../../tools/onnx-builder/model-zoo.ts";
import { inferRowsOverHttp, row, rowModelConfig, rowsMessage, rowsTensor } from "../helpers/fp32-rows.ts";
import { binaryRequest } from "../helpers/binary-infer.ts";
import { failureOf } from "../helpers/grpc-client.ts";
import { useServer } from "../helpers/start-server.ts";
import { useRepository } from "../helpers/temporary-repository.ts";
import { waitUntil } from "../helpers/wait-until.ts";

const notFound = 5;
const unavailable = 14;

describe("Contract §12.5, repository and lifecycle", () => {
  const repository = useRepository((made) => {
    for (const name of ["kept", "gone", "reloaded"]) {
      made.add(name, { config: rowModelConfig(), versions: { 1: identityModel("FP32") } });
    }
  });
  const server = useServer(() => [
    `--model-repository=${repository.current.path}`,
    "--model-control-mode=explicit",
    "--load-model=*",
  ]);
  const post = (path: string, body: object | string = "") =>
    server.current.http.post(`/v2/repository/models/${path}`, body);

  before(async () => {
    assert.equal((await post("gone/unload")).status, 200);
    await waitUntil("the model is gone", async () => {
      return (await server.current.http.get("/v2/models/gone/versions/1/ready")).status !== 200;
    });
  });

  /** Asks for metadata, config and an inference over both protocols. */
  async function refusedEverywhere(
    model: string,
    version: string,
    expected: { readonly status: number; readonly code: number; readonly error: RegExp },
  ): Promise<void> {
    const { status, code, error } = expected;
    const path = `/v2/models/${model}${version === "" ? "" : `/versions/${version}`}`;
    const { body, headers } = binaryRequest([rowsTensor(row(1))]);
    const replies = [
      await server.current.http.get(path),
      await server.current.http.get(`${path}/config`),
      await server.current.http.post(`${path}/infer`, body, { headers }),
    ];
    for (const reply of replies) {
      assert.equal(reply.status, status, reply.text);
      assert.match(reply.error, error);
    }
    const asked = { name: model, version };
    for (const call of [
      server.current.grpc.call("ModelMetadata", asked),
      server.current.grpc.call("ModelConfig", asked),
      server.current.grpc.infer({ ...rowsMessage(model, [row(1)]), model_version: version }),
    ]) {
      const failure = await failureOf(call);
      assert.equal(failure.code, code, failure.message);
      assert.match(failure.message, error);
    }
  }

  it("an unknown model or version is not found, whatever is asked of it (row 88)", async () => {
    await refusedEverywhere("foo", "", {
      status: 404,
      code: notFound,
      error: /Request for unknown model: 'foo' is not found/,
    });
    await refusedEverywhere("kept", "99", {
      status: 404,
      code: notFound,
      error: /Request for unknown model: 'kept' version 99 is not found/,
    });
  });

  it("a version that was unloaded is unavailable (row 89)", async () => {
    await refusedEverywhere("gone", "1", {
      status: 503,
      code: unavailable,
      error: /Request for unknown model: 'gone' version 1 is not at ready state/,
    });
  });

  it("a load of a model whose new files are broken leaves the old version serving (row 94)", async () => {
    repository.current.replaceFile(Buffer.from("no model"), "reloaded", "1", "model.onnx");
    const reply = await post("reloaded/load");
    assert.equal(reply.status, 400, reply.text);
    assert.match(reply.error, /load failed for model 'reloaded': version 1 is at UNAVAILABLE state: .+/);
    const output = await inferRowsOverHttp(server.current.http, "reloaded", [row(3)]);
    assert.deepEqual(output, Buffer.from(rowsTensor(row(3)).data));
  });
});
