import { METADATA_MAX_AGE_MS } from "../kafka/client.ts";
import { viewTopic } from "../kafka/cluster.ts";
import { SilentError } from "../kafka/errors.ts";
import { aborted, within } from "../runtime/abort.ts";
import { Group, type GroupDeps } from "./group.ts";

/** A broker holds a fetch no longer than this: a stop, a seek and a paused partition wait for it. */
const MAX_FETCH_WAIT_MS = 2_000;
/** Below 1 MB a partition and fetch, throughput falls (256 kB: 0.67 of it). */
const MAX_BYTES_PER_PARTITION = 1024 * 1024;
/** A broker answers a fetch at once when it has this much. */
const MIN_BYTES = 64 * 1024;
const HEARTBEAT_MS = 3_000;
/** A process that died holds its partitions for this long. */
const SESSION_TIMEOUT_MS = 15_000;
/** A group waits this long for its members to join again. */
const REBALANCE_TIMEOUT_MS = 60_000;
/** No heartbeat and no join in all this time: kafkajs has lost its way. */
const MAX_SILENCE_MS = REBALANCE_TIMEOUT_MS + 2 * SESSION_TIMEOUT_MS;
const WATCH_MS = 5_000;
const DISCONNECT_MS = 2_000;

/** What consuming is handed. */
export interface SessionDeps extends Omit<GroupDeps, "fail"> {
  /** Partitions stored side by side, beside those that are held up. */
  concurrency: number;
}

/**
 * Joins the consumer group and stores what the topic brings until `signal` aborts.
 *
 * kafkajs's own restarts are off: they come without a growing wait, each with its own error. Whoever
 * calls makes a new consumer.
 *
 * @throws What ended the consumer
 */
export async function consumeSession(deps: SessionDeps): Promise<void> {
  const { kafka, config, stats, clock, log, signal } = deps;
  const { clusterId } = await viewTopic(kafka, config.topic);
  const consumer = kafka.consumer({
    groupId: config.consumerGroup,
    sessionTimeout: SESSION_TIMEOUT_MS,
    rebalanceTimeout: REBALANCE_TIMEOUT_MS,
    heartbeatInterval: HEARTBEAT_MS,
    maxWaitTimeInMs: Math.min(config.batchTimeoutMs, MAX_FETCH_WAIT_MS),
    minBytes: MIN_BYTES,
    maxBytesPerPartition: MAX_BYTES_PER_PARTITION,
    metadataMaxAge: METADATA_MAX_AGE_MS,
    allowAutoTopicCreation: false,
    retry: { retries: 5, restartOnFailure: () => Promise.resolve(false) },
  });
  const { promise: failed, reject: fail } = Promise.withResolvers<never>();
  failed.catch(() => {}); // it may come when nobody waits for it any more
  const group = new Group(consumer, clusterId, { ...deps, fail });

  const { FETCH_START, FETCH, HEARTBEAT, CRASH, GROUP_JOIN, REQUEST_TIMEOUT } = consumer.events;
  for (const event of [FETCH_START, FETCH, HEARTBEAT, GROUP_JOIN]) {
    consumer.on(event as typeof FETCH, () => stats.aliveAt = clock.monotonic());
  }
  let member = clock.monotonic();
  for (const event of [HEARTBEAT, GROUP_JOIN]) {
    consumer.on(event as typeof HEARTBEAT, () => member = clock.monotonic());
  }
  consumer.on(CRASH, ({ payload }) => fail(payload.error));
  // kafkajs asks again by itself, for minutes, before a silent broker ends anything.
  const silent = deps.spell(new SilentError());
  consumer.on(REQUEST_TIMEOUT, ({ timestamp, payload: { apiName, broker, sentAt } }) => {
    const error = new SilentError(`Request ${apiName} timed out (${broker})`);
    silent.failed(log, error, {
      failed: "The broker is silent, asking again until it answers",
      still: "The broker is still silent",
      advice: deps.advise(error),
      triedAt: clock.monotonic() - (timestamp - sentAt),
    });
  });
  consumer.on(FETCH, () => silent.ended(log, "The broker works again"));
  const watch = setInterval(() => {
    const silence = clock.monotonic() - member;
    if (silence > MAX_SILENCE_MS) {
      fail(new SilentError(`No heartbeat was answered for ${Math.round(silence / 1000)} s`));
    }
  }, WATCH_MS);
  try {
    await consumer.connect();
    await consumer.subscribe({ topics: [config.topic], fromBeginning: true });
    await consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      partitionsConsumedConcurrently: deps.concurrency,
      eachBatch: (payload) => group.eachBatch(payload),
    });
    await Promise.race([failed, aborted(signal)]);
  } finally {
    clearInterval(watch);
    const left = group.leave();
    const disconnected = consumer.disconnect();
    // Who failed is not kept from saying so by a broker that does not answer this either.
    if (signal.aborted) await disconnected;
    else await within(clock, DISCONNECT_MS, disconnected.catch(() => {}));
    await left;
  }
}
