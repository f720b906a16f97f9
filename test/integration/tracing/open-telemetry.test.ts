import assert from "node:assert/strict";
import { after, before, describe, it } from "mocha";
import { OtlpCollector } from "../../helpers/otlp-collector.ts";
import { RunningServer } from "../../helpers/start-server.ts";
import { waitUntil } from "../../helpers/wait-until.ts";
import { sampleRepository, simpleRequest } from "../infer/simple-models.ts";

const traceId = "0af7651916cd43dd8448eb211c80319c";
const spanId = "b7ad6b7169203331";
const parented = { traceparent: `00-${traceId}-${spanId}-01`, tracestate: "vendor=x" };

describe("OpenTelemetry", () => {
  let collector: OtlpCollector;
  before(async () => (collector = await OtlpCollector.start()));
  after(() => collector.stop());

  async function withServer(
    settings: readonly string[],
    use: (server: RunningServer) => Promise<void>,
  ): Promise<void> {
    collector.spans.length = 0;
    const all = ["mode=opentelemetry", "level=TIMESTAMPS", `opentelemetry,url=${collector.url}`, ...settings];
    const server = await RunningServer.start([
      `--model-repository=${sampleRepository}`,
      ...all.map((setting) => `--trace-config=${setting}`),
    ]);
    try {
      await use(server);
      await server.stop();
    } finally {
      await server.kill();
    }
  }

  it("gets the spans of a request, at the latest when the server ends", async () => {
    await withServer(["rate=1", "opentelemetry,resource=team=vision"], async ({ http }) => {
      await http.post("/v2/models/simple/infer", simpleRequest({ id: "r" }));
    });
    assert.deepEqual(collector.paths, ["/custom/traces"]);
    const [root, model, compute] = ["InferRequest", "simple", "compute"].map((name) => collector.span(name));
    assert.deepEqual(
      [root?.parentSpanId, model?.parentSpanId, compute?.parentSpanId],
      [undefined, root?.spanId, model?.spanId],
    );
    assert.deepEqual(
      model?.attributes.map(({ key, value }) => [key, value.stringValue ?? value.intValue]).sort(),
      [
        ["triton.model_name", "simple"],
        ["triton.model_version", 1],
        ["triton.request_id", "r"],
        ["triton.trace_id", 1],
      ],
    );
    assert.deepEqual(
      root?.events.map(({ name }) => name),
      ["HTTP_RECV_START", "HTTP_RECV_END", "HTTP_SEND_START", "HTTP_SEND_END"],
    );
    assert(Math.abs(Number(root.startTimeUnixNano) / 1e6 - Date.now()) < 60_000, root.startTimeUnixNano);
    const resource = new Map(collector.resource.map(({ key, value }) => [key, value.stringValue]));
    assert.deepEqual(
      [resource.get("service.name"), resource.get("team")],
      ["triton-inference-server", "vision"],
    );
  });

  it("(row 176) gets every request that a client traces, as a part of the client's trace", async () => {
    await withServer(["rate=0", "opentelemetry,bsp_schedule_delay=50"], async ({ http, grpc }) => {
      await http.post("/v2/models/simple/infer", simpleRequest());
      await http.post("/v2/models/simple/infer", simpleRequest(), { headers: parented });
      await waitUntil("the spans arrive while the server runs", () => collector.spans.length === 3);
      const message = { model_name: "simple_identity", inputs: [], raw_input_contents: [] };
      await grpc.infer(message, { metadata: parented }).catch(() => undefined);
    });
    const roots = collector.spans.filter(({ name }) => name === "InferRequest");
    assert.deepEqual(
      roots.map((root) => [root.traceId, root.parentSpanId, root.traceState]),
      [
        [traceId, spanId, "vendor=x"],
        [traceId, spanId, "vendor=x"],
      ],
    );
  });

  it("is told of in the settings, and may be switched off and on", async () => {
    await withServer(["rate=1"], async ({ http }) => {
      assert.deepEqual((await http.post("/v2/trace/setting", { trace_level: ["OFF"] })).json(), {
        trace_level: ["OFF"],
        trace_rate: "1",
        trace_count: "-1",
        trace_mode: "opentelemetry",
        url: collector.url,
        resource: [],
        bsp_max_queue_size: "2048",
        bsp_schedule_delay: "5000",
        bsp_max_export_batch_size: "512",
      });
      await http.post("/v2/models/simple/infer", simpleRequest(), { headers: parented });
    });
    assert.deepEqual(collector.spans, []);
  });

  it("that refuses is logged, and does not hold up the server", async () => {
    collector.status = 400;
    try {
      await withServer(["rate=1"], async (server) => {
        await server.http.post("/v2/models/simple/infer", simpleRequest());
        await server.stop();
        assert.match(server.log, /Spans could not be sent to http:[^ ]+ and are lost/);
      });
    } finally {
      collector.status = 200;
    }
  });
});
