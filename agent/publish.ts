import { RefusedError } from "../kafka/errors.ts";
import { brokerAdviceFor } from "../kafka/failure.ts";
import type { Send } from "../kafka/sender.ts";
import { orAborted } from "../runtime/abort.ts";
import { backoffMs } from "../runtime/backoff.ts";
import { type Clock, sleep } from "../runtime/clock.ts";
import { noFailpoints, type PassFailpoint } from "../runtime/failpoints.ts";
import type { Logger } from "../runtime/log/log.ts";
import { Spell } from "../runtime/log/spell.ts";
import type { Outbox } from "./outbox/outbox.ts";
import type { Row } from "./outbox/store.ts";
import type { AgentStats } from "./stats.ts";

export interface PublisherDeps {
  outbox: Pick<Outbox, "next" | "remove" | "refuse" | "waiting">;
  send: Send;
  clock: Clock;
  log: Logger;
  stats: Pick<AgentStats, "published" | "refused" | "sends" | "sendFailures" | "waiting">;
  /** In [0, 1). */
  random?: () => number;
  /** @default noFailpoints */
  passFailpoint?: PassFailpoint;
}

/** One send; the broker's default limit of a batch is 1 MiB. */
const MAX_ROWS = 500;
const MAX_BYTES = 900_000;

const FIRST_DELAY_MS = 250;
const MAX_DELAY_MS = 15_000;
/** While stopping, there is no time for long waits. */
const MAX_DELAY_DRAINING_MS = 1_000;

/**
 * Sends what is in the outbox, in order, one batch at a time, each until the broker has acknowledged
 * it; checks never wait for it. The outbox's transactions, one in 60 ms, are what gathers results
 * into batches. A batch that the broker refuses is halved until the one message is found, which is
 * set aside.
 */
export class Publisher {
  #deps: PublisherDeps;
  #failures = 0;
  readonly #spell: Spell;

  constructor(deps: PublisherDeps) {
    this.#deps = deps;
    this.#spell = new Spell(deps.clock);
  }

  /**
   * Runs until `draining` has aborted and the outbox is empty, or until `deadline` aborts: then what
   * is not acknowledged stays in the outbox.
   */
  async run(draining: AbortSignal, deadline: AbortSignal): Promise<void> {
    const ends = AbortSignal.any([draining, deadline]);
    while (!deadline.aborted) {
      const next = this.#deps.outbox.next(MAX_ROWS, MAX_BYTES, ends);
      const rows = await orAborted(next, deadline);
      if (!rows || rows.length === 0) return;
      await this.#deliver(rows, draining, deadline);
    }
  }

  async #deliver(rows: Row[], draining: AbortSignal, deadline: AbortSignal): Promise<void> {
    const { outbox, send, stats, passFailpoint = noFailpoints } = this.#deps;
    while (!deadline.aborted) {
      try {
        stats.sends++;
        const sent = send(rows.map(({ key, value }) => ({ key, value }))).then(() => true);
        if (!await orAborted(sent, deadline)) return;
        passFailpoint("agent.after_send");
        stats.published += rows.length;
        outbox.remove(rows.map(({ id }) => id));
        stats.waiting = outbox.waiting;
        return this.#recovered();
      } catch (error) {
        if (error instanceof RefusedError) {
          this.#recovered();
          return await this.#refused(rows, error, draining, deadline);
        }
        this.#failed(error);
        await this.#backOff(draining, deadline);
      }
    }
  }

  async #refused(
    rows: Row[],
    { reason }: RefusedError,
    draining: AbortSignal,
    deadline: AbortSignal,
  ): Promise<void> {
    const { outbox, log, stats } = this.#deps;
    if (rows.length > 1) {
      const middle = rows.length >> 1;
      await this.#deliver(rows.slice(0, middle), draining, deadline);
      return await this.#deliver(rows.slice(middle), draining, deadline);
    }
    for (const row of rows) {
      const { key, value } = row;
      stats.refused++;
      outbox.refuse(row, reason);
      log.error(
        { reason, key, bytes: value.length, refused: stats.refused },
        'The broker refuses a result for good; it is set aside in the outbox\'s table "refused"',
      );
    }
  }

  #failed(error: unknown): void {
    const { log, outbox, stats } = this.#deps;
    stats.sendFailures++;
    this.#failures++;
    this.#spell.failed(log, error, {
      failed: "Cannot send to the broker; results wait in the outbox until it is back",
      still: "Still nothing can be sent to the broker",
      advice: brokerAdviceFor(error),
      fields: { waiting: outbox.waiting },
    });
  }

  #recovered(): void {
    const { log, outbox } = this.#deps;
    this.#spell.ended(log, "The broker takes results again", { waiting: outbox.waiting });
    this.#failures = 0;
  }

  async #backOff(draining: AbortSignal, deadline: AbortSignal): Promise<void> {
    const { clock, random = Math.random } = this.#deps;
    const bounds = { first: FIRST_DELAY_MS, most: MAX_DELAY_MS };
    const delay = backoffMs(this.#failures, bounds, random);
    if (draining.aborted) await sleep(clock, Math.min(delay, MAX_DELAY_DRAINING_MS), deadline);
    else await sleep(clock, delay, AbortSignal.any([draining, deadline]));
  }
}
