import assert from "node:assert/strict";
import { describe, it } from "mocha";
import type {
  DecodedResponse,
  Exchange,
  LoadClient,
  OutputTensor,
} from "../../../../perf_analyzer/client-backend/exchange.ts";
import { monotonicNowUs } from "../../../../perf_analyzer/clock.ts";
import { ConcurrencyLoop } from "../../../../perf_analyzer/load-manager/concurrency-loop.ts";
import type { LoadPlan } from "../../../../perf_analyzer/load-manager/load-plan.ts";
import { PeriodicLoop } from "../../../../perf_analyzer/load-manager/periodic-loop.ts";
import { readRecords } from "../../../../perf_analyzer/load-manager/request-records.ts";
import { RequestRateLoop, type RateShare } from "../../../../perf_analyzer/load-manager/request-rate-loop.ts";
import { RequestSource } from "../../../../perf_analyzer/load-manager/request-source.ts";

/** Requests wait until the test answers them. */
class HeldClient implements LoadClient {
  readonly held: { exchange: Exchange; done: (exchange: Exchange) => void }[] = [];
  outputs: readonly OutputTensor[] = [];
  /** More responses of each request than one, with the same outputs. */
  extraResponseCount = 0;

  open(): Promise<void> {
    return Promise.resolve();
  }

  send(exchange: Exchange, done: (exchange: Exchange) => void): void {
    exchange.sendStartUs = monotonicNowUs();
    this.held.push({ exchange, done });
  }

  decodeResponses(): readonly DecodedResponse[] {
    return Array.from({ length: 1 + this.extraResponseCount }, (_, i) => ({
      atUs: i,
      outputs: this.outputs,
    }));
  }

  close(): void {
    this.held.length = 0;
  }

  /** Answers the oldest request. */
  answer(error: string | null = null): void {
    const oldest = this.held.shift();
    assert.ok(oldest, "a request is outstanding");
    oldest.exchange.endUs = monotonicNowUs();
    oldest.exchange.responseCount = 1;
    oldest.exchange.error = error;
    oldest.done(oldest.exchange);
  }
}

function planOf(overrides: Partial<LoadPlan> = {}): LoadPlan {
  return {
    client: {
      protocol: "http",
      target: { host: "h", port: 1, pathPrefix: "", tls: null },
      head: "",
      templates: [],
      laneCount: 1,
      keepsBodies: false,
    },
    streams: [[0]],
    sequences: null,
    expected: [null],
    sharedOutputs: null,
    exportsOutputs: false,
    ...overrides,
  };
}

const source = (): RequestSource => new RequestSource([[0]], null, { index: 0, count: 1 });

function concurrencyLoop(
  client: HeldClient,
  concurrency: number,
  requestCount: number | null,
  plan = planOf(),
): ConcurrencyLoop {
  const loop = new ConcurrencyLoop(client, plan, source(), { concurrency, requestCount });
  loop.start();
  return loop;
}

describe("ConcurrencyLoop", () => {
  it("keeps so many requests outstanding", () => {
    const client = new HeldClient();
    const loop = concurrencyLoop(client, 3, null);
    for (let i = 0; i < 10; i++) {
      assert.equal(client.held.length, 3);
      client.answer();
    }
    const { rows, sentCount, isFinished } = loop.collect();
    assert.equal(readRecords(rows).length, 10);
    assert.equal(sentCount, 13);
    assert.equal(isFinished, false);
    assert.equal(readRecords(loop.collect().rows).length, 0);
  });

  it("sends exactly the count of requests", () => {
    const client = new HeldClient();
    const loop = concurrencyLoop(client, 3, 5);
    while (client.held.length > 0) client.answer();
    const { rows, isFinished, sentCount } = loop.collect();
    assert.deepEqual([readRecords(rows).length, sentCount, isFinished], [5, 5, true]);
  });

  it("waits for outstanding requests when it is stopped, and sends no more", async () => {
    const client = new HeldClient();
    const loop = concurrencyLoop(client, 2, null);
    const stopped = loop.stop();
    client.answer();
    client.answer();
    await stopped;
    assert.equal(client.held.length, 0);
    assert.equal(readRecords(loop.collect().rows).length, 2);
  });

  it("stops at the first failure, which is no record", () => {
    const client = new HeldClient();
    const loop = concurrencyLoop(client, 2, null);
    client.answer("HTTP 503: busy");
    client.answer("HTTP 503: later");
    const { rows, failure, failedCount, isFinished } = loop.collect();
    assert.deepEqual(
      [readRecords(rows).length, failure, failedCount, isFinished],
      [0, "HTTP 503: busy", 2, true],
    );
  });

  it("fails a response that differs from the validation data", () => {
    const client = new HeldClient();
    const expected = [[{ name: "B", data: new Uint8Array([1, 2]) }]];
    const loop = concurrencyLoop(client, 1, null, planOf({ expected }));
    client.outputs = [{ name: "B", datatype: "UINT8", shape: [2], data: Buffer.from([1, 2]) }];
    client.answer();
    assert.equal(loop.collect().failure, null);
    client.outputs = [{ name: "B", datatype: "UINT8", shape: [2], data: Buffer.from([1, 3]) }];
    client.answer();
    assert.match(loop.collect().failure ?? "", /output "B" of a response differs from its validation data/);
  });
});

