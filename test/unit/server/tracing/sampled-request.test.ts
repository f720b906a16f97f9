import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { tracedRequest, TracerBench } from "../../../helpers/traced-requests.ts";

describe("SampledRequest", () => {
  it("SampledRequest notes when the request was read and the reply sent", async () => {
    const bench = await TracerBench.open();
    const arrival = bench.tracer.arrive("http", () => "");
    bench.clock.advance(5);
    arrival.markRead();
    bench.clock.advance(5);
    const sampled = bench.tracer.sample({ modelName: "m", modelVersion: "1", requestId: "" }, arrival);
    assert(sampled !== null);
    assert.equal(sampled.endUs, 1_000_005);
    sampled.beginSending();
    bench.clock.advance(5);
    sampled.endSending();
    assert.deepEqual(sampled.transportTimestamps, [
      { name: "HTTP_RECV_START", timeUs: 1_000_000 },
      { name: "HTTP_RECV_END", timeUs: 1_000_005 },
      { name: "HTTP_SEND_START", timeUs: 1_000_010 },
      { name: "HTTP_SEND_END", timeUs: 1_000_015 },
    ]);
    assert.equal(sampled.endUs, 1_000_015);
  });

  it("SampledRequest has gRPC's names, and no reply where none was sent", async () => {
    const bench = await TracerBench.open();
    const arrival = bench.tracer.arrive("grpc", () => "");
    const sampled = bench.tracer.sample({ modelName: "m", modelVersion: "1", requestId: "" }, arrival);
    sampled?.end();
    assert.deepEqual(
      sampled?.transportTimestamps.map(({ name }) => name),
      ["GRPC_WAITREAD_START", "GRPC_WAITREAD_END"],
    );
  });

  it("SampledRequest names its setting", async () => {
    assert.equal((await tracedRequest()).setting.scope, "");
  });
});
