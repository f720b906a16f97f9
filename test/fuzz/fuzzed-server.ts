import assert from "node:assert/strict";
import { existsSync, readdirSync, readlinkSync } from "node:fs";
import path from "node:path";
import { after, afterEach, before } from "mocha";
import { identityModel } from "../../tools/onnx-builder/model-zoo.ts";
import { rowModelConfig } from "../helpers/fp32-rows.ts";
import { inferResponse } from "../helpers/binary-infer.ts";
import type { Message } from "../helpers/grpc-client.ts";
import { RunningServer } from "../helpers/start-server.ts";
import { useRepository } from "../helpers/temporary-repository.ts";
import { waitUntil } from "../helpers/wait-until.ts";
import { first, sampleRepository, second, simpleRequest, sums } from "../integration/infer/simple-models.ts";

/** What no request may make the server write into its log. */
const bugRecords = /failed to answer|[Uu]nhandled|[Uu]ncaught|This is a bug/;

/** What is this server's fault, whatever the client sent. */
export const bugMessages = /internal error|TypeError|RangeError|is not a function|properties of|is a bug/;

/** {@link simpleRequest} over gRPC. */
const simpleMessage: Message = {
  model_name: "simple",
  inputs: ["INPUT0", "INPUT1"].map((name) => ({ name, datatype: "INT32", shape: [1, 16] })),
  raw_input_contents: [first, second].map((values) => Buffer.from(Int32Array.from(values).buffer)),
};

/** A server for the tests of the surrounding `describe`, and what must hold whatever they sent it. */
export interface FuzzedServer {
  readonly current: RunningServer;
  /** It runs, computes, has nothing left to do and complains of nothing. @throws AssertionError otherwise. */
  assertHealthy(when: string): Promise<void>;
  /** It holds no connection but those of its own clients. Call it when all others are closed. */
  assertIdle(): Promise<void>;
}

/** Open sockets of a process; `null` where the system does not show them. */
function socketCount(pid: number): number | null {
  const directory = `/proc/${pid}/fd`;
  if (!existsSync(directory)) return null;
  return readdirSync(directory).filter((name) => {
    try {
      return readlinkSync(path.join(directory, name)).startsWith("socket:");
    } catch {
      return false;
    }
  }).length;
}

/**
 * Starts a server with the sample models and one called `expendable`. After the tests it must end by itself, with exit
 * code 0 and well before its exit timeout: a request that was lost somewhere would hold it up.
 */
export function useFuzzedServer(): FuzzedServer {
  const repository = useRepository((made) => {
    made.add("expendable", { config: rowModelConfig(), versions: { 1: identityModel("FP32") } });
  });
  let server: RunningServer | null = null;
  let socketsAtStart: number | null = null;
  const current = (): RunningServer => {
    if (server === null) throw new Error("The server is there only while tests run");
    return server;
  };
  const infer = async (): Promise<void> => {
    const reply = await current().http.post("/v2/models/simple/infer", simpleRequest());
    assert.deepEqual(inferResponse(reply).outputs[0]?.data, sums);
    const { raw_output_contents } = await current().grpc.infer(simpleMessage);
    assert.deepEqual(raw_output_contents[0], Buffer.from(Int32Array.from(sums).buffer));
  };

  before(async () => {
    server = await RunningServer.start([
      `--model-repository=${sampleRepository}`,
      `--model-repository=${repository.current.path}`,
      "--model-control-mode=explicit",
      "--load-model=*",
      "--http-max-input-size=1000000",
      "--http-header-forward-pattern=^x-",
      "--allow-client-shm=true",
      "--exit-timeout-secs=10",
    ]);
    // Opens the connections that its own clients keep.
    await infer();
    await server.grpc.call("ServerLive", {});
    await server.metrics();
    socketsAtStart = socketCount(server.process.pid);
  });
  afterEach(function () {
    if (this.currentTest?.state === "failed") console.error(server?.log.slice(-5000));
  });
  after(async () => {
    try {
      await server?.stop();
    } finally {
      await server?.kill();
    }
  });

  return {
    get current(): RunningServer {
      return current();
    },
    assertHealthy: async (when) => {
      assert.ok(current().process.isRunning, `the server ended ${when}`);
      await infer();
      await waitUntil(`nothing is pending ${when}`, async () => {
        return (await current().metrics()).sum("nv_inference_pending_request_count") === 0;
      });
      assert.doesNotMatch(current().log, bugRecords);
    },
    assertIdle: async () => {
      await waitUntil("the connections are closed", () => {
        const count = socketCount(current().process.pid);
        return count === null || socketsAtStart === null || count <= socketsAtStart;
      });
    },
  };
}
