import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { defaultMetricsConfig, type MetricsConfig } from "../../../../server/metrics/metrics-config.ts";
import { metricsConfigKeys, metricsConfigValue } from "../../../../server/options/metrics-config-value.ts";
import { ValueProblem } from "../../../../server/options/option-value.ts";

/** Reads settings one after the other, none of which may be wrong. */
function read(...settings: string[]): MetricsConfig {
  let config = defaultMetricsConfig;
  for (const setting of settings) {
    const result = metricsConfigValue.read(setting, config);
    assert(!(result instanceof ValueProblem), result instanceof ValueProblem ? result.message : "");
    config = result;
  }
  return config;
}

function problem(setting: string): string {
  const result = metricsConfigValue.read(setting, defaultMetricsConfig);
  assert(result instanceof ValueProblem, setting);
  return result.message;
}

describe("metricsConfigValue", () => {
  it("metricsConfigValue reads every key, and the last value of one counts", () => {
    const config = read(
      "counter_latencies=false",
      "summary_latencies=false",
      "summary_latencies=true",
      "histogram_latencies=on",
      "summary_quantiles=0.25:0.01,.5:1e-3",
    );
    assert.deepEqual(config, {
      counterLatencies: false,
      summaryLatencies: true,
      histogramLatencies: true,
      summaryQuantiles: [
        { quantile: 0.25, error: 0.01 },
        { quantile: 0.5, error: 0.001 },
      ],
    });
    assert.equal(metricsConfigKeys.length, 4);
  });

  it("metricsConfigValue names the key that an unknown one is nearest to", () => {
    assert.match(
      problem("summary_latency=true"),
      /unknown key "summary_latency", did you mean summary_latencies\?/,
    );
    assert.match(problem("model,summary_latencies=true"), /^expects <key>=<value>/);
    assert.match(problem("summary_latencies="), /^expects <key>=<value>/);
    assert.match(problem("summary_latencies"), /^expects <key>=<value>/);
  });

  it("metricsConfigValue says what a boolean looks like", () => {
    assert.match(problem("histogram_latencies=yes"), /^expects true, .* for histogram_latencies, got "yes"$/);
  });

  for (const quantiles of [
    "0.5",
    "0.5:",
    ":0.1",
    "0:0.1",
    "1:0.1",
    "0.5:0",
    "0.5:1",
    "0.5:0.1:2",
    "0.5:0.1,0.5:0.2",
    "a:b",
    "0.5:0.1,",
    "-0.5:0.1",
  ]) {
    it(`metricsConfigValue refuses the quantiles ${quantiles}`, () => {
      assert.match(
        problem(`summary_quantiles=${quantiles}`),
        /^expects <quantile>:<error>,… .* for summary_quantiles/,
      );
    });
  }
});
