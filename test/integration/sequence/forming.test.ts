import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { stepOverGrpc, type StepReply } from "../../helpers/sequence-client.ts";
import { useServer } from "../../helpers/start-server.ts";
import { useRepository } from "../../helpers/temporary-repository.ts";
import { waitUntil } from "../../helpers/wait-until.ts";

const minuteUs = 60_000_000;

/** Answers each request with the number of rows in its batch. */
const code = `
  export function execute(requests) {
    return requests.map(() => ({ outputs: { OUTPUT0: [requests.length] } }));
  }`;

const config = (sequence_batching: object): object => ({
  backend: "javascript",
  max_batch_size: 4,
  input: [{ name: "INPUT0", data_type: "TYPE_INT32", dims: [1] }],
  output: [{ name: "OUTPUT0", data_type: "TYPE_INT32", dims: [1] }],
  instance_group: [{ kind: "KIND_CPU", count: 1 }],
  sequence_batching,
});

const configs: Readonly<Record<string, object>> = {
  half: config({ direct: { minimum_slot_utilization: 0.5, max_queue_delay_microseconds: minuteUs } }),
  delayed: config({ direct: { minimum_slot_utilization: 1, max_queue_delay_microseconds: 1_000 } }),
  undelayed: config({ direct: { minimum_slot_utilization: 1, max_queue_delay_microseconds: 0 } }),
  preferred: config({
    oldest: {
      max_candidate_sequences: 4,
      preferred_batch_size: [2],
      max_queue_delay_microseconds: minuteUs,
    },
  }),
  oldestDelayed: config({ oldest: { max_candidate_sequences: 4, max_queue_delay_microseconds: 1_000 } }),
};

describe("Sequences: when batches leave", () => {
  const repository = useRepository((models) => {
    for (const [name, modelConfig] of Object.entries(configs)) {
      models.add(name, { config: modelConfig, versions: { 1: null } });
      models.addFile(code, name, "1", "model.mjs");
    }
  });
  const server = useServer(() => [`--model-repository=${repository.current.path}`]);

  /** Starts a sequence of one request. */
  function start(model: string, id: number): Promise<StepReply> {
    return stepOverGrpc(server.current.grpc, { model, id, flags: "SE", value: 0 });
  }

  /** Resolves when so many of the requests that were sent wait in the model's queue. */
  async function waitForPending(model: string, count: number): Promise<void> {
    // Over one connection requests arrive in order: when a later call is answered, the earlier ones have been read.
    await server.current.grpc.call("ServerLive", {});
    await waitUntil(`${count} wait`, async () => {
      return (await server.current.metrics()).model(model).pending === count;
    });
  }

  function rowsOf({ message, outputs }: StepReply): unknown {
    assert.equal(message, "");
    return outputs["OUTPUT0"]?.[0];
  }

  it("direct waits for the wanted share of its slots, within the delay", async () => {
    const replies: Promise<StepReply>[] = [start("half", 1)];
    let isAnswered = false;
    void replies[0]?.then(() => (isAnswered = true));
    await waitForPending("half", 1);
    assert.equal(isAnswered, false);
    replies.push(start("half", 2));
    assert.deepEqual((await Promise.all(replies)).map(rowsOf), [2, 2]);
  });

  it("direct waits no longer than the delay, and not at all without one", async () => {
    // The batch is as long as the highest active slot: nobody else is there.
    assert.equal(rowsOf(await start("delayed", 1)), 1);
    assert.equal(rowsOf(await start("undelayed", 1)), 1);
  });

  it("oldest waits for a preferred size, within the delay", async () => {
    const first = start("preferred", 1);
    let isAnswered = false;
    void first.then(() => (isAnswered = true));
    await waitForPending("preferred", 1);
    assert.equal(isAnswered, false);
    assert.deepEqual((await Promise.all([first, start("preferred", 2)])).map(rowsOf), [2, 2]);
    assert.equal(rowsOf(await start("oldestDelayed", 1)), 1);
  });
});
