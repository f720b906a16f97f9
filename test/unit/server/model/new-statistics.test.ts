import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { defaultMetricsConfig, firstResponseFamilyName } from "../../../../server/metrics/metrics-config.ts";
import { newStatistics, warnOfUnusedBuckets } from "../../../../server/model/new-statistics.ts";
import { LogRecorder } from "../../../helpers/log-recorder.ts";
import { ManualClock } from "../../../helpers/manual-clock.ts";
import { makeModelConfig } from "../../../helpers/model-config.ts";

const clock = new ManualClock();
const config = makeModelConfig({ histogramBuckets: new Map([[firstResponseFamilyName, [1, 2]]]) });

describe("newStatistics", () => {
  it("newStatistics measures no distributions unless told so", () => {
    const { summaries, firstResponse, padding } = newStatistics(config, {
      metricsConfig: defaultMetricsConfig,
      clock,
    });
    assert.deepEqual([summaries, firstResponse, padding], [null, null, null]);
  });

  it("newStatistics takes the quantiles from the server and the buckets from the model", () => {
    const summaryQuantiles = [{ quantile: 0.25, error: 0.5 }];
    const metricsConfig = {
      ...defaultMetricsConfig,
      summaryLatencies: true,
      histogramLatencies: true,
      summaryQuantiles,
    };
    const { summaries, firstResponse } = newStatistics(config, { metricsConfig, clock });
    assert.deepEqual(summaries?.targets, summaryQuantiles);
    assert.deepEqual(firstResponse?.boundsMs, [1, 2]);
    const usual = newStatistics(makeModelConfig(), { metricsConfig, clock });
    assert.deepEqual(usual.firstResponse?.boundsMs, [100, 500, 2_000, 5_000]);
  });
});

describe("warnOfUnusedBuckets", () => {
  it("warnOfUnusedBuckets warns of metrics that have no buckets, and of a server without histograms", () => {
    const log = new LogRecorder();
    const withHistograms = { ...defaultMetricsConfig, histogramLatencies: true };
    warnOfUnusedBuckets(config, withHistograms, log.logger);
    warnOfUnusedBuckets(makeModelConfig(), defaultMetricsConfig, log.logger);
    assert.equal(log.lines.length, 0);
    warnOfUnusedBuckets(config, defaultMetricsConfig, log.logger);
    assert.match(
      log.lines.join(""),
      /the server has no histograms; --metrics-config=histogram_latencies=true/,
    );
    const other = makeModelConfig({ histogramBuckets: new Map([["x", [1]]]) });
    warnOfUnusedBuckets(other, withHistograms, log.logger);
    assert.match(log.lines.join(""), /Model 'm': model_metrics has no effect on 'x'/);
    assert.equal(log.ofSeverity("W").length, 2);
  });
});
