import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { Registry } from "prom-client";
import { registerFamily, type Series } from "../../../../server/metrics/collected-family.ts";

describe("registerFamily", () => {
  for (const type of ["counter", "gauge"] as const) {
    it(`registerFamily prints a ${type}'s HELP and TYPE lines without series`, async () => {
      const registry = new Registry();
      registerFamily(registry, { name: "x", type, help: "An x", collect: () => [] });
      assert.equal(await registry.metrics(), `# HELP x An x\n# TYPE x ${type}\n`);
    });

    it(`registerFamily reads a ${type}'s series anew at each scrape, whatever their labels`, async () => {
      const registry = new Registry();
      let series: Series[] = [
        { suffix: "", labels: { a: "1" }, value: 5 },
        { suffix: "", labels: { b: "2" }, value: -1 },
      ];
      registerFamily(registry, { name: "x", type, help: "An x", collect: () => series });
      assert.match(await registry.metrics(), /\nx\{a="1"\} 5\nx\{b="2"\} -1\n$/);
      series = [{ suffix: "", labels: {}, value: 0.5 }];
      assert.equal(await registry.metrics(), `# HELP x An x\n# TYPE x ${type}\nx 0.5\n`);
    });
  }

  for (const type of ["summary", "histogram"] as const) {
    it(`registerFamily prints a ${type}'s series with what follows their names`, async () => {
      const registry = new Registry();
      const series: Series[] = [
        { suffix: "", labels: { m: "1", quantile: "0.5" }, value: 5 },
        { suffix: "_bucket", labels: { m: "1", le: "+Inf" }, value: 6 },
        { suffix: "_sum", labels: { m: "1" }, value: 7 },
        { suffix: "_count", labels: { m: "1" }, value: 8 },
      ];
      registerFamily(registry, { name: "x", type, help: "An x", collect: () => series });
      assert.equal(
        await registry.metrics(),
        `# HELP x An x\n# TYPE x ${type}\nx{m="1",quantile="0.5"} 5\nx_bucket{m="1",le="+Inf"} 6\nx_sum{m="1"} 7\nx_count{m="1"} 8\n`,
      );
    });
  }

  it("registerFamily leaves prom-client's global registry alone", async () => {
    const { register } = await import("prom-client");
    registerFamily(new Registry(), { name: "only_here", type: "gauge", help: "x", collect: () => [] });
    assert.equal(register.getSingleMetric("only_here"), undefined);
  });
});
