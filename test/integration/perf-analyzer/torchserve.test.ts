import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, afterEach, before, describe, it } from "mocha";
import { reportedNumber, runPerfAnalyzer } from "../../helpers/perf-analyzer-process.ts";
import { ScriptedHttpServer } from "../../helpers/scripted-http-server.ts";

const kind = ["--service-kind", "torchserve"];

/** The only part of a form: its headers, and its content. */
function partOf(contentType: string, body: Buffer): { readonly head: string; readonly content: Buffer } {
  const boundary = /^multipart\/form-data; boundary=(\S+)$/.exec(contentType)?.[1] ?? "";
  const begin = `--${boundary}\r\n`;
  const end = `\r\n--${boundary}--\r\n`;
  assert.equal(body.toString("latin1", 0, begin.length), begin);
  assert.equal(body.toString("latin1", body.length - end.length), end);
  const part = body.subarray(begin.length, body.length - end.length);
  const headEnd = part.indexOf("\r\n\r\n");
  return { head: part.toString("latin1", 0, headEnd), content: part.subarray(headEnd + 4) };
}

describe("perf_analyzer --service-kind torchserve", () => {
  let directory = "";
  let server: ScriptedHttpServer | null = null;
  before(() => {
    directory = mkdtempSync(path.join(tmpdir(), "nereid-torchserve-"));
  });
  after(() => rmSync(directory, { recursive: true, force: true }));
  afterEach(async () => {
    await server?.stop();
    server = null;
  });

  it("predicts the files of the input data in turn", async () => {
    const contents = [Buffer.from([0xff, 0xd8, 13, 10, 0]), Buffer.from("second")];
    const files = contents.map((content, i) => {
      const file = path.join(directory, `image${i}.jpg`);
      writeFileSync(file, content);
      return file;
    });
    const data = path.join(directory, "data.json");
    writeFileSync(
      data,
      JSON.stringify({
        data: files.map((file) => ({ TORCHSERVE_INPUT: [file] })),
        validation_data: [{ response: ["5 bytes"] }, { response: ["6 bytes"] }],
      }),
    );
    const parts: { head: string; content: Buffer }[] = [];
    server = await ScriptedHttpServer.start(({ url, headers, body }, response) => {
      if (url !== "/predictions/resnet/2.0") {
        response.writeHead(404).end(JSON.stringify({ code: 404, message: "Model not found" }));
        return;
      }
      const part = partOf(headers["content-type"] ?? "", body);
      parts.push(part);
      response.end(`${part.content.length} bytes`);
    });
    const args = ["-u", server.address, "--input-data", data, "--request-count", "4"];
    const end = await runPerfAnalyzer(["-m", "resnet", "-x", "2.0", ...kind, ...args]);
    assert.equal(end.code, 0, end.stderr);
    assert.equal(reportedNumber(end.stdout, /Request count: (\d+)/), 4);
    assert.deepEqual(
      parts.map(({ head }) => /filename="(.*)"/.exec(head)?.[1]),
      ["image0.jpg", "image1.jpg", "image0.jpg", "image1.jpg"],
    );
    assert.match(parts[0]?.head ?? "", /^Content-Disposition: form-data; name="data"; /);
    assert.deepEqual(parts[0]?.content, contents[0]);
    const missing = await runPerfAnalyzer(["-m", "resnet", ...kind, ...args]);
    assert.equal(missing.code, 99);
    assert.match(missing.stderr, /HTTP 404: .*Model not found/);
  });

  it("names a file that it cannot read", async () => {
    const data = path.join(directory, "missing.json");
    writeFileSync(data, JSON.stringify({ data: [{ TORCHSERVE_INPUT: ["/nowhere/cat.jpg"] }] }));
    const end = await runPerfAnalyzer(["-m", "resnet", ...kind, "-u", "127.0.0.1:1", "--input-data", data]);
    assert.equal(end.code, 99);
    assert.match(end.stderr, /TORCHSERVE_INPUT: cannot read "\/nowhere\/cat\.jpg": ENOENT/);
  });
});
