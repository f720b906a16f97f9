import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { defaultTraceConfig, traceObstacle } from "../../../../server/tracing/trace-config.ts";
import { traceConfig } from "../../../helpers/traced-requests.ts";

describe("traceObstacle", () => {
  it("traceObstacle finds none while tracing is off, or on and possible", () => {
    assert.equal(traceObstacle(defaultTraceConfig.values, defaultTraceConfig), null);
    assert.equal(traceObstacle(traceConfig().values, traceConfig()), null);
  });

  it("traceObstacle names the file first", () => {
    const config = traceConfig({ rate: 0 }, { filePath: "" });
    assert.match(traceObstacle(config.values, config) ?? "", /file name is not given/);
  });
});
