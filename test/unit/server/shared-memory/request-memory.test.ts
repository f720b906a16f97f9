import assert from "node:assert/strict";
import { beforeEach, describe, it } from "mocha";
import { type InferenceRequest, requestState } from "../../../../server/core/inference-request.ts";
import { InferenceResponse } from "../../../../server/core/inference-response.ts";
import { type Failure, failure } from "../../../../server/core/status.ts";
import { Tensor } from "../../../../server/core/tensor.ts";
import { SharedMemoryManager } from "../../../../server/shared-memory/shared-memory-manager.ts";
import { loadCudaSharedMemory } from "../../../../server/shared-memory/cuda-shared-memory.ts";
import { FakeCudaDriver } from "../../../helpers/fake-cuda-driver.ts";
import { type FakeRegionMapping, FakeSharedMemory } from "../../../helpers/fake-region-mapping.ts";
import { makeRequest, RecordingSink } from "../../../helpers/recorded-request.ts";

const noBytes = new Uint8Array(0);

describe("RequestMemory", () => {
  let problems: Failure[];
  let manager: SharedMemoryManager;
  let mapping: FakeRegionMapping;
  let request: InferenceRequest;
  let sink: RecordingSink;
  beforeEach(async () => {
    problems = [];
    const memory = new FakeSharedMemory();
    manager = new SharedMemoryManager((failed) => problems.push(failed));
    await manager.enable(memory.loaders);
    assert.equal(manager.registerSystem({ name: "r", key: "/r", offset: 0, byteSize: 16 }), null);
    mapping = memory.mappings[0]!;
    mapping.bytes.set([1, 2, 3, 4]);
    const inputs = [new Tensor("A", "INT8", [4], noBytes), new Tensor("B", "INT8", [2], Uint8Array.of(8, 9))];
    ({ request, sink } = makeRequest({ inputs }));
  });

  /** A in 0…3, and output "Y" in 8…15 of the region. */
  function attach(): void {
    const outputs = new Map([["Y", { region: "r", offset: 8, byteSize: 8 }]]);
    const places = { inputs: [{ region: "r", offset: 0, byteSize: 4 }, null], outputs };
    assert.equal(manager.attach(request, places), null);
  }

  function responseWith(...outputs: Tensor[]): InferenceResponse {
    return new InferenceResponse({
      modelName: "m",
      modelVersion: "1",
      id: "",
      outputs,
      parameters: null,
      buffer: null,
    });
  }
  const output = (name: string, ...bytes: number[]): Tensor =>
    new Tensor(name, "INT8", [bytes.length], Uint8Array.from(bytes));

  it("RequestMemory gives inputs as views on the region, without a copy", () => {
    attach();
    const [a, b] = request.inputs;
    assert.deepEqual([a!.name, a!.datatype, a!.shape], ["A", "INT8", [4]]);
    assert.deepEqual(
      [[...a!.data], [...b!.data]],
      [
        [1, 2, 3, 4],
        [8, 9],
      ],
    );
    mapping.bytes[0] = 7;
    assert.equal(a!.data[0], 7);
  });

  it("RequestMemory copies BYTES, whose lengths must stay as they were checked", () => {
    request.inputs[0] = new Tensor("A", "BYTES", [1], noBytes);
    attach();
    mapping.bytes[0] = 7;
    assert.deepEqual([...request.inputs[0].data], [1, 2, 3, 4]);
  });

  it("RequestMemory copies outputs to their places and takes their data out of the response", () => {
    attach();
    request.complete(responseWith(output("X", 5), output("Y", 6, 7)));
    const [response] = sink.responses;
    assert.deepEqual(
      response!.outputs.map(({ name, datatype, shape, data }) => [name, datatype, shape, [...data]]),
      [
        ["X", "INT8", [1], [5]],
        ["Y", "INT8", [2], []],
      ],
    );
    assert.deepEqual([...mapping.bytes.subarray(7, 11)], [0, 6, 7, 0]);
  });

  it("RequestMemory hands a response without such outputs on as it is", () => {
    const places = { inputs: [{ region: "r", offset: 0, byteSize: 4 }], outputs: new Map() };
    assert.equal(manager.attach(request, places), null);
    const response = responseWith(output("X", 5));
    request.complete(response);
    assert.equal(sink.responses[0], response);
  });

  it("RequestMemory fails a request whose output does not fit, and writes none of its outputs", () => {
    const outputs = new Map([
      ["X", { region: "r", offset: 0, byteSize: 4 }],
      ["Y", { region: "r", offset: 8, byteSize: 1 }],
    ]);
    assert.equal(manager.attach(request, { inputs: [], outputs }), null);
    request.complete(responseWith(output("X", 5), output("Y", 6, 7)));
    assert.deepEqual(sink.failures, [
      {
        code: "INTERNAL",
        message:
          "shared memory for output 'Y' in region 'r' should be at least 2 bytes to hold the results, got 1",
      },
    ]);
    assert.deepEqual([sink.responses.length, sink.answerCount, mapping.bytes[0]], [0, 1, 1]);
  });

  it("RequestMemory fails a request whose region was cut off while it ran, without touching it", () => {
    attach();
    mapping.isObjectCut = true;
    request.complete(responseWith(output("Y", 6)));
    assert.match(sink.failures[0]?.message ?? "", /output 'Y' cannot be written .*'\/r' has become smaller/);
    assert.equal(mapping.bytes[8], 0);
  });

  it("RequestMemory writes nothing for a client that has cancelled", () => {
    attach();
    request.state = requestState.executing;
    request.cancel();
    request.complete(responseWith(output("Y", 6)));
    assert.equal(mapping.bytes[8], 0);
    assert.equal(sink.responses[0]!.outputs[0]!.data.byteLength, 0);
  });

  for (const [what, end] of [
    ["its response", () => request.complete(responseWith(output("Y", 6)))],
    ["a failure while it waits", () => request.fail(failure("UNAVAILABLE", "queue timeout"))],
    [
      "a crash of its instance",
      () => {
        request.state = requestState.executing;
        request.fail(failure("INTERNAL", "instance ended unexpectedly"));
      },
    ],
    ["the refusal of its model", () => request.sink.onFailure(failure("INVALID_ARG", "wrong shape"), true)],
    ["the end of a decoupled model's responses", () => request.end()],
    [
      "a cancellation while it waits",
      () => {
        request.state = requestState.queued;
        request.holder = { onCancelled: (held) => held.fail(failure("CANCELLED", "cancelled")) };
        request.cancel();
      },
    ],
  ] as const) {
    it(`RequestMemory holds its region until ${what}, and lets go once`, () => {
      attach();
      const [{ data }] = request.inputs as [Tensor];
      assert.equal(manager.unregister("system", "r"), null);
      assert.deepEqual(manager.status("system", ""), []);
      assert.equal(mapping.unmapCount, 0);
      assert.deepEqual([...data], [1, 2, 3, 4]);
      end();
      assert.equal(mapping.unmapCount, 1);
      assert.equal(sink.answerCount, 1);
      // The memory is gone; nobody has looked at it since.
      assert.equal(data.byteLength, 0);
    });
  }

  it("RequestMemory keeps a region that is still registered, whatever its requests do", () => {
    attach();
    request.fail(failure("UNAVAILABLE", "queue timeout"));
    assert.equal(mapping.unmapCount, 0);
    assert.equal(manager.unregister("system", "r"), null);
    assert.equal(mapping.unmapCount, 1);
  });

  it("RequestMemory waits for the last of several requests", () => {
    attach();
    const first = request;
    ({ request } = makeRequest({ inputs: [new Tensor("A", "INT8", [4], noBytes)] }));
    attach();
    assert.equal(manager.unregister("system", "r"), null);
    first.complete(responseWith());
    assert.equal(mapping.unmapCount, 0);
    request.complete(responseWith());
    assert.equal(mapping.unmapCount, 1);
  });

  it("RequestMemory holds its region over all responses of a decoupled model, and writes each", () => {
    attach();
    manager.unregister("system", "r");
    request.respond(responseWith(output("Y", 6)));
    assert.equal(mapping.bytes[8], 6);
    request.respondFailure(failure("INTERNAL", "one of them"));
    request.respond(responseWith(output("Y", 7)));
    assert.deepEqual([mapping.bytes[8], mapping.unmapCount, sink.answerCount], [7, 0, 0]);
    request.end();
    assert.deepEqual([mapping.unmapCount, sink.answerCount], [1, 1]);
  });

  it("RequestMemory lets go after its sink, and even when that throws", () => {
    const { request: throwing } = makeRequest({ inputs: [new Tensor("A", "INT8", [4], noBytes)] });
    let countInside = -1;
    throwing.sink = Object.assign(new RecordingSink(), {
      onResponse: () => {
        countInside = mapping.unmapCount;
        throw new Error("a bug of the sink");
      },
    });
    request = throwing;
    attach();
    manager.unregister("system", "r");
    assert.throws(() => request.complete(responseWith()), /a bug of the sink/);
    assert.deepEqual([countInside, mapping.unmapCount], [0, 1]);
  });

  it("RequestMemory reports memory that could not be given back", () => {
    attach();
    manager.unregister("system", "r");
    mapping.unmapProblem = failure("INTERNAL", "Unable to unmap '/r': EINVAL");
    request.complete(responseWith());
    assert.deepEqual(problems, [mapping.unmapProblem]);
    assert.equal(sink.responses.length, 1);
  });

  describe("with CUDA memory", () => {
    let driver: FakeCudaDriver;
    let bytes: Uint8Array;
    beforeEach(async () => {
      driver = new FakeCudaDriver();
      const allocated = driver.allocate(16);
      bytes = allocated.bytes;
      bytes.set([1, 2, 3, 4]);
      manager = new SharedMemoryManager((failed) => problems.push(failed));
      await manager.enable({
        ...new FakeSharedMemory().loaders,
        cuda: () => loadCudaSharedMemory(() => Promise.resolve(driver)),
      });
      const init = { name: "r", rawHandle: allocated.handle, deviceId: 1, byteSize: 16 };
      assert.equal(manager.registerCuda(init), null);
    });

    it("RequestMemory gives inputs as copies, which nobody else changes", () => {
      request.inputs[0] = new Tensor("A", "BYTES", [1], noBytes);
      attach();
      bytes[0] = 7;
      const [a, b] = request.inputs;
      assert.deepEqual(
        [[...a.data], [...b!.data]],
        [
          [1, 2, 3, 4],
          [8, 9],
        ],
      );
      assert.equal(request.areInputsVolatile, false);
    });

    it("RequestMemory knows inputs that others may change beside those that none can", () => {
      manager.registerSystem({ name: "s", key: "/s", offset: 0, byteSize: 2 });
      const inputs = ["r", "s"].map((region) => ({ region, offset: 0, byteSize: 2 }));
      assert.equal(manager.attach(request, { inputs, outputs: new Map() }), null);
      assert.equal(request.areInputsVolatile, true);
    });

    it("RequestMemory has its outputs on the device before its sink hears of them", () => {
      let seen: number[] = [];
      const { request: watched } = makeRequest({ inputs: [new Tensor("A", "INT8", [4], noBytes)] });
      watched.sink = Object.assign(new RecordingSink(), {
        onResponse: (response: InferenceResponse) => {
          seen = [...bytes.subarray(7, 11), response.outputs[0]!.data.byteLength];
        },
      });
      request = watched;
      attach();
      request.complete(responseWith(output("Y", 6, 7)));
      assert.deepEqual(seen, [0, 6, 7, 0, 0]);
    });

    it("RequestMemory fails a request whose output the device does not take", () => {
      attach();
      driver.failures.set("copyToDevice", "cuMemcpyHtoD: CUDA_ERROR_UNKNOWN (who knows)");
      request.complete(responseWith(output("Y", 6)));
      assert.deepEqual(sink.failures, [
        {
          code: "INTERNAL",
          message:
            "output 'Y': Unable to write 1 bytes of CUDA memory: cuMemcpyHtoD: CUDA_ERROR_UNKNOWN (who knows)",
        },
      ]);
    });

    it("RequestMemory holds its device until its end, and reports what could not be given back", () => {
      attach();
      assert.equal(manager.unregister("cuda", "r"), null);
      assert.deepEqual(driver.retainCounts, [0, 1]);
      driver.failures.set("closeHandle", "it broke");
      request.complete(responseWith(output("Y", 6)));
      assert.deepEqual([driver.retainCounts, bytes[8], sink.responses.length], [[0, 0], 6, 1]);
      assert.deepEqual(problems, [{ code: "INTERNAL", message: "Unable to close CUDA memory: it broke" }]);
    });
  });
});
