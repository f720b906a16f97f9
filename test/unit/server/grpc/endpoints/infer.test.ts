import assert from "node:assert/strict";
import type { ServiceError } from "@grpc/grpc-js";
import { after, afterEach, before, describe, it } from "mocha";
import type { InferenceRequest } from "../../../../../server/core/inference-request.ts";
import { failure } from "../../../../../server/core/status.ts";
import { HeaderForwarder } from "../../../../../server/header-forwarder.ts";
import type { FakeModel } from "../../../../helpers/fake-data-plane.ts";
import { waitUntil } from "../../../../helpers/wait-until.ts";
import { traceConfig, TracerBench } from "../../../../helpers/traced-requests.ts";
import { GrpcFixture } from "../grpc-fixture.ts";
import { encodeMessage } from "../wire.ts";

const inferRequest = {
  model_name: "echo",
  id: "42",
  inputs: [{ name: "INPUT0", datatype: "INT32", shape: [1, 2] }],
  raw_input_contents: [Buffer.of(1, 0, 0, 0, 2, 0, 0, 0)],
};

const typedInputs: readonly (readonly [string, object, readonly number[]])[] = [
  ["BOOL", { bool_contents: [true, false] }, [1, 0]],
  ["INT8", { int_contents: [-1] }, [255]],
  ["INT16", { int_contents: [-2] }, [254, 255]],
  ["INT32", { int_contents: [1] }, [1, 0, 0, 0]],
  ["INT64", { int64_contents: [1] }, [1, 0, 0, 0, 0, 0, 0, 0]],
  ["UINT8", { uint_contents: [200] }, [200]],
  ["UINT16", { uint_contents: [0x102] }, [2, 1]],
  ["UINT32", { uint_contents: [3] }, [3, 0, 0, 0]],
  ["UINT64", { uint64_contents: [4] }, [4, 0, 0, 0, 0, 0, 0, 0]],
  ["FP32", { fp32_contents: [1] }, [0, 0, 0x80, 0x3f]],
  ["FP64", { fp64_contents: [1] }, [0, 0, 0, 0, 0, 0, 0xf0, 0x3f]],
  ["BYTES", { bytes_contents: [Buffer.from("hi")] }, [2, 0, 0, 0, 0x68, 0x69]],
];