function rateLoop(
  client: HeldClient,
  overrides: Partial<RateShare> = {},
  // All is due at once: the test needs no time to pass.
  startUs = monotonicNowUs() - 10_000_000,
): { loop: RequestRateLoop; startUs: number } {
  const loop = new RequestRateLoop(client, planOf(), source(), {
    arrivals: { kind: "constant", ratePerSecond: 100 },
    share: { index: 0, count: 1 },
    requestCount: 20,
    slotCount: null,
    isSerial: true,
    skipCount: 0,
    ...overrides,
  });
  loop.start(startUs);
  return { loop, startUs };
}

describe("RequestRateLoop", () => {
  it("sends what is due, whether or not earlier requests are answered", () => {
    const client = new HeldClient();
    const { startUs } = rateLoop(client);
    assert.equal(client.held.length, 20);
    client.held.forEach(({ exchange }, i) => assert.equal(exchange.intendedUs, startUs + i * 10_000));
  });

  it("begins the latency when a request should have been sent, and counts late ones", () => {
    const client = new HeldClient();
    const { loop, startUs } = rateLoop(client, { slotCount: 1 });
    // A server that stalls: nothing else can be sent.
    for (let i = 0; i < 20; i++) {
      assert.deepEqual(client.held.length, 1);
      client.answer();
    }
    const { rows, lateCount, lagUs, isFinished } = loop.collect();
    const records = readRecords(rows);
    assert.equal(isFinished, true);
    assert.equal(lateCount, 20);
    records.forEach((record, i) => {
      assert.equal(record.intendedUs, startUs + i * 10_000);
      assert.ok(record.endUs - record.intendedUs > 9_000_000, "the latency includes the wait");
      assert.ok(record.endUs - record.sendStartUs < 9_000_000, "the service time does not");
    });
    assert.ok(lagUs > 20 * 9_000_000);
  });

  it("takes its part of the schedule when there are several threads", () => {
    const client = new HeldClient();
    const { startUs } = rateLoop(client, { share: { index: 1, count: 3 }, requestCount: 3 });
    assert.deepEqual(
      client.held.map(({ exchange }) => Math.round(exchange.intendedUs - startUs)),
      [10_000, 40_000, 70_000],
    );
  });

  it("sends nothing before its time", async () => {
    const client = new HeldClient();
    const { loop } = rateLoop(client, {}, monotonicNowUs() + 3_600_000_000);
    assert.equal(client.held.length, 0);
    await loop.stop();
    assert.equal(loop.collect().sentCount, 0);
  });
});

describe("RequestRateLoop whose slots do not wait", () => {
  it("gives slots their turn although they have no response yet", () => {
    const client = new HeldClient();
    rateLoop(client, { slotCount: 3, isSerial: false, requestCount: 7 });
    assert.deepEqual(
      client.held.map(({ exchange }) => exchange.slotIndex),
      [0, 1, 2, 0, 1, 2, 0],
    );
  });
});

