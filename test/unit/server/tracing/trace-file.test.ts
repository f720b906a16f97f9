import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { describe, it } from "mocha";
import { TraceFile } from "../../../../server/tracing/trace-file.ts";
import { useTestDirectory } from "../../../helpers/temporary-directory.ts";

describe("TraceFile", () => {
  const directory = useTestDirectory();
  const read = (name: string): unknown => JSON.parse(readFileSync(directory.in(name), "utf8"));

  it("TraceFile is an array of what was added, and replaces an older one", async () => {
    const place = directory.in("grown.json");
    writeFileSync(place, "what was there before, which is longer");
    const file = new TraceFile(place);
    await file.append('{"a":1}');
    await file.append('{"a":2},{"a":3}');
    await file.close();
    await file.close();
    assert.deepEqual(read("grown.json"), [{ a: 1 }, { a: 2 }, { a: 3 }]);
  });

  it("TraceFile writes whole files with an index", async () => {
    const file = new TraceFile(directory.in("indexed.json"));
    await file.writeIndexed('{"a":1}');
    await file.writeIndexed('{"a":2}');
    await file.close();
    assert.deepEqual([read("indexed.json.0"), read("indexed.json.1")], [[{ a: 1 }], [{ a: 2 }]]);
    assert(!readdirSync(directory.in()).includes("indexed.json"));
  });

  it("TraceFile rejects when it cannot write", async () => {
    const file = new TraceFile(directory.in("nowhere", "t.json"));
    await assert.rejects(file.append("{}"), /ENOENT/);
    await assert.rejects(file.writeIndexed("{}"), /ENOENT/);
  });
});