describe("gRPC infer endpoint", () => {
  let grpc: GrpcFixture;
  let model: FakeModel;
  before(async () => {
    grpc = await GrpcFixture.start();
    model = grpc.dataPlane.echo;
  });
  after(() => grpc.stop());
  afterEach(() => {
    model.isEchoing = true;
    model.isDecoupled = false;
    model.refusal = null;
    assert.deepEqual(grpc.bugs, []);
  });

  it("ModelInfer answers with raw contents, copied before the model takes its memory back", async () => {
    assert.deepEqual(await grpc.call("ModelInfer", inferRequest), {
      model_name: "echo",
      model_version: "1",
      id: "42",
      outputs: [{ name: "OUTPUT0", datatype: "INT32", shape: ["1", "2"] }],
      raw_output_contents: [Buffer.of(1, 0, 0, 0, 2, 0, 0, 0)],
    });
    assert.deepEqual(grpc.dataPlane.lastLookUp, ["echo", ""]);
  });

  it("ModelInfer carries forwarded metadata as parameters, and refuses reserved ones", async () => {
    const forwarding = await GrpcFixture.start({ headerForwarder: new HeaderForwarder("^x-|^priority") });
    try {
      forwarding.metadata.add("X-Team", "red");
      forwarding.metadata.add("x-team", "blue");
      forwarding.metadata.add("x-bytes-bin", Buffer.from("1"));
      forwarding.metadata.add("other", "2");
      await forwarding.call("ModelInfer", { ...inferRequest, parameters: { own: { int64_param: 7 } } });
      const { parameters } = forwarding.dataPlane.echo.lastRequest();
      assert.deepEqual(
        [...(parameters ?? [])],
        [
          ["own", 7],
          ["x-team", "red, blue"],
        ],
      );
      forwarding.metadata.add("priority", "1");
      const { code, details } = await forwarding.failure("ModelInfer", inferRequest);
      assert.equal(code, 3);
      assert.match(details, /'priority'.* is reserved for Triton usage/);
    } finally {
      await forwarding.stop();
    }
  });

  for (const [datatype, contents, expected] of typedInputs) {
    it(`ModelInfer takes typed contents of ${datatype}`, async () => {
      const inputs = [{ name: "INPUT0", datatype, shape: [1], contents }];
      const response = await grpc.call("ModelInfer", { model_name: "echo", inputs });
      assert.deepEqual(response["raw_output_contents"], [Buffer.from(expected)]);
    });
  }

  it("ModelInfer carries messages beyond the library's limit of 4 MB both ways", async () => {
    const data = Buffer.alloc(6_000_000, 5);
    const { raw_output_contents: contents } = await grpc.call("ModelInfer", {
      ...inferRequest,
      raw_input_contents: [data],
    });
    assert.equal(Buffer.compare((contents as Buffer[])[0]!, data), 0);
  });

  it("ModelInfer gives each of many calls at once its own answer", async () => {
    const calls = Array.from({ length: 50 }, (_, i) =>
      grpc.call("ModelInfer", { ...inferRequest, id: `id-${i}` }),
    );
    const ids = (await Promise.all(calls)).map((response) => response["id"]);
    assert.deepEqual(
      ids,
      Array.from({ length: 50 }, (_, i) => `id-${i}`),
    );
  });

  it("ModelInfer passes priority, timeout, custom parameters and requested outputs on", async () => {
    await grpc.call("ModelInfer", {
      ...inferRequest,
      outputs: [{ name: "OUTPUT0" }],
      parameters: {
        priority: { int64_param: 2 },
        timeout: { int64_param: 700 },
        mode: { string_param: "fast" },
        sequence_id: { int64_param: 9 },
      },
    });
    const request = model.lastRequest();
    assert.deepEqual(
      [request.priority, request.timeoutUs, request.requestedOutputs, request.parameters],
      [2, 700, ["OUTPUT0"], new Map([["mode", "fast"]])],
    );
  });

  it("ModelInfer refuses a model that is unknown or not ready before it looks at the tensors", async () => {
    const bad = { ...inferRequest, raw_input_contents: [] };
    const unknown = await grpc.failure("ModelInfer", { ...bad, model_name: "nobody" });
    assert.equal(unknown.code, 5);
    assert.match(unknown.details, /^Request for unknown model: 'nobody'/);
    assert.equal((await grpc.failure("ModelInfer", { ...bad, model_name: "loading" })).code, 14);
    assert.equal((await grpc.failure("ModelInfer", { ...bad, model_version: "-1" })).code, 3);
  });

  it("ModelInfer refuses a decoupled model", async () => {
    model.isDecoupled = true;
    assert.deepEqual(await grpc.failure("ModelInfer", inferRequest), {
      code: 12,
      details: "ModelInfer RPC doesn't support models with decoupled transaction policy",
    });
  });

  it("ModelInfer refuses bytes that are no request", async () => {
    const { code, details } = await grpc.failure("ModelInfer", Buffer.from("not a message"));
    assert.equal(code, 3);
    assert.match(details, /^Malformed ModelInferRequest: /);
  });

  it("ModelInfer refuses a region of shared memory that nobody registered", async () => {
    const parameters = {
      shared_memory_region: { string_param: "r" },
      shared_memory_byte_size: { int64_param: 64 },
    };
    const outputs = [{ name: "OUTPUT0", parameters }];
    const countBefore = model.requests.length;
    assert.deepEqual(await grpc.failure("ModelInfer", { ...inferRequest, outputs }), {
      code: 5,
      details: "[request id: 42] Unable to find shared memory region: 'r'",
    });
    assert.equal(model.requests.length, countBefore);
  });

  it("ModelInfer puts the request's id in front of what validation says", async () => {
    model.refusal = failure("INVALID_ARG", "expected 2 inputs but got 1 inputs");
    assert.deepEqual(await grpc.failure("ModelInfer", inferRequest), {
      code: 3,
      details: "[request id: 42] expected 2 inputs but got 1 inputs",
    });
  });

  it("ModelInfer puts <id_unknown> in front of what a backend says to a request without an id", async () => {
    model.isEchoing = false;
    const arrival = model.nextRequest();
    const outcome = grpc.failure("ModelInfer", { ...inferRequest, id: "" });
    (await arrival).fail(failure("INTERNAL", "the model fell over: 100% \u00fc\nno memory"));
    assert.deepEqual(await outcome, {
      code: 13,
      details: "[request id: <id_unknown>] the model fell over: 100% \u00fc\nno memory",
    });
  });

  it("ModelInfer cancels the request of a call that the client cancels, and drops its outcome", async () => {
    model.isEchoing = false;
    const arrival = model.nextRequest();
    const outcome = new Promise<ServiceError | null>((resolve) => {
      const call = grpc.startCall(
        "ModelInfer",
        encodeMessage("ModelInferRequest", inferRequest),
        Infinity,
        resolve,
      );
      void arrival.then(() => call.cancel());
    });
    const request = await arrival;
    const cancelled = onceCancelled(request);
    assert.equal((await outcome)?.code, 1);
    await cancelled;
    // A late answer must not disturb the connection.
    model.answer(request);
    assert.equal(request.isCancelled, true);
    assert.deepEqual(await grpc.call("ServerLive"), { live: true });
  });

  it("ModelInfer cancels the request of a call whose deadline passes, and drops its failure", async () => {
    model.isEchoing = false;
    const arrival = model.nextRequest();
    const outcome = grpc
      .callRaw("ModelInfer", encodeMessage("ModelInferRequest", inferRequest), 50)
      .then(() => 0)
      .catch((thrown: unknown) => (thrown as ServiceError).code);
    const request = await arrival;
    const cancelled = onceCancelled(request);
    assert.equal(await outcome, 4);
    await cancelled;
    request.fail(failure("CANCELLED", "request has been cancelled"));
  });

  it("ModelInfer does not cancel a request that was answered", async () => {
    await grpc.call("ModelInfer", inferRequest);
    // One more turn of the connection: the first call's end has been seen by then.
    await grpc.call("ServerLive");
    assert.equal(model.lastRequest().isCancelled, false);
  });
});

