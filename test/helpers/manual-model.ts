import { Model } from "../../server/model/model.ts";
import { ModelInstancePool } from "../../server/model/model-instance-pool.ts";
import { makeScheduler } from "../../server/model/scheduler-factory.ts";
import type { ModelConfig } from "../../server/model-config/model-config.ts";
import { ModelStatistics } from "../../server/statistics/model-statistics.ts";
import { StatusError } from "../../server/core/status.ts";
import { ManualClock } from "./manual-clock.ts";
import { ManualInstance } from "./manual-instance.ts";
import { makeModelConfig } from "./model-config.ts";

/** What a test may say of a {@link ManualModel}. */
export interface ManualModelSketch extends Partial<ModelConfig> {
  readonly version?: string;
}

/** A model on one {@link ManualInstance}, under virtual time. An instance that dies is not replaced. */
export class ManualModel {
  readonly clock = new ManualClock();
  readonly statistics = new ModelStatistics();
  readonly instance = new ManualInstance("m_0");
  readonly pool: ModelInstancePool;
  readonly model: Model;

  constructor(sketch: ManualModelSketch = {}) {
    const { version = "1", ...parts } = sketch;
    const config = makeModelConfig(parts);
    this.pool = new ModelInstancePool(
      {
        onDispatch: (count) => this.statistics.onDispatch(count),
        onExecution: (rows, times) => this.statistics.onExecution(rows, times),
        onResponse: (index, outcome, times) => this.statistics.onResponse(index, outcome, times),
        onCrash: () => undefined,
      },
      () => Promise.reject(new StatusError("INTERNAL", "no restart")),
    );
    this.pool.add(this.instance);
    this.model = new Model({
      config,
      version,
      engine: null,
      isDecoupled: config.isDecoupled,
      statistics: this.statistics,
      pool: this.pool,
      scheduler: makeScheduler(config, this.pool, this.clock),
      clock: this.clock,
      checkBytesInput: null,
      labels: new Map(),
      loadDurationSecs: 0.5,
    });
  }
}
