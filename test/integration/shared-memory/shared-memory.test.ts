import assert from "node:assert/strict";
import { afterEach, before, describe, it } from "mocha";
import { slowModel } from "../../../tools/onnx-builder/model-zoo.ts";
import { row, rowModelConfig } from "../../helpers/fp32-rows.ts";
import { hasSharedMemoryFiles, SharedMemoryObject } from "../../helpers/shared-memory-object.ts";
import { useServer } from "../../helpers/start-server.ts";
import { useRepository } from "../../helpers/temporary-repository.ts";
import { waitUntil } from "../../helpers/wait-until.ts";
import { sampleRepository } from "../infer/simple-models.ts";
import {
  answered,
  assertRefused,
  type ClientInput,
  GrpcMemoryClient,
  HttpMemoryClient,
  type MemoryClient,
  outcome,
  type Place,
} from "./memory-client.ts";

const tensorBytes = 64;
const rowInt32 = (seed: number): Buffer =>
  Buffer.from(Int32Array.from({ length: 16 }, (_, index) => seed * 100 + index).buffer);
const input = (name: string, source: Place | Uint8Array): ClientInput => ({ name, shape: [1, 16], source });

/** What `simple` gives for `rowInt32(2)` and `rowInt32(1)`. */
const sums = Array.from({ length: 16 }, (_, index) => 300 + 2 * index);
const differences = new Array<number>(16).fill(100);
const numbers = (bytes: Buffer): number[] =>
  Array.from({ length: bytes.byteLength / 4 }, (_, index) => bytes.readInt32LE(index * 4));

