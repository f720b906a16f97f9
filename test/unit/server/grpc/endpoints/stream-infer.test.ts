import assert from "node:assert/strict";
import { logVerbosity, setLogVerbosity, status } from "@grpc/grpc-js";
import { after, afterEach, before, beforeEach, describe, it } from "mocha";
import { requestState } from "../../../../../server/core/inference-request.ts";
import { failure } from "../../../../../server/core/status.ts";
import { HeaderForwarder } from "../../../../../server/header-forwarder.ts";
import { FakeModel } from "../../../../helpers/fake-data-plane.ts";
import {
  InferStreamClient,
  type InferStreamOptions,
  type StreamReply,
} from "../../../../helpers/grpc-infer-stream.ts";
import { waitUntil } from "../../../../helpers/wait-until.ts";
import { GrpcFixture } from "../grpc-fixture.ts";

/** A request whose one input holds one byte. */
function ask(id: string, value = 0, parts: object = {}): Record<string, unknown> {
  return {
    model_name: "echo",
    id,
    inputs: [{ name: "INPUT0", datatype: "UINT8", shape: [1] }],
    raw_input_contents: [Buffer.of(value)],
    ...parts,
  };
}

const wantsEmptyFinal = { parameters: { triton_enable_empty_final_response: { bool_param: true } } };

/** What a reply says, short: `id:value`, with a `.` when it is final; `id!error`. */
function brief({ id, error, isFinal, outputs }: StreamReply): string {
  const end = isFinal === null ? "?" : isFinal ? "." : "";
  return error === "" ? `${id}:${outputs.map(({ data }) => data[0]).join()}${end}` : `${id}!${error}${end}`;
}

