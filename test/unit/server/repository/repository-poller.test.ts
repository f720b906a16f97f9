import assert from "node:assert/strict";
import { afterEach, describe, it } from "mocha";
import { type PollOutcome, RepositoryPoller } from "../../../../server/repository/repository-poller.ts";
import { Deferred } from "../../../helpers/deferred.ts";

/** Intervals of a few ms, so that tests end when polls come and need not wait for them. */
const intervalSecs = 0.004;
const quietMs = 3;

describe("RepositoryPoller", () => {
  const pollers: RepositoryPoller[] = [];

  /** A poller whose polls are announced to `onPoll`, counted from 1. */
  function start(onPoll: (count: number) => unknown, seconds = intervalSecs): RepositoryPoller {
    let count = 0;
    const poller = new RepositoryPoller({
      intervalSecs: seconds,
      poll: async (): Promise<PollOutcome> =>
        (await onPoll(++count)) === "changing" ? "changing" : "settled",
      quietMs,
    });
    pollers.push(poller);
    poller.start();
    return poller;
  }

  afterEach(() => {
    for (const poller of pollers.splice(0)) poller.stop();
  });

  it("polls at the end of each interval", async () => {
    const third = new Deferred<void>();
    start((count) => {
      if (count === 3) third.resolve();
    });
    await third.promise;
  });

  it("waits for a poll to end before the next interval begins", async () => {
    const [second, end] = [new Deferred<void>(), new Deferred<void>()];
    let running = 0;
    start(async (count) => {
      assert.equal(++running, 1);
      if (count === 1) {
        // Longer than an interval.
        setTimeout(() => end.resolve(), 4 * intervalSecs * 1_000);
        await end.promise;
      } else second.resolve();
      running--;
    });
    await second.promise;
  });

  it("is not put off for ever by changes that do not end", async () => {
    const polled = new Deferred<void>();
    const poller = start(() => polled.resolve(), 0.02);
    const changes = setInterval(() => poller.onChange(), 2);
    await polled.promise;
    clearInterval(changes);
  });

  it("polls when changes have ended, long before the interval is over", async () => {
    const polled = new Deferred<void>();
    const poller = start(() => polled.resolve(), 60);
    poller.onChange();
    poller.onChange();
    await polled.promise;
  });

  it("looks again before long at what had not come to rest", async () => {
    const third = new Deferred<void>();
    const poller = start((count) => {
      if (count === 3) third.resolve();
      return count < 3 ? "changing" : "settled";
    }, 60);
    poller.onChange();
    await third.promise;
  });

  it("looks again when something changed during a poll", async () => {
    const second = new Deferred<void>();
    const poller = start((count) => {
      if (count === 1) poller.onChange();
      else second.resolve();
    }, 60);
    poller.onChange();
    await second.promise;
  });

  it("polls no more once it is stopped, not even after a poll that was under way", async () => {
    const [first, end] = [new Deferred<void>(), new Deferred<void>()];
    let polls = 0;
    const poller = start(async () => {
      polls++;
      first.resolve();
      await end.promise;
    });
    await first.promise;
    poller.stop();
    end.resolve();
    poller.onChange();
    await new Promise((resolve) => setTimeout(resolve, 3 * intervalSecs * 1_000));
    assert.equal(polls, 1);
  });
});