/** Resolves when the request is cancelled. */
function onceCancelled(request: InferenceRequest): Promise<void> {
  return new Promise((resolve) => {
    const cancel = request.cancel.bind(request);
    request.cancel = () => {
      cancel();
      resolve();
    };
  });
}

describe("gRPC infer endpoint, traced", () => {
  let grpc: GrpcFixture;
  let bench: TracerBench;
  before(async () => {
    bench = await TracerBench.open(traceConfig({}, { mode: "opentelemetry" }));
    grpc = await GrpcFixture.start();
    grpc.dataPlane.tracer = bench.tracer;
  });
  after(() => grpc.stop());
  afterEach(() => {
    bench.sink.sampled.length = 0;
    grpc.dataPlane.echo.isEchoing = true;
    grpc.dataPlane.echo.refusal = null;
  });

  const pointNames = (): string[] =>
    bench.sink.sampled.flatMap((sampled) => sampled.transportTimestamps).map(({ name }) => name);

  it("ModelInfer gives the request its trace, which ends with the reply", async () => {
    const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    grpc.metadata.set("traceparent", traceparent);
    await grpc.call("ModelInfer", inferRequest);
    grpc.metadata.remove("traceparent");
    const [sampled] = bench.sink.sampled;
    assert.equal(sampled?.trace, grpc.dataPlane.echo.lastRequest().trace);
    assert.equal(sampled.trace.subject.requestId, "42");
    assert.equal(sampled.arrival.parent?.spanId, "b7ad6b7169203331");
    assert.deepEqual(pointNames(), [
      "GRPC_WAITREAD_START",
      "GRPC_WAITREAD_END",
      "GRPC_SEND_START",
      "GRPC_SEND_END",
    ]);
  });

  it("ModelInfer ends the trace of a refused request with the refusal", async () => {
    grpc.dataPlane.echo.refusal = failure("INVALID_ARG", "no");
    await grpc.failure("ModelInfer", inferRequest);
    assert.equal(pointNames().length, 4);
  });

  it("ModelInfer ends the trace of a cancelled request without a reply", async () => {
    const { echo } = grpc.dataPlane;
    echo.isEchoing = false;
    const arrival = echo.nextRequest();
    const call = grpc.startCall(
      "ModelInfer",
      encodeMessage("ModelInferRequest", inferRequest),
      Infinity,
      () => undefined,
    );
    const request = await arrival;
    call.cancel();
    await waitUntil("the server sees the cancellation", () => request.isCancelled);
    request.fail(failure("CANCELLED", "gone"));
    assert.deepEqual(pointNames(), ["GRPC_WAITREAD_START", "GRPC_WAITREAD_END"]);
  });
});
