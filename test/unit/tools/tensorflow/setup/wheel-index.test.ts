import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, describe, it } from "mocha";
import { Progress } from "../../../../../tools/tensorflow/setup/progress.ts";
import type { TensorFlowWheel } from "../../../../../tools/tensorflow/setup/tensorflow-wheel.ts";
import { downloadFromIndex } from "../../../../../tools/tensorflow/setup/wheel-index.ts";
import { useTestDirectory } from "../../../../helpers/temporary-directory.ts";

const content = Buffer.from("the content of a wheel");
const wheel: TensorFlowWheel = {
  project: "tensorflow-cpu",
  file: "tensorflow_cpu-2.21.0-cp312-cp312-any.whl",
  sha256: createHash("sha256").update(content).digest("hex"),
  sizeBytes: content.byteLength,
  pipPlatform: "any",
};

describe("downloadFromIndex", () => {
  const directory = useTestDirectory();
  let server: Server;
  let host: string;
  const authorizations: (string | undefined)[] = [];

  before(async () => {
    server = createServer((request, response) => {
      const { url = "" } = request;
      authorizations.push(request.headers.authorization);
      if (url === "/json/tensorflow-cpu/") {
        response.setHeader("content-type", "application/vnd.pypi.simple.v1+json");
        response.end(
          JSON.stringify({ files: [{ url: "/files/other.whl" }, { url: `/files/${wheel.file}` }] }),
        );
      } else if (url === "/html/tensorflow-cpu/") {
        response.setHeader("content-type", "text/html");
        response.end(
          `<a href="other.whl">o</a> <a data-x="1" href='../../files/${wheel.file}#sha256=0'>w</a>`,
        );
      } else if (url === "/empty/tensorflow-cpu/") response.end("<html></html>");
      else if (url === `/files/${wheel.file}`) response.end(content);
      else response.writeHead(404, "Not Found").end();
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  after(() => server.close());

  const download = async (index: string, wanted = wheel): Promise<Buffer> => {
    const target = directory.in("wheel");
    await downloadFromIndex(wanted, index, target, new Progress(() => undefined));
    return readFileSync(target);
  };

  it("finds the wheel in an index of JSON and of HTML", async () => {
    assert.deepEqual(await download(`http://${host}/json`), content);
    assert.deepEqual(await download(`http://${host}/html/`), content);
  });

  it("sends name and password of the address as they must be sent, and does not show them", async () => {
    authorizations.length = 0;
    await assert.rejects(download(`http://me:s%3Acret@${host}/nothing`), (error: Error) => {
      assert.match(error.message, /answered 404 Not Found/);
      assert.doesNotMatch(error.message, /cret/);
      return true;
    });
    assert.deepEqual(authorizations, [`Basic ${Buffer.from("me:s:cret").toString("base64")}`]);
  });

  it("refuses another file of the same name", async () => {
    const other = { ...wheel, sha256: "0".repeat(64) };
    await assert.rejects(
      download(`http://${host}/json`, other),
      /is not the file that is known: its SHA-256 is/,
    );
  });

  it("says when the index lacks the wheel, and when there is no index", async () => {
    await assert.rejects(download(`http://${host}/empty`), /has no tensorflow_cpu-.* under 'tensorflow-cpu'/);
    await assert.rejects(download("http://127.0.0.1:1/simple"), /127.0.0.1:1 cannot be reached/);
  });
});

describe("Progress", () => {
  it("says every two seconds how far a download is", () => {
    const lines: string[] = [];
    let nowMs = 0;
    const progress = new Progress(
      (line) => lines.push(line),
      () => nowMs,
    );
    progress.step("begins");
    progress.bytes("a.whl", 1 << 20, 4 << 20);
    nowMs = 2000;
    progress.bytes("a.whl", 2 << 20, 4 << 20);
    progress.bytes("a.whl", 3 << 20, 4 << 20);
    assert.deepEqual(lines, ["setup:tensorflow: begins", "setup:tensorflow: a.whl: 2 of 4 MiB (50 %)"]);
  });
});
