import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { formatPlace, SourcePlaces } from "../../../../server/model-config/source-places.ts";

describe("SourcePlaces", () => {
  const places = new SourcePlaces();
  places.set("input", { line: 1, column: 1 });
  places.set("input[0]", { line: 2, column: 3 });
  places.set('parameters["a.b"]', { line: 9, column: 5 });

  it("finds a value, or else what it would stand in", () => {
    assert.deepEqual(places.placeOf("input[0]"), { line: 2, column: 3 });
    assert.deepEqual(places.placeOf("input[0].dims[3]"), { line: 2, column: 3 });
    assert.deepEqual(places.placeOf("input[7].name"), { line: 1, column: 1 });
    assert.deepEqual(places.placeOf('parameters["a.b"].string_value'), { line: 9, column: 5 });
  });

  it("finds nothing where nothing is known", () => {
    assert.deepEqual(
      ["", "output[0]", "config.json", "not a path"].map((path) => places.placeOf(path)),
      [null, null, null, null],
    );
  });

  it("writes a place", () => assert.equal(formatPlace({ line: 2, column: 3 }), "line 2, column 3"));
});
