import assert from "node:assert/strict";
import { beforeEach, describe, it } from "mocha";
import { HttpFrontEnd } from "../../../../../server/http/http-front-end.ts";
import { FakeDataPlane } from "../../../../helpers/fake-data-plane.ts";
import { loadCudaSharedMemory } from "../../../../../server/shared-memory/cuda-shared-memory.ts";
import { FakeCudaDriver } from "../../../../helpers/fake-cuda-driver.ts";
import { FakeExchange } from "../../../../helpers/fake-exchange.ts";
import { FakeSharedMemory } from "../../../../helpers/fake-region-mapping.ts";

describe("HTTP shared memory endpoints", () => {
  let dataPlane: FakeDataPlane;
  let memory: FakeSharedMemory;
  beforeEach(async () => {
    dataPlane = new FakeDataPlane();
    memory = new FakeSharedMemory();
    await dataPlane.sharedMemory.enable(memory.loaders);
  });

  function send(method: string, path: string, body: object | string = ""): FakeExchange {
    const exchange = new FakeExchange();
    new HttpFrontEnd(dataPlane, { maxInputBytes: 1000, onBug: assert.ifError }).handle(
      method,
      path,
      exchange,
    );
    // A method that is refused reads no body.
    if (exchange.maxBytes >= 0) exchange.receive(typeof body === "string" ? body : JSON.stringify(body));
    return exchange;
  }
  const post = (path: string, body: object | string = ""): FakeExchange =>
    send("post", `/v2/systemsharedmemory/${path}`, body);
  const status = (path: string): unknown => JSON.parse(send("get", `/v2/systemsharedmemory/${path}`).body);

  it("register, status and unregister answer as the protocol has it", () => {
    const registered = post("region/r/register", { key: "/k", offset: 4, byte_size: 64 });
    assert.deepEqual([registered.statusLine, registered.body], ["200 OK", ""]);
    const region = { name: "r", key: "/k", offset: 4, byte_size: 64 };
    assert.deepEqual(status("status"), [region]);
    assert.deepEqual(status("region/r/status"), [region]);
    assert.deepEqual(status("region/x/status"), { error: "Unable to find system shared memory region: 'x'" });
    const unregistered = post("region/r/unregister");
    assert.deepEqual([unregistered.statusLine, unregistered.body], ["200 OK", ""]);
    assert.deepEqual(status("status"), []);
  });

  it("register, status and unregister of CUDA memory answer as the protocol has it", async () => {
    const driver = new FakeCudaDriver();
    const cuda = () => loadCudaSharedMemory(() => Promise.resolve(driver));
    await dataPlane.sharedMemory.enable({ ...memory.loaders, cuda });
    const path = "/v2/cudasharedmemory";
    const body = {
      raw_handle: { b64: driver.allocate(64).handle.toString("base64") },
      device_id: 1,
      byte_size: 48,
    };
    const registered = send("post", `${path}/region/c/register`, body);
    assert.deepEqual([registered.statusLine, registered.body], ["200 OK", ""]);
    for (const at of ["status", "region/c/status"]) {
      assert.deepEqual(JSON.parse(send("get", `${path}/${at}`).body), [
        { name: "c", device_id: 1, byte_size: 48 },
      ]);
    }
    assert.equal(send("get", `${path}/region/x/status`).statusLine, "404 Not Found");
    // Registered as the other kind.
    assert.equal(send("get", "/v2/systemsharedmemory/region/c/status").statusLine, "404 Not Found");
    for (const [wrong, error] of [
      [{ device_id: 2 }, /'d': invalid args: device_id must be from 0 to 1/],
      [{ byte_size: 65 }, /'d': invalid args: byte_size 65 is more than the 64 bytes/],
      [{ raw_handle: { b64: "AAAA" } }, /'d': 'raw_handle' must be 64 bytes, got 3/],
    ] as const) {
      const refused = send("post", `${path}/region/d/register`, { ...body, ...wrong });
      assert.equal(refused.statusLine, "400 Bad Request");
      assert.match((JSON.parse(refused.body) as { error: string }).error, error);
    }
    assert.equal(send("post", `${path}/region/c/unregister`).statusLine, "200 OK");
    assert.deepEqual(JSON.parse(send("get", `${path}/status`).body), []);
  });

  it("unregister without a name takes all regions", () => {
    for (const name of ["a", "b"]) post(`region/${name}/register`, { key: `/${name}`, byte_size: 4 });
    post("unregister", "a body that nobody reads");
    assert.deepEqual(
      memory.mappings.map(({ unmapCount }) => unmapCount),
      [1, 1],
    );
  });

  it("register refuses what cannot be", () => {
    for (const [path, body, statusLine, error] of [
      ["register", { key: "/k", byte_size: 4 }, "400 Bad Request", /^'name' is necessary/],
      ["region/r/register", "", "400 Bad Request", /^Unable to parse 'key'/],
      ["region/r/register", { key: "/k" }, "400 Bad Request", /^Unable to parse 'byte_size'/],
      ["region/r/register", "{", "400 Bad Request", /^failed to parse the request JSON/],
      ["region/r/register", { key: "/missing", byte_size: 4 }, "500 Internal Server Error", /ENOENT/],
    ] as const) {
      const exchange = post(path, body);
      assert.equal(exchange.statusLine, statusLine);
      assert.match((JSON.parse(exchange.body) as { error: string }).error, error);
    }
    const exchange = new FakeExchange();
    const frontEnd = new HttpFrontEnd(dataPlane, { maxInputBytes: 1000, onBug: assert.ifError });
    frontEnd.handle("post", "/v2/systemsharedmemory/region/r/register", exchange);
    exchange.exceed("bytes");
    assert.match(exchange.body, /exceeds the maximum allowed input size of 65536 bytes/);
  });

  it("a method that a path does not have is 405", () => {
    assert.equal(send("get", "/v2/systemsharedmemory/unregister").statusLine, "405 Method Not Allowed");
    assert.equal(send("post", "/v2/cudasharedmemory/status").statusLine, "405 Method Not Allowed");
  });

  it("infer lets go of its regions when the model refuses the request", () => {
    post("region/r/register", { key: "/k", byte_size: 64 });
    dataPlane.echo.refusal = { code: "INVALID_ARG", message: "wrong shape" };
    const parameters = { shared_memory_region: "r", shared_memory_byte_size: 4 };
    const { statusLine, body } = send("post", "/v2/models/echo/infer", {
      inputs: [{ name: "INPUT0", datatype: "INT8", shape: [4], parameters }],
    });
    assert.equal(statusLine, "400 Bad Request");
    assert.match(body, /wrong shape/);
    post("unregister");
    assert.equal(memory.mappings[0]?.unmapCount, 1);
  });

  it("infer answers from shared memory into shared memory", async () => {
    post("region/r/register", { key: "/k", byte_size: 64 });
    const { bytes } = memory.mappings[0]!;
    bytes.set([1, 2, 3, 4]);
    const place = { shared_memory_region: "r", shared_memory_byte_size: 4 };
    const exchange = send("post", "/v2/models/echo/infer", {
      inputs: [{ name: "INPUT0", datatype: "INT8", shape: [4], parameters: place }],
      outputs: [{ name: "OUTPUT0", parameters: { ...place, shared_memory_offset: 8 } }],
    });
    await exchange.replied();
    assert.deepEqual(JSON.parse(exchange.body), {
      model_name: "echo",
      model_version: "1",
      outputs: [{ name: "OUTPUT0", datatype: "INT8", shape: [4] }],
    });
    assert.deepEqual([...bytes.subarray(8, 12)], [1, 2, 3, 4]);
  });
});
