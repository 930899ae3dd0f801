import type { ClientBase, Pool } from "pg";
import { beginWithin, transaction } from "../db/connect/transaction.ts";
import type { TopicView } from "../kafka/cluster.ts";
import { adviceFor } from "../db/connect/advice.ts";
import { within } from "../runtime/abort.ts";
import { type Clock, sleep } from "../runtime/clock.ts";
import type { Logger } from "../runtime/log/log.ts";
import { type RetryDeps, retryUntil } from "../runtime/retry.ts";
import { moveIdleClocks, readClocks, type Topic } from "./topic/clocks.ts";
import { addEvents, takeEvents } from "./topic/events.ts";
import { KnownSites } from "./known_sites.ts";
import type { PolicyOf } from "./policies.ts";
import { storeChanges } from "./incidents.ts";
import type { Route } from "./outbox/routes.ts";
import { passVotes } from "./topic/votes_table.ts";
import type { Spell } from "./state/agent.ts";
import type { Changes } from "./state/book.ts";
import { Overview } from "./state/overview.ts";

/** Between two rounds. */
const ROUND_MS = 1_000;
/** Whoever holds no round for so long is replaced. */
const HELD_MS = 8_000;
/** Of events, and of sites whose votes pass. */
const MOST = 5_000;
/** Kafka may be away: then rounds go on, with what is known. */
const VIEW_MS = 5_000;
/** What a broker has taken may be seen so much later, when all copies have it. */
const COPYING_MS = 1_000;
/** Out of reach for less than this, an agent is not silent for longer. */
const SPELL_MS = 15_000;
/** A partition may hold the others up until the topic was in reach for so long. */
const PATIENCE_MS = 60_000;
/** Spells of longer ago concern nobody who is not silent long since. */
const SPELLS = 50;

/** What rounds are handed. */
export interface RoundDeps extends Pick<RetryDeps, "spell"> {
  pool: Pool;
  /** Whose clocks they go by. */
  consumer: string;
  topic: string;
  viewTopic(): Promise<TopicView>;
  policyOf: PolicyOf;
  route: Route;
  clock: Clock;
  log: Logger;
  signal: AbortSignal;
}

/** Decides what incidents there are until `signal` aborts; of all alerters, one at a time does. */
export async function decideInRounds(deps: RoundDeps): Promise<void> {
  const rounds = new Rounds(deps);
  while (!deps.signal.aborted) {
    const done = await retryUntil("Deciding on incidents", () => rounds.next(), {
      ...deps,
      advise: adviceFor,
      onFailure: () => rounds.drop(),
    });
    if (!done?.value) await sleep(deps.clock, ROUND_MS, deps.signal);
  }
}

/** What a round leaves for the next one. */
interface Held {
  round: string;
  overview: Overview;
  /** When the topic was reached last, by the broker's clock; 0: never. */
  reached: number;
  spells: Spell[];
}

/**
 * The rounds of one alerter. All that is known of sites and agents is in memory from one round to the
 * next, and in the tables at the end of each.
 */
export class Rounds {
  readonly #deps: RoundDeps;
  readonly #begin = beginWithin({ lockTimeoutMs: 2_000 });
  readonly #sites: KnownSites;
  #held: Held | null = null;
  /** How far the broker's clock is ahead of our monotonic one, at least: no record may be of later. */
  #ahead: number | null = null;
  #topic: Topic | null = null;
  /** Monotonic; null while the topic is out of reach. */
  #inReachSince: number | null = null;
  /** Whether it was out of reach since the last round. */
  #wasAway = false;

  constructor(deps: RoundDeps) {
    this.#deps = deps;
    this.#sites = new KnownSites(deps.policyOf);
  }

  /** What was under way may be done or not: the tables know. */
  drop(): void {
    this.#held = null;
  }