describe("ModelStreamInfer", () => {
  let grpc: GrpcFixture;
  let echo: FakeModel;
  let many: FakeModel;
  const open = (options: InferStreamOptions = {}): InferStreamClient =>
    new InferStreamClient(grpc.client, options);
  // The library prints what it also throws.
  before(() => setLogVerbosity(logVerbosity.NONE));
  after(() => setLogVerbosity(logVerbosity.ERROR));
  beforeEach(async () => {
    grpc = await GrpcFixture.start({ headerForwarder: new HeaderForwarder("^x-|^priority$") });
    echo = grpc.dataPlane.echo;
    echo.isEchoing = false;
    many = new FakeModel("many");
    many.isDecoupled = true;
    many.isEchoing = false;
    grpc.dataPlane.models.set("many", many);
  });
  afterEach(async () => {
    await grpc.stop();
    assert.deepEqual(grpc.bugs, []);
  });

  it("ModelStreamInfer answers each request with a final response, and ends with OK after half-close", async () => {
    echo.isEchoing = true;
    const stream = open();
    for (let i = 0; i < 5; i++) stream.send(ask(`r${i}`, i));
    stream.halfClose();
    assert.deepEqual(await stream.ended, { code: status.OK, details: "OK" });
    assert.deepEqual(stream.replies.map(brief), ["r0:0.", "r1:1.", "r2:2.", "r3:3.", "r4:4."]);
    assert.equal(stream.replies[0]?.model, "echo/1");
    assert.deepEqual(grpc.calls, ["ModelStreamInfer"]);
  });

  it("ModelStreamInfer ends a stream without requests with OK", async () => {
    const stream = open();
    stream.halfClose();
    assert.equal((await stream.ended).code, status.OK);
  });

  it("ModelStreamInfer keeps the order of arrival, whatever the order of answers", async () => {
    const stream = open();
    for (let i = 0; i < 4; i++) stream.send(ask(`r${i}`, i));
    await echo.request(3);
    for (const index of [2, 0, 3]) echo.answer(await echo.request(index));
    assert.deepEqual((await stream.waitFor(1)).map(brief), ["r0:0."]);
    echo.answer(await echo.request(1));
    assert.deepEqual((await stream.waitFor(4)).map(brief), ["r0:0.", "r1:1.", "r2:2.", "r3:3."]);
  });

  it("ModelStreamInfer answers a bad request in its place, and goes on (row 152)", async () => {
    const stream = open();
    stream.send(ask("good", 1));
    stream.send(ask("unknown", 2, { model_name: "nowhere" }));
    stream.send(ask("version", 3, { model_version: "x" }));
    stream.send(ask("empty", 4, { raw_input_contents: [] }));
    stream.send(Buffer.of(0xff, 0xff));
    stream.send(ask("loading", 5, { model_name: "loading" }));
    stream.send(ask("last", 6));
    echo.answer(await echo.request(1));
    echo.answer(await echo.request(0));
    stream.halfClose();
    assert.equal((await stream.ended).code, status.OK);
    const replies = stream.replies;
    assert.deepEqual(
      replies.map((reply) => [reply.id, reply.error === "", reply.isFinal, reply.model]),
      [
        ["good", true, true, "echo/1"],
        ["unknown", false, null, "/"],
        ["version", false, null, "/"],
        ["empty", false, null, "/"],
        ["", false, null, "/"],
        ["loading", false, null, "/"],
        ["last", true, true, "echo/1"],
      ],
    );
    assert.match(replies[1]!.error, /^Request for unknown model: 'nowhere'/);
    assert.match(replies[2]!.error, /version/);
    assert.match(replies[3]!.error, /^unable to find data for input tensor 'INPUT0'/);
    assert.match(replies[4]!.error, /^Malformed ModelInferRequest: /);
    assert.match(replies[5]!.error, /not ready/);
  });

  it("ModelStreamInfer tells of a refused and of a failed request with its id", async () => {
    const stream = open();
    echo.refusal = failure("INVALID_ARG", "expected 2 inputs but got 1 inputs");
    stream.send(ask("7"));
    await stream.waitFor(1);
    echo.refusal = null;
    stream.send(ask("8", 0, { model_version: "1" }));
    (await echo.request(1)).fail(failure("INTERNAL", "the model fell over \ud83d"));
    const replies = await stream.waitFor(2);
    assert.deepEqual(replies.map(brief), [
      "7![request id: 7] expected 2 inputs but got 1 inputs?",
      "8![request id: 8] the model fell over \ufffd.",
    ]);
    assert.deepEqual(
      replies.map(({ model }) => model),
      ["/", "echo/1"],
    );
  });

  it("ModelStreamInfer sends responses of decoupled models as they come, beside those of others", async () => {
    const stream = open();
    stream.send(ask("slow"));
    stream.send(ask("a", 0, { model_name: "many" }));
    stream.send(ask("b", 0, { model_name: "many" }));
    const slow = await echo.request(0);
    const [a, b] = [await many.request(0), await many.request(1)];
    many.respond(b, 1);
    many.respond(a, 2);
    many.respond(b, 3, true);
    many.respond(a, 4);
    a.end();
    await stream.waitFor(4);
    echo.answer(slow);
    stream.halfClose();
    assert.equal((await stream.ended).code, status.OK);
    assert.deepEqual(stream.replies.map(brief), ["b:1", "a:2", "b:3.", "a:4", "slow:0."]);
  });

  it("ModelStreamInfer tells the end of a decoupled request only when it was asked to (row 154)", async () => {
    const stream = open();
    stream.send(ask("silent", 0, { model_name: "many" }));
    stream.send(ask("told", 0, { model_name: "many", model_version: "1", ...wantsEmptyFinal }));
    stream.send(ask("carried", 0, { model_name: "many", ...wantsEmptyFinal }));
    (await many.request(0)).end();
    (await many.request(1)).end();
    many.respond(await many.request(2), 9, true);
    stream.halfClose();
    assert.equal((await stream.ended).code, status.OK);
    assert.deepEqual(stream.replies.map(brief), ["told:.", "carried:9."]);
    assert.deepEqual(
      stream.replies.map(({ model }) => model),
      ["many/1", "many/1"],
    );
  });

  it("ModelStreamInfer sends a failure in the place of a decoupled response, and what follows", async () => {
    const stream = open();
    stream.send(ask("d", 0, { model_name: "many" }));
    const request = await many.request(0);
    many.respond(request, 1);
    request.respondFailure(failure("INTERNAL", "skipped"));
    many.respond(request, 3, true);
    assert.deepEqual((await stream.waitFor(3)).map(brief), ["d:1", "d![request id: d] skipped", "d:3."]);
  });

  it("ModelStreamInfer answers for a normal model that ends without a response", async () => {
    const stream = open();
    stream.send(ask("n"));
    (await echo.request(0)).end();
    assert.deepEqual((await stream.waitFor(1)).map(brief), [
      "n![request id: n] expected a single response, got none.",
    ]);
  });

  it("ModelStreamInfer lets requests with many waiting responses take turns", async () => {
    const stream = open({ isDeaf: true });
    const large = Buffer.alloc(5_000_000);
    // More than the 4 MB that gRPC libraries stop at. Fills the connection's window, so that everything behind it has to wait.
    stream.send(
      ask("plug", 0, {
        inputs: [{ name: "I", datatype: "UINT8", shape: [large.length] }],
        raw_input_contents: [large],
      }),
    );
    for (const id of ["a", "b"]) stream.send(ask(id, 0, { model_name: "many" }));
    const [a, b] = [await many.request(0), await many.request(1)];
    echo.answer(await echo.request(0));
    for (let i = 0; i < 4; i++) many.respond(a, i);
    for (let i = 0; i < 4; i++) many.respond(b, i);
    a.end();
    b.end();
    stream.halfClose();
    stream.read();
    assert.equal((await stream.ended).code, status.OK);
    assert.deepEqual(stream.replies.slice(1).map(brief), [
      "a:0",
      "b:0",
      "a:1",
      "b:1",
      "a:2",
      "b:2",
      "a:3",
      "b:3",
    ]);
  });

  it("ModelStreamInfer tells a decoupled request of each response that has left, up to its window", async () => {
    const stream = open();
    stream.send(ask("w", 0, { model_name: "many" }));
    stream.send(ask("normal"));
    const request = await many.request(0);
    assert.equal(request.responseWindow, 64);
    assert.equal((await echo.request(0)).responseWindow, 0);
    let writtenCount = 0;
    request.producer = { onCancelled: () => {}, onResponseWritten: () => writtenCount++ };
    request.state = requestState.executing;
    for (let i = 0; i < 5; i++) many.respond(request, i);
    await waitUntil("five responses have left", () => writtenCount === 5);
    request.end();
  });

  it("ModelStreamInfer with triton_grpc_error ends the stream with the status of the first failure (row 153)", async () => {
    const stream = open({ metadata: { triton_grpc_error: "true" } });
    stream.send(ask("unknown", 0, { model_name: "nowhere" }));
    for (const id of ["first", "second", "third"]) stream.send(ask(id));
    const first = await echo.request(0);
    const third = await echo.request(2);
    echo.answer(first);
    (await echo.request(1)).fail(failure("UNAVAILABLE", "Request timeout expired"));
    assert.deepEqual(await stream.ended, {
      code: status.UNAVAILABLE,
      details: "[request id: second] Request timeout expired",
    });
    // What is wrong before scheduling is a message, as without the flag.
    assert.deepEqual(
      stream.replies.map(({ id, error }) => [id, error === ""]),
      [
        ["unknown", false],
        ["first", true],
      ],
    );
    assert.equal(third.isCancelled, true);
    third.fail(failure("CANCELLED", "late"));
  });

  it("ModelStreamInfer carries forwarded metadata to each request, and refuses reserved names in a message", async () => {
    const stream = open({ metadata: { "x-tenant": "blue" } });
    stream.send(ask("1"));
    assert.deepEqual([...((await echo.request(0)).parameters ?? [])], [["x-tenant", "blue"]]);
    const other = open({ metadata: { priority: "1" } });
    other.send(ask("2"));
    assert.match((await other.waitFor(1)).map(brief).join(), /^2!header 'priority' cannot be forwarded/);
  });

  it("ModelStreamInfer cancels what is in flight when the client cancels (row 158)", async () => {
    const stream = open();
    for (let i = 0; i < 3; i++) stream.send(ask(`s${i}`, 0, { model_name: i === 1 ? "many" : "echo" }));
    await waitUntil("all have come", () => echo.requests.length === 2 && many.requests.length === 1);
    const all = [...echo.requests, ...many.requests];
    stream.cancel();
    await waitUntil("all are cancelled", () => all.every(({ isCancelled }) => isCancelled));
    assert.equal((await stream.ended).code, status.CANCELLED);
    // Late outcomes of every kind disturb nobody.
    echo.answer(all[0]!);
    all[1]!.fail(failure("CANCELLED", "late"));
    many.respond(all[2]!, 1);
    all[2]!.respondFailure(failure("INTERNAL", "late"));
    all[2]!.end();
    assert.deepEqual(await grpc.call("ServerLive"), { live: true });
  });

  it("ModelStreamInfer cancels what is in flight when the deadline passes (row 155)", async () => {
    const stream = open({ deadlineMs: 100 });
    stream.send(ask("late"));
    const request = await echo.request(0);
    assert.equal((await stream.ended).code, status.DEADLINE_EXCEEDED);
    await waitUntil("it is cancelled", () => request.isCancelled);
    echo.answer(request);
  });

  it("ModelStreamInfer refuses new messages while the server exits, and answers those in flight", async () => {
    const stream = open();
    stream.send(ask("before", 1));
    const before = await echo.request(0);
    grpc.dataPlane.exiting = true;
    stream.send(ask("after", 2));
    echo.answer(before);
    const replies = await stream.waitFor(2);
    assert.deepEqual(replies.map(brief), [
      "before:1.",
      "after!Server is shutting down and takes no new requests?",
    ]);
  });

  it("ModelStreamInfer ends open streams with UNAVAILABLE at shutdown, once nothing is in flight (row 163)", async () => {
    const idle = open();
    const busy = open();
    echo.isEchoing = true;
    idle.send(ask("one"));
    await idle.waitFor(1);
    echo.isEchoing = false;
    busy.send(ask("two"));
    const request = await echo.request(1);
    grpc.dataPlane.exiting = true;
    const stopped = grpc.server.stop(60_000);
    assert.equal((await idle.ended).code, status.UNAVAILABLE);
    echo.answer(request);
    assert.deepEqual(await busy.ended, {
      code: status.UNAVAILABLE,
      details: "Server is shutting down and takes no new requests",
    });
    assert.deepEqual(busy.replies.map(brief), ["two:0."]);
    await stopped;
  });

  it("ModelStreamInfer stops reading while a client does not, and goes on when it does", async () => {
    echo.isEchoing = true;
    const stream = open({ isDeaf: true });
    const count = 90;
    const size = 1_000_000;
    const parts = {
      inputs: [{ name: "I", datatype: "UINT8", shape: [size] }],
      raw_input_contents: [Buffer.alloc(size)],
    };
    for (let i = 0; i < count; i++) stream.send(ask(`r${i}`, 0, parts));
    await waitUntil("64 MiB are there", () => echo.requests.length >= 60);
    // What is under way beside it is served meanwhile.
    await grpc.call("ServerLive");
    await grpc.call("ServerLive");
    assert.ok(echo.requests.length < 70, `${echo.requests.length} requests were read`);
    stream.halfClose();
    stream.read();
    assert.equal((await stream.ended).code, status.OK);
    assert.deepEqual(
      stream.replies.map(({ id }) => id),
      Array.from({ length: count }, (_, index) => `r${index}`),
    );
  });

  it("ModelStreamInfer is cancelled also while it does not read", async () => {
    const stream = open({ isDeaf: true });
    const size = 1_000_000;
    const parts = {
      inputs: [{ name: "I", datatype: "UINT8", shape: [size] }],
      raw_input_contents: [Buffer.alloc(size)],
    };
    for (let i = 0; i < 80; i++) stream.send(ask(`r${i}`, 0, parts));
    await waitUntil("64 MiB are there", () => echo.requests.length >= 60);
    stream.cancel();
    await waitUntil("all are cancelled", () => echo.requests.every(({ isCancelled }) => isCancelled));
  });

  it("ModelStreamInfer answers for shared memory that is not there with a message", async () => {
    const stream = open();
    const parameters = {
      shared_memory_region: { string_param: "nowhere" },
      shared_memory_byte_size: { int64_param: 1 },
    };
    stream.send(
      ask("s", 0, {
        inputs: [{ name: "INPUT0", datatype: "UINT8", shape: [1], parameters }],
        raw_input_contents: [],
      }),
    );
    const [reply] = await stream.waitFor(1);
    assert.deepEqual([reply?.id, reply?.isFinal], ["s", null]);
    assert.match(reply?.error ?? "", /^\[request id: s\] .*nowhere/);
    assert.deepEqual(echo.requests, []);
  });

  it("ModelStreamInfer needs the secret of its category", async () => {
    const restricted = await GrpcFixture.start({
      restrictions: [{ categories: ["inference"], key: "key", value: "secret" }],
    });
    restricted.dataPlane.echo.isEchoing = true;
    try {
      const refused = new InferStreamClient(restricted.client);
      refused.send(ask("1"));
      assert.equal((await refused.ended).code, status.UNAVAILABLE);
      const metadata = { "triton-grpc-protocol-key": "secret" };
      const allowed = new InferStreamClient(restricted.client, { metadata });
      allowed.send(ask("2"));
      allowed.halfClose();
      assert.equal((await allowed.ended).code, status.OK);
      assert.deepEqual([refused.replies.length, allowed.replies.length], [0, 1]);
    } finally {
      await restricted.stop();
    }
  });

  it("ModelStreamInfer ends the stream with INTERNAL for a bug, and cancels what is in flight", async () => {
    const stream = open();
    stream.send(ask("1"));
    const request = await echo.request(0);
    const bug = new Error("secret");
    grpc.dataPlane.findModel = () => {
      throw bug;
    };
    stream.send(ask("2"));
    assert.deepEqual(await stream.ended, { code: status.INTERNAL, details: "Internal error" });
    await waitUntil("it is cancelled", () => request.isCancelled);
    assert.deepEqual(grpc.bugs.splice(0), [bug]);
  });
});
