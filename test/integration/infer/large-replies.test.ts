import assert from "node:assert/strict";
import { once } from "node:events";
import http from "node:http";
import { describe, it } from "mocha";
import { identityModel } from "../../../tools/onnx-builder/model-zoo.ts";
import { type BinaryRequest, binaryOutputs, binaryRequest } from "../../helpers/binary-infer.ts";
import { HttpReply } from "../../helpers/http-client.ts";
import { useServer } from "../../helpers/start-server.ts";
import { useRepository } from "../../helpers/temporary-repository.ts";

const elementCount = 1_000_000;
const path = "/v2/models/large/infer";

function tensorOf(value: number): Uint8Array {
  return new Uint8Array(new Float32Array(elementCount).fill(value).buffer);
}

function requestOf(value: number): BinaryRequest {
  return binaryRequest([
    { name: "INPUT0", datatype: "FP32", shape: [1, elementCount], data: tensorOf(value) },
  ]);
}

/** Sends a request over a connection of its own; resolves when the reply's headers are there. Nothing else is read. */
async function beginInfer(baseUrl: string, { body, headers }: BinaryRequest): Promise<http.IncomingMessage> {
  const request = http.request(baseUrl + path, { method: "POST", headers, agent: false });
  request.end(body);
  const [response] = (await once(request, "response")) as [http.IncomingMessage];
  response.pause();
  return response;
}

async function readRest(response: http.IncomingMessage): Promise<HttpReply> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return new HttpReply(response.statusCode ?? 0, response.headers, Buffer.concat(chunks));
}

describe("Large binary replies over HTTP", () => {
  const repository = useRepository((models) => {
    models.add("large", {
      config: {
        max_batch_size: 4,
        input: [{ name: "INPUT0", data_type: "TYPE_FP32", dims: [elementCount] }],
        output: [{ name: "OUTPUT0", data_type: "TYPE_FP32", dims: [elementCount] }],
        instance_group: [{ kind: "KIND_CPU", count: 1 }],
        dynamic_batching: {},
      },
      versions: { 1: identityModel("FP32", ["batch", elementCount]) },
    });
  });
  const server = useServer(() => [
    `--model-repository=${repository.current.path}`,
    "--model-control-mode=explicit",
    "--load-model=*",
  ]);

  it("keep their bytes until a slow client has read them, whatever the model computes meanwhile", async () => {
    const { addresses, http: client } = server.current;
    const slow = await Promise.all(
      [1, 2, 3, 4, 5, 6].map((value) => beginInfer(addresses.http, requestOf(value))),
    );
    for (let value = 10; value < 30; value++) {
      const { body, headers } = requestOf(value);
      const reply = await client.post(path, body, { headers });
      assert.ok(binaryOutputs(reply).get("OUTPUT0")?.equals(tensorOf(value)), `quick ${value}`);
    }
    for (const [index, response] of slow.entries()) {
      const reply = await readRest(response);
      assert.ok(
        binaryOutputs(reply)
          .get("OUTPUT0")
          ?.equals(tensorOf(index + 1)),
        `slow ${index + 1}`,
      );
    }
  });

  it("leave nothing behind when their clients go away", async () => {
    const { addresses, http: client } = server.current;
    for (let round = 0; round < 10; round++) {
      const responses = await Promise.all(
        [1, 2, 3, 4].map((value) => beginInfer(addresses.http, requestOf(value))),
      );
      for (const response of responses) response.destroy();
    }
    const { body, headers } = requestOf(7);
    const reply = await client.post(path, body, { headers });
    assert.ok(binaryOutputs(reply).get("OUTPUT0")?.equals(tensorOf(7)));
  });

  it("are whole on a connection that is used again", async () => {
    const url = server.current.addresses.http;
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    for (const value of [1, 2, 3]) {
      const { body, headers } = requestOf(value);
      const request = http.request(url + path, { method: "POST", headers, agent });
      request.end(body);
      const [response] = (await once(request, "response")) as [http.IncomingMessage];
      const reply = await readRest(response);
      assert.ok(binaryOutputs(reply).get("OUTPUT0")?.equals(tensorOf(value)));
      assert.equal(request.reusedSocket, value > 1);
    }
    agent.destroy();
  });
});