describe("Shared memory", function () {
  if (!hasSharedMemoryFiles) {
    it("needs a system that shows shared memory objects as files");
    return;
  }
  const repository = useRepository((made) => {
    made.add("slow", { config: rowModelConfig(), versions: { 1: slowModel(25_000) } });
  });
  const server = useServer(
    () => [
      `--model-repository=${sampleRepository}`,
      `--model-repository=${repository.current.path}`,
      "--allow-client-shm=true",
    ],
    // A driver that is installed finds no device then.
    () => ({ CUDA_VISIBLE_DEVICES: "-1" }),
  );
  const objects: SharedMemoryObject[] = [];
  const object = (content: Uint8Array): SharedMemoryObject => {
    const made = new SharedMemoryObject(content);
    objects.push(made);
    return made;
  };
  const clients: Record<"HTTP" | "gRPC", MemoryClient | null> = { HTTP: null, gRPC: null };
  before(() => {
    clients.HTTP = new HttpMemoryClient(server.current);
    clients.gRPC = new GrpcMemoryClient(server.current);
  });
  afterEach(async () => {
    assert.equal(await clients.HTTP?.unregister(""), null);
    for (const made of objects.splice(0)) made.unlink();
  });

  it("is listed in the server's metadata, in its place", async () => {
    const { extensions } = (await server.current.http.get("/v2")).json() as { extensions: string[] };
    const at = extensions.indexOf("system_shared_memory");
    assert.deepEqual(extensions.slice(at - 1, at + 2), [
      "model_configuration",
      "system_shared_memory",
      "binary_tensor_data",
    ]);
    // What does not work is not listed.
    assert.ok(!extensions.includes("cuda_shared_memory"));
  });

  it("registered over one protocol serves the other", async () => {
    const memory = object(Buffer.concat([rowInt32(2), rowInt32(1), Buffer.alloc(128)]));
    for (const [one, other] of [
      [clients.HTTP!, clients.gRPC!],
      [clients.gRPC!, clients.HTTP!],
    ] as const) {
      memory.write(Buffer.alloc(128), 128);
      assert.equal(await one.register("shared", memory.key, 256), null);
      assert.deepEqual(await other.status(""), ["shared"]);
      const place = (offset: number): Place => ({ region: "shared", offset, byteSize: tensorBytes });
      const { outputs } = answered(
        await other.infer({
          model: "simple",
          inputs: [input("INPUT0", place(0)), input("INPUT1", place(64))],
          outputs: { OUTPUT0: place(128), OUTPUT1: place(192) },
        }),
      );
      assert.deepEqual(
        outputs.map(({ name, shape, data }) => [name, shape, data.byteLength]),
        [
          ["OUTPUT0", [1, 16], 0],
          ["OUTPUT1", [1, 16], 0],
        ],
      );
      assert.deepEqual(numbers(memory.read(128, 64)), sums);
      assert.deepEqual(numbers(memory.read(192, 64)), differences);
      assert.equal(await other.unregister("shared"), null);
      assert.deepEqual(await one.status(""), []);
    }
  });

  for (const name of ["HTTP", "gRPC"] as const) {
    describe(`over ${name}`, () => {
      let client: MemoryClient;
      before(() => {
        client = clients[name]!;
      });

      /** A region "r" of 256 bytes that holds rows 2 and 1. */
      async function region(): Promise<SharedMemoryObject> {
        const memory = object(Buffer.concat([rowInt32(2), rowInt32(1), Buffer.alloc(128)]));
        assert.equal(await client.register("r", memory.key, 256), null);
        return memory;
      }

      it("unregister of an unknown region is a success (row 68)", async () => {
        assert.equal(await client.unregister("nobody"), null);
      });

      it("register of a name twice is refused (row 69)", async () => {
        const memory = await region();
        assertRefused(
          client,
          await client.register("r", memory.key, 64),
          outcome.exists,
          /'r' already in manager/,
        );
      });

      for (const [what, byteSize, offset] of [
        ["a byte_size beyond the object", 257, 0],
        ["offset and byte_size beyond the object", 64, 193],
        ["an offset at its end", 1, 256],
        ["a byte_size that no object has", 2 ** 62, 0],
        ["no byte at all", 0, 0],
      ] as const) {
        it(`register of ${what} is refused (row 70)`, async () => {
          const { key } = object(Buffer.alloc(256));
          const refusal = await client.register("r", key, byteSize, offset);
          assertRefused(
            client,
            refusal,
            outcome.invalid,
            /failed to register shared memory region 'r': invalid args/,
          );
          assert.deepEqual(await client.status(""), []);
        });
      }

      it("register of a key that is only slashes is refused (row 71)", async () => {
        for (const key of ["/", "///", ""]) {
          assertRefused(client, await client.register("r", key, 64), outcome.invalid, /invalid shm key/);
        }
      });

      it("register of a key with the reserved prefix is refused (row 72)", async () => {
        for (const slashes of ["", "/", "//"]) {
          const refusal = await client.register("r", `${slashes}triton_python_backend_shm_region_1`, 64);
          assertRefused(client, refusal, outcome.invalid, /contains the reserved prefix/);
        }
      });

      it("register of a key that nobody has made is refused as internal", async () => {
        const refusal = await client.register("r", "/nereid-test-nobody", 64);
        assertRefused(
          client,
          refusal,
          outcome.internal,
          /Unable to open shared memory region '\/nereid-test-nobody': ENOENT/,
        );
      });

      it("infer with an offset at the region's end is refused (row 73)", async () => {
        await region();
        const inputs = [
          input("INPUT0", { region: "r", offset: 256, byteSize: 64 }),
          input("INPUT1", rowInt32(1)),
        ];
        const refusal = await client.infer({ model: "simple", inputs });
        assertRefused(client, refusal, outcome.invalid, /Invalid offset for shared memory region: 'r'/);
      });

      it("infer with offset + byte_size beyond the region is refused (row 74)", async () => {
        await region();
        const inputs = [
          input("INPUT0", { region: "r", offset: 193, byteSize: 64 }),
          input("INPUT1", rowInt32(1)),
        ];
        const refusal = await client.infer({ model: "simple", inputs });
        assertRefused(
          client,
          refusal,
          outcome.invalid,
          /Invalid offset \+ byte size for shared memory region: 'r'/,
        );
        const outputs = { OUTPUT0: { region: "r", offset: 193, byteSize: 64 } };
        const good = [input("INPUT0", rowInt32(2)), input("INPUT1", rowInt32(1))];
        assertRefused(
          client,
          await client.infer({ model: "simple", inputs: good, outputs }),
          outcome.invalid,
          /Invalid offset \+ byte size/,
        );
      });

      it("infer with a byte_size other than the tensor's is refused (row 76)", async () => {
        await region();
        for (const byteSize of [128, 60]) {
          const inputs = [input("INPUT0", { region: "r", byteSize }), input("INPUT1", rowInt32(1))];
          const refusal = await client.infer({ model: "simple", inputs });
          const message = new RegExp(
            `input byte size mismatch for input 'INPUT0'.*Expected 64, got ${byteSize}`,
          );
          assertRefused(client, refusal, outcome.invalid, message);
        }
      });

      it("infer into a region that is smaller than the result is refused, and writes nothing (row 77)", async () => {
        const memory = await region();
        const inputs = [input("INPUT0", rowInt32(2)), input("INPUT1", rowInt32(1))];
        const outputs = {
          OUTPUT0: { region: "r", offset: 0, byteSize: 64 },
          OUTPUT1: { region: "r", offset: 128, byteSize: 63 },
        };
        const refusal = await client.infer({ model: "simple", inputs, outputs });
        assertRefused(client, refusal, outcome.internal, /should be at least 64 bytes to hold the results/);
        assert.deepEqual(memory.read(0, 64), rowInt32(2));
      });

      it("infer takes some inputs from a region and some from the request (row 78)", async () => {
        await region();
        for (const inputs of [
          [input("INPUT0", { region: "r", byteSize: 64 }), input("INPUT1", rowInt32(1))],
          [input("INPUT0", rowInt32(2)), input("INPUT1", { region: "r", offset: 64, byteSize: 64 })],
        ]) {
          const { outputs } = answered(
            await client.infer({ model: "simple", inputs, outputs: { OUTPUT0: null, OUTPUT1: null } }),
          );
          assert.deepEqual(
            outputs.map(({ data }) => numbers(data)),
            [sums, differences],
          );
        }
      });

      it("infer puts some outputs into a region and some into the response", async () => {
        const memory = await region();
        const inputs = [input("INPUT0", rowInt32(2)), input("INPUT1", rowInt32(1))];
        // Twice: the second response is written from what the first one left.
        for (const offset of [128, 192]) {
          const { outputs } = answered(
            await client.infer({
              model: "simple",
              inputs,
              outputs: { OUTPUT0: { region: "r", offset, byteSize: 64 }, OUTPUT1: null },
            }),
          );
          assert.deepEqual(
            outputs.map(({ name, data }) => [name, numbers(data)]),
            [
              ["OUTPUT0", []],
              ["OUTPUT1", differences],
            ],
          );
          assert.deepEqual(numbers(memory.read(offset, 64)), sums);
        }
      });

      it("infer reads what the client has written since it registered", async () => {
        const memory = await region();
        memory.write(rowInt32(5), 0);
        const inputs = [input("INPUT0", { region: "r", byteSize: 64 }), input("INPUT1", rowInt32(1))];
        const { outputs } = answered(
          await client.infer({ model: "simple", inputs, outputs: { OUTPUT1: null } }),
        );
        assert.deepEqual(numbers(outputs[0]!.data), new Array<number>(16).fill(400));
      });

      it("a region may begin anywhere in its object, and a large one works", async () => {
        const memory = object(Buffer.concat([Buffer.alloc(5000), rowInt32(2), Buffer.alloc(3_000_000)]));
        assert.equal(await client.register("odd", memory.key, 64, 5000), null);
        const inputs = [input("INPUT0", { region: "odd", byteSize: 64 }), input("INPUT1", rowInt32(1))];
        const { outputs } = answered(
          await client.infer({ model: "simple", inputs, outputs: { OUTPUT0: null } }),
        );
        assert.deepEqual(numbers(outputs[0]!.data), sums);
      });

      it("infer with an unknown region is refused as not found", async () => {
        const inputs = [input("INPUT0", { region: "nobody", byteSize: 64 }), input("INPUT1", rowInt32(1))];
        const refusal = await client.infer({ model: "simple", inputs });
        assertRefused(client, refusal, outcome.notFound, /Unable to find shared memory region: 'nobody'/);
      });

      it("infer with an object that was cut off is refused, and the server goes on", async () => {
        const memory = await region();
        memory.truncate(0);
        const inputs = [input("INPUT0", { region: "r", byteSize: 64 }), input("INPUT1", rowInt32(1))];
        const refusal = await client.infer({ model: "simple", inputs });
        assertRefused(client, refusal, outcome.invalid, /has become smaller than it was registered/);
        assert.deepEqual(await client.status(""), ["r"]);
      });

      it("strings go through a region both ways", async () => {
        const text = Buffer.concat(
          Array.from({ length: 16 }, (_, index) => Buffer.from([2, 0, 0, 0, 0x31, 0x30 + (index % 10)])),
        );
        const memory = object(Buffer.concat([text, Buffer.alloc(1000)]));
        assert.equal(await client.register("strings", memory.key, 1096), null);
        const place = { region: "strings", byteSize: text.byteLength };
        const strings = (name: string): ClientInput => ({
          name,
          datatype: "BYTES",
          shape: [1, 16],
          source: place,
        });
        answered(
          await client.infer({
            model: "simple_string",
            inputs: [strings("INPUT0"), strings("INPUT1")],
            outputs: { OUTPUT1: { region: "strings", offset: 96, byteSize: 1000 } },
          }),
        );
        // The differences are all "0".
        const zero = Buffer.from([1, 0, 0, 0, 0x30]);
        assert.deepEqual(memory.read(96, 80), Buffer.concat(new Array<Buffer>(16).fill(zero)));
      });

      it("status of one region shows it, and an unknown one is not found", async () => {
        await region();
        assert.deepEqual(await client.status("r"), ["r"]);
        assertRefused(
          client,
          await client.status("nobody"),
          outcome.notFound,
          /Unable to find system shared memory region: 'nobody'/,
        );
      });

      it("unregister during an inference answers at once, and the memory stays until it ends (row 79)", async () => {
        const values = Buffer.from(row(1).buffer);
        const memory = object(Buffer.concat([values, Buffer.alloc(64)]));
        assert.equal(await client.register("busy", memory.key, 128), null);
        const request = {
          model: "slow",
          inputs: [
            { name: "INPUT0", datatype: "FP32", shape: [1, 16], source: { region: "busy", byteSize: 64 } },
          ],
          outputs: { OUTPUT0: { region: "busy", offset: 64, byteSize: 64 } },
        };
        const order: string[] = [];
        // One executes, and one waits: its input has not been read yet.
        const ends = [client.infer(request), client.infer(request)].map(async (end) => {
          const answer = await end;
          order.push("infer");
          return answer;
        });
        await waitUntil("one executes and one waits", async () => {
          return (await server.current.metrics()).model("slow").pending === 1;
        });
        assert.equal(await client.unregister("busy"), null);
        order.push("unregister");
        assert.deepEqual(await client.status(""), []);
        const late = await client.infer(request);
        assertRefused(client, late, outcome.notFound, /Unable to find shared memory region: 'busy'/);
        for (const end of ends) assert.equal(answered(await end).outputs[0]!.data.byteLength, 0);
        assert.equal(order[0], "unregister");
        assert.deepEqual(memory.read(64, 64), values);
      });
    });
  }

  it("infer over HTTP with offset + byte_size beyond 2^64 is refused (row 75)", async () => {
    const { key } = object(Buffer.alloc(256));
    const client = clients.HTTP!;
    assert.equal(await client.register("r", key, 256), null);
    const place = { region: "r", offset: 16, byteSize: 2n ** 64n - 16n };
    const refusal = await client.infer({
      model: "simple",
      inputs: [input("INPUT0", place), input("INPUT1", rowInt32(1))],
    });
    assertRefused(client, refusal, outcome.invalid, /Integer overflow detected/);
  });

  for (const [other, member] of [
    ["classification", { classification: 1 }],
    ["binary_data", { binary_data: true }],
  ] as const) {
    it(`infer over HTTP of an output with ${other} and a region is refused`, async () => {
      const data = Array.from({ length: 16 }, (_, index) => index);
      const inputs = ["INPUT0", "INPUT1"].map((name) => ({ name, datatype: "INT32", shape: [1, 16], data }));
      const parameters = { shared_memory_region: "r", shared_memory_byte_size: 64, ...member };
      const outputs = [{ name: "OUTPUT0", parameters }];
      const reply = await server.current.http.post("/v2/models/simple/infer", { inputs, outputs });
      assert.equal(reply.status, 400);
      assert.match(
        reply.error,
        new RegExp(`'OUTPUT0' can not have both '${other}' and 'shared_memory_region'`),
      );
    });
  }

  it("CUDA memory is refused where there is no CUDA", async () => {
    const path = "/v2/cudasharedmemory/region/c";
    const body = (bytes: number) => ({
      raw_handle: { b64: Buffer.alloc(bytes).toString("base64") },
      device_id: 0,
      byte_size: 64,
    });
    for (const [bytes, message] of [
      [63, /'raw_handle' must be 64 bytes, got 63/],
      [64, /failed to register CUDA shared memory region: 'c', GPUs not supported/],
    ] as const) {
      const reply = await server.current.http.post(`${path}/register`, body(bytes));
      assert.equal(reply.status, 400);
      assert.match(reply.error, message);
    }
    assert.equal((await server.current.http.post(`${path}/unregister`, "")).status, 200);
    assert.deepEqual((await server.current.http.get("/v2/cudasharedmemory/status")).json(), []);
    assert.equal((await server.current.http.get(`${path}/status`)).status, 404);
  });
});

