import { RandomSource } from "../../perf_analyzer/infer-data/random-source.ts";
import type { CandidateSettings } from "../../tune/candidate-settings.ts";
import type { Measurement } from "../../tune/measurement.ts";
import { SearchSpace } from "../../tune/search-space.ts";

/**
 * How a made-up model on a made-up machine answers to its settings: batches share a fixed cost, threads share what is
 * parallel of the work (Amdahl), instances share cores and their memory's bandwidth, a delay fills batches and costs time,
 * and the front end has a ceiling. What it is made of is drawn by a seed.
 */
export class ResponseSurface {
  readonly coreCount: number;
  readonly concurrency: number;
  readonly #itemUs: number;
  readonly #batchUs: number;
  readonly #parallelShare: number;
  readonly #contention: number;
  readonly #ceiling: number;
  readonly #random: RandomSource;

  constructor(seed: number) {
    const random = new RandomSource(seed * 7_919 + 1);
    this.coreCount = [2, 4, 8, 16][random.below(4)]!;
    this.concurrency = [16, 32, 64][random.below(3)]!;
    this.#itemUs = 20 * 10 ** (2 * random.next());
    this.#batchUs = this.#itemUs * (0.2 + 20 * random.next() ** 2);
    this.#parallelShare = 0.3 + 0.69 * random.next();
    this.#contention = 0.02 + 0.25 * random.next();
    this.#ceiling = [1e9, 20_000, 5_000][random.below(3)]!;
    this.#random = new RandomSource(seed + 5);
  }

  /** All that `nereid tune` would try on such a machine. */
  get space(): SearchSpace {
    const powers = [1, 2, 4, 8, 16, 32, 64];
    return new SearchSpace(
      {
        instanceCounts: powers.filter((power) => power <= Math.min(16, 2 * this.coreCount)),
        threadCounts: powers.filter((power) => power <= this.coreCount),
        maxBatchSizes: powers,
        queueDelaysUs: [0, 100, 500, 1_000, 2_000, 5_000],
      },
      this.coreCount,
    );
  }

  /** What is true of a candidate. */
  truth({ instanceCount, threadCount, maxBatchSize, queueDelayUs }: CandidateSettings): Measurement {
    const threads = threadCount ?? 1;
    const delayUs = queueDelayUs ?? 0;
    const isOver = instanceCount * threads > this.coreCount;
    const share = isOver ? (0.9 * this.coreCount) / (instanceCount * threads) : 1;
    const amdahl = 1 / (1 - this.#parallelShare + this.#parallelShare / threads);
    const busy = Math.min(instanceCount, this.coreCount) - 1;
    const speed = (share * amdahl) / (1 + (this.#contention * busy) / this.coreCount);
    const fill = 0.55 + (0.45 * delayUs) / (delayUs + 300);
    const batch = Math.max(1, Math.min(maxBatchSize, (this.concurrency / instanceCount) * fill));
    const workUs = (this.#batchUs + batch * this.#itemUs) / speed;
    const waitUs = batch < maxBatchSize ? delayUs / 2 : 0;
    const own = (1e6 * instanceCount * batch) / (workUs + waitUs);
    const throughput = 1 / (1 / own + 1 / this.#ceiling);
    const latencyMs = (1e3 * this.concurrency) / throughput + (workUs + waitUs) / 1e3;
    return {
      concurrency: this.concurrency,
      throughput,
      averageMs: latencyMs,
      p50Ms: latencyMs,
      p90Ms: latencyMs,
      p95Ms: latencyMs,
      p99Ms: latencyMs,
      memoryMb: 100 + 20 * instanceCount,
      isStable: true,
    };
  }

  /** The truth with the noise of a measurement. @param deviation - Of the throughput's logarithm; latency has twice as much. */
  measure(settings: CandidateSettings, deviation: number): Measurement {
    const truth = this.truth(settings);
    return {
      ...truth,
      throughput: truth.throughput * Math.exp(deviation * this.#normal()),
      p99Ms: truth.p99Ms * Math.exp(2 * deviation * this.#normal()),
    };
  }

  /** Box and Muller's way to a normal distribution. */
  #normal(): number {
    const radius = Math.sqrt(-2 * Math.log(1 - this.#random.next()));
    return radius * Math.cos(2 * Math.PI * this.#random.next());
  }
}