  /** @returns Whether there is more to do at once */
  async next(): Promise<boolean> {
    const { pool } = this.#deps;
    const { rowCount } = await pool.query(
      `SELECT FROM alert_rounds WHERE ${MINE}`,
      [this.#held?.round ?? null],
    );
    if (rowCount === 0) {
      this.drop();
      return false;
    }
    const reached = await this.#look();
    const topic = this.#topic;
    if (topic === null) return false;
    return await transaction(pool, this.#begin, (client) => this.#round(client, topic, reached));
  }

  /** @returns When the topic was reached, by the broker's clock; null: it was not */
  async #look(): Promise<number | null> {
    const { clock, consumer, topic, pool, viewTopic, log } = this.#deps;
    const asked = clock.monotonic();
    let view: TopicView | null = null;
    const looking = viewTopic().then((found) => view = found);
    await within(clock, VIEW_MS, looking).catch((error) => log.debug({ error }, "Looking failed"));
    if (view === null) {
      this.#inReachSince = null;
      this.#wasAway = true;
      return null;
    }
    const { clusterId, bounds } = view as TopicView;
    this.#inReachSince ??= asked;
    this.#topic = { consumer, topic, clusterId };
    if (this.#ahead === null) return null;
    const at = Math.floor(asked + this.#ahead) - COPYING_MS;
    await moveIdleClocks(pool, this.#topic, bounds, at);
    return at;
  }

  async #round(client: ClientBase, topic: Topic, reachedNow: number | null): Promise<boolean> {
    const held = await this.#hold(client);
    if (held === null) return false;
    const { clock } = this.#deps;
    const { overview } = held;
    const now = clock.monotonic();
    const mayHoldUp = this.#inReachSince === null || now - this.#inReachSince < PATIENCE_MS;
    const { first, last } = await readClocks(client, topic, mayHoldUp);
    if (last !== null) this.#ahead = Math.max(this.#ahead ?? -Infinity, last - now);
    if (reachedNow !== null) {
      const spell = { from: held.reached, until: reachedNow };
      if (this.#wasAway && held.reached > 0 && spell.until - spell.from > SPELL_MS) {
        overview.blind(spell);
        held.spells = [...held.spells, spell].slice(-SPELLS);
      }
      this.#wasAway = false;
      held.reached = Math.max(held.reached, reachedNow);
    }
    const until = Math.min(first ?? 0, held.reached);
    const more = until > overview.now && await this.#decide(client, overview, until);
    const { rows: [{ round }] } = await client.query(
      `UPDATE alert_rounds
       SET round = round + 1, held_at = clock_timestamp(), now = $1, reached = $2, spells = $3
       RETURNING round::text`,
      [overview.now, held.reached, JSON.stringify(held.spells)],
    );
    this.#held = { ...held, round };
    return more;
  }

  /** Locks the rounds for this one; null where another alerter holds them. */
  async #hold(client: ClientBase): Promise<Held | null> {
    const { rows: [row] } = await client.query(
      `SELECT round::text, now, reached, spells FROM alert_rounds
       WHERE ${MINE} FOR UPDATE SKIP LOCKED`,
      [this.#held?.round ?? null],
    );
    const held = this.#held;
    this.#held = null;
    if (!row || row.round === held?.round) return row ? held : null;
    const { rows: sites } = await client.query("SELECT site_id, state FROM site_states");
    const { rows: agents } = await client.query("SELECT agent, state FROM agent_states");
    await this.#learnSites(client, sites.map(({ site_id }) => site_id));
    const overview = new Overview({
      now: Number(row.now),
      sites: sites.map(({ site_id, state }) => [site_id, state]),
      agents: agents.map(({ agent, state }) => [agent, state]),
    }, { policyOf: (id) => this.#sites.policyOf(id), spells: row.spells });
    return { round: row.round, overview, reached: Number(row.reached), spells: row.spells };
  }

  /** @returns Whether there is more to decide up to `until` */
  async #decide(client: ClientBase, overview: Overview, until: number): Promise<boolean> {
    const { route } = this.#deps;
    const { passed, events: ofPassed } = await passVotes(client, until, MOST);
    await addEvents(client, ofPassed);
    const events = await takeEvents(client, passed, MOST);
    await this.#learnSites(client, events.flatMap(({ site }) => site || []));
    for (const event of events) overview.take(event);
    const isAll = events.length < MOST;
    if (isAll) overview.passTo(passed);
    const found = overview.changes();
    await saveStates(client, found);
    await storeChanges(client, found.changes, {
      route,
      aboutOf: (subject) =>
        "agent" in subject
          ? { name: subject.agent, url: "", channels: null, labels: {} }
          : this.#sites.aboutOf(subject.site),
    });
    return !isAll || passed < until;
  }

  async #learnSites(client: ClientBase, ids: readonly number[]): Promise<void> {
    const missing = [...new Set(ids)].filter((id) => !this.#sites.has(id));
    if (missing.length === 0) return;
    const { rows } = await client.query("SELECT id, name, url FROM sites WHERE id = ANY ($1)", [
      missing,
    ]);
    for (const { id, name, url } of rows) this.#sites.add(id, { name, url });
  }
}

/** SQL: the rounds are ours, or nobody's. */
const MINE = `(round = $1 OR held_at < now() - interval '${HELD_MS} ms')`;

async function saveStates(client: ClientBase, { sites, agents }: Changes): Promise<void> {
  await save(client, "site_states", "site_id int4", sites);
  await save(client, "agent_states", "agent uuid", agents);
}

/** Most rounds change nothing, and cost no statement. @param key Its column and type */
async function save(
  client: ClientBase,
  table: string,
  key: string,
  states: ReadonlyMap<string | number, object | null>,
): Promise<void> {
  if (states.size === 0) return;
  const [column] = key.split(" ") as [string];
  const all = Array.from(states, ([id, state]) => ({ [column]: id, state }));
  await client.query(
    `WITH given AS (
       SELECT * FROM jsonb_to_recordset($1) AS s(${key}, state jsonb)
     ), gone AS (
       DELETE FROM ${table} USING given WHERE ${table}.${column} = given.${column}
         AND given.state IS NULL
     )
     INSERT INTO ${table} (${column}, state)
     SELECT ${column}, state FROM given WHERE state IS NOT NULL
     ON CONFLICT (${column}) DO UPDATE SET state = excluded.state`,
    [JSON.stringify(all)],
  );
}