describe("Shared memory without --allow-client-shm", () => {
  const server = useServer(() => [`--model-repository=${sampleRepository}`]);

  it("register and unregister are refused, status answers with an empty list (row 67)", async () => {
    for (const client of [new HttpMemoryClient(server.current), new GrpcMemoryClient(server.current)]) {
      const message = /^Client shared memory is disabled/;
      assertRefused(client, await client.register("r", "/k", 64), outcome.unsupported, message);
      assertRefused(client, await client.unregister("r"), outcome.unsupported, message);
      assertRefused(client, await client.unregister(""), outcome.unsupported, message);
      assert.deepEqual(await client.status(""), []);
    }
  });

  it("CUDA memory is refused alike, and its status answers (row 67)", async () => {
    const { http, grpc } = server.current;
    for (const path of ["region/c/register", "region/c/unregister", "unregister"]) {
      const reply = await http.post(`/v2/cudasharedmemory/${path}`, "");
      assert.equal(reply.status, 501, path);
      assert.match(reply.error, /^Client shared memory is disabled/);
    }
    assert.deepEqual((await http.get("/v2/cudasharedmemory/status")).json(), []);
    assert.deepEqual(await grpc.call("CudaSharedMemoryStatus", {}), { regions: {} });
  });

  it("is not listed in the server's metadata", async () => {
    const { extensions } = (await server.current.http.get("/v2")).json() as { extensions: string[] };
    assert.ok(!extensions.some((extension) => extension.includes("shared_memory")));
  });
});