describe("RequestRateLoop with set times", () => {
  const timesUs = [0, 5_000, 5_000, 90_000];

  it("sends each at its time, and nothing beyond the last", () => {
    const client = new HeldClient();
    const { loop, startUs } = rateLoop(client, { arrivals: { kind: "times", timesUs }, requestCount: 4 });
    assert.deepEqual(
      client.held.map(({ exchange }) => Math.round(exchange.intendedUs - startUs)),
      timesUs,
    );
    while (client.held.length > 0) client.answer();
    assert.equal(loop.collect().isFinished, true);
  });

  it("leaves out what an earlier run has sent", () => {
    const client = new HeldClient();
    const arrivals = { kind: "times", timesUs } as const;
    const { startUs } = rateLoop(client, { arrivals, requestCount: 3, skipCount: 1 });
    assert.deepEqual(
      client.held.map(({ exchange }) => Math.round(exchange.intendedUs - startUs)),
      timesUs.slice(1),
    );
  });
});

describe("PeriodicLoop", () => {
  const level = { kind: "periodic", start: 2, end: 5, step: 2, periodResponseCount: 3 } as const;

  function periodicLoop(client: HeldClient): PeriodicLoop {
    const loop = new PeriodicLoop(client, planOf(), source(), level);
    loop.start();
    return loop;
  }

  /** A response to the n-th outstanding request. */
  function respond(client: HeldClient, n: number): void {
    const exchange = client.held[n]?.exchange;
    assert.ok(exchange, "a request is outstanding");
    exchange.responseCount++;
    exchange.onResponse?.(exchange);
  }

  it("sends the next group when every request of the last has had its responses, to the end", () => {
    const client = new HeldClient();
    periodicLoop(client);
    assert.equal(client.held.length, 2);
    for (let i = 0; i < 3; i++) respond(client, 0);
    assert.equal(client.held.length, 2, "the second one has none yet");
    for (let i = 0; i < 3; i++) respond(client, 1);
    assert.equal(client.held.length, 4);
    for (const n of [2, 2, 2, 2, 3, 3]) respond(client, n);
    assert.equal(client.held.length, 4, "a fourth response is not the third one");
    respond(client, 3);
    assert.equal(client.held.length, 5, "the end is the count of requests");
    for (let i = 0; i < 3; i++) respond(client, 4);
    assert.equal(client.held.length, 5);
  });

  it("fails when a request ends before its period", () => {
    const client = new HeldClient();
    const loop = periodicLoop(client);
    client.answer();
    assert.match(
      loop.collect().failure ?? "",
      /ended after 1 responses, before its period of 3: lower --request-period/,
    );
  });
});

describe("LoadLoop", () => {
  it("ends its sequences when it is stopped, and does not measure that", async () => {
    const client = new HeldClient();
    const sequences = { length: 5, lengthVariation: 0, firstId: 1, endId: null, seed: 0 };
    const live = new RequestSource([[0]], sequences, { index: 0, count: 1 });
    const loop = new ConcurrencyLoop(client, planOf(), live, { concurrency: 2, requestCount: null });
    loop.start();
    const stopped = loop.stop();
    client.answer();
    client.answer();
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(
      client.held.map(({ exchange }) => exchange.sequence),
      [1, 2].map((id) => ({ id, isStart: false, isEnd: true })),
    );
    client.answer("HTTP 400: too late");
    client.answer();
    await stopped;
    const { rows, failure, sentCount } = loop.collect();
    assert.deepEqual([readRecords(rows).length, failure, sentCount], [2, null, 2]);
  });

  it("compares the joined responses of a request with the validation data", () => {
    const client = new HeldClient();
    client.extraResponseCount = 1;
    client.outputs = [{ name: "B", datatype: "UINT8", shape: [1], data: Buffer.from([7]) }];
    const loop = concurrencyLoop(
      client,
      1,
      null,
      planOf({ expected: [[{ name: "B", data: new Uint8Array([7, 7]) }]] }),
    );
    client.answer();
    assert.equal(loop.collect().failure, null);
    client.extraResponseCount = 2;
    client.answer();
    assert.match(loop.collect().failure ?? "", /differs/);
  });

  it("gives requests that are outstanding at a time different lanes, over all threads", () => {
    const lanes = [0, 1, 2].flatMap((index) => {
      const client = new HeldClient();
      const plan = planOf();
      const shared = { ...plan, client: { ...plan.client, laneCount: 7 } };
      const threadSource = new RequestSource([[0]], null, { index, count: 3 });
      const concurrency = index === 0 ? 3 : 2;
      new ConcurrencyLoop(client, shared, threadSource, { concurrency, requestCount: null }).start();
      return client.held.map(({ exchange }) => exchange.laneIndex);
    });
    assert.deepEqual(lanes.sort(), [0, 1, 2, 3, 4, 5, 6]);
  });
});
