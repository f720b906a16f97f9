import assert from "node:assert/strict";
import http from "node:http";
import { afterEach, before, describe, it } from "mocha";
import { joinBytesElements } from "../../../server/core/bytes-elements.ts";
import { failure } from "../../../server/core/status.ts";
import { Tensor } from "../../../server/core/tensor.ts";
import { HttpFrontEnd } from "../../../server/http/http-front-end.ts";
import { defaultHttpTransport } from "../../../server/http/transport/default-transport.ts";
import type { HttpListener, HttpTransport } from "../../../server/http/transport/http-transport.ts";
import { nodeHttpTransport } from "../../../server/http/transport/node-http-transport.ts";
import { FakeDataPlane } from "../../helpers/fake-data-plane.ts";
import { HttpClient } from "../../helpers/http-client.ts";
import {
  promptInputs,
  responseOf,
  tokenJson,
  tokenResponse,
} from "../../unit/server/http/endpoints/generate-cases.ts";

const prompt = '{"PROMPT":"a","STREAM":true}';
const path = "/v2/models/echo";

for (const [name, find] of [
  ["the default HTTP transport", defaultHttpTransport],
  ["nodeHttpTransport", () => Promise.resolve(nodeHttpTransport)],
] as const) {
  describe(`Generate over ${name}`, () => {
    let transport: HttpTransport;
    let listener: HttpListener | null = null;
    let client: HttpClient;
    before(async () => {
      transport = await find();
    });
    afterEach(async () => {
      client.close();
      await listener?.drain(0);
    });

    async function open(): Promise<{ plane: FakeDataPlane; port: number }> {
      const plane = new FakeDataPlane();
      plane.echo.isEchoing = false;
      plane.echo.isDecoupled = true;
      plane.echo.inputs = promptInputs;
      const frontEnd = new HttpFrontEnd(plane, {
        maxInputBytes: 1000,
        onBug: (thrown) => assert.fail(String(thrown)),
      });
      listener = await transport.listen({ address: "127.0.0.1", port: 0 }, frontEnd.handle);
      client = new HttpClient(`http://127.0.0.1:${listener.port}`);
      return { plane, port: listener.port };
    }

    it("answers generate when the model has ended (row 37)", async () => {
      const { plane } = await open();
      const arrived = plane.echo.nextRequest();
      const replied = client.post(`${path}/generate`, prompt);
      const request = await arrived;
      request.respond(tokenResponse(request, 1));
      request.end();
      const reply = await replied;
      assert.deepEqual([reply.status, reply.text], [200, tokenJson(1)]);
      assert.equal(reply.headers["content-type"], "application/json");
    });

    it("streams events, a late error among them (row 39)", async () => {
      const { plane } = await open();
      const arrived = plane.echo.nextRequest();
      const replied = client.post(`${path}/versions/1/generate_stream`, prompt);
      const request = await arrived;
      request.respond(tokenResponse(request, 1));
      request.respond(tokenResponse(request, 2));
      request.fail(failure("INTERNAL", "broken"));
      const reply = await replied;
      assert.equal(reply.status, 200);
      assert.equal(reply.headers["content-type"], "text/event-stream; charset=utf-8");
      assert.equal(
        reply.text,
        `data: ${tokenJson(1)}\n\ndata: ${tokenJson(2)}\n\ndata: {"error":"[request id: <id_unknown>] broken"}\n\n`,
      );
    });

    it("streams nothing for no response (row 36)", async () => {
      const { plane } = await open();
      const arrived = plane.echo.nextRequest();
      const replied = client.post(`${path}/generate_stream`, prompt);
      (await arrived).end();
      const reply = await replied;
      assert.deepEqual([reply.status, reply.text], [200, ""]);
    });

    it("answers an error that comes first with its status (row 38)", async () => {
      const { plane } = await open();
      const arrived = plane.echo.nextRequest();
      const replied = client.post(`${path}/generate_stream`, prompt);
      (await arrived).fail(failure("UNAVAILABLE", "Busy"));
      const reply = await replied;
      assert.deepEqual([reply.status, reply.error], [503, "[request id: <id_unknown>] Busy"]);
    });

    it("refuses a body over the limit", async () => {
      await open();
      const reply = await client.post(`${path}/generate`, `{"PROMPT":"${"a".repeat(1000)}"}`);
      assert.equal(reply.status, 400);
      assert.match(reply.error, /--http-max-input-size/);
    });

    it("cancels the request when the client drops the stream, and serves on (row 41)", async () => {
      const { plane, port } = await open();
      const arrived = plane.echo.nextRequest();
      const streaming = http.request({
        host: "127.0.0.1",
        port,
        path: `${path}/generate_stream`,
        method: "POST",
      });
      streaming.on("error", () => undefined);
      const dropped = new Promise<void>((resolve) => {
        streaming.on("response", (response) => {
          response.on("error", () => undefined);
          response.once("data", () => {
            response.destroy();
            resolve();
          });
        });
      });
      streaming.end(prompt);
      const request = await arrived;
      const cancelled = new Promise<void>((resolve) => {
        request.producer = { onCancelled: () => resolve(), onResponseWritten: () => undefined };
      });
      request.respond(tokenResponse(request, 1));
      await dropped;
      await cancelled;
      assert.ok(request.isCancelled);
      request.respond(tokenResponse(request, 2));
      request.fail(failure("CANCELLED", "stopped"));
      assert.equal((await client.get("/v2/health/live")).status, 200);
    });

    it("makes the model wait for a client that does not read, and loses nothing", async () => {
      const { plane, port } = await open();
      const arrived = plane.echo.nextRequest();
      const streaming = http.request({
        host: "127.0.0.1",
        port,
        path: `${path}/generate_stream`,
        method: "POST",
      });
      const receiving = new Promise<http.IncomingMessage>((resolve) => {
        streaming.on("response", (response) => {
          response.pause();
          resolve(response);
        });
      });
      streaming.end(prompt);
      const request = await arrived;
      const data = joinBytesElements([Buffer.alloc(1_000_000, "a")]);
      let given = 0;
      let written = 0;
      const total = 40;
      // Answers as an instance does: as many at a time as the window allows.
      const give = (): void => {
        while (given < total && given - written < request.responseWindow) {
          given++;
          request.respond(responseOf(request, new Tensor("TEXT", "BYTES", [1], data)));
        }
        if (written === total && request.producer !== null) request.end();
      };
      request.producer = {
        onCancelled: () => assert.fail("nobody cancelled"),
        onResponseWritten: () => {
          written++;
          setImmediate(give);
        },
      };
      give();
      const response = await receiving;
      assert.ok(given < total, "the model was not held");
      let received = 0;
      let lineEndCount = 0;
      response.on("data", (chunk: Buffer) => {
        received += chunk.byteLength;
        for (let at = chunk.indexOf("\n"); at >= 0; at = chunk.indexOf("\n", at + 1)) lineEndCount++;
      });
      const ended = new Promise<void>((resolve) => response.on("end", resolve));
      response.resume();
      await ended;
      assert.equal(lineEndCount, 2 * total);
      assert.ok(received > total * data.length);
    }).timeout(20_000);
  });
}
