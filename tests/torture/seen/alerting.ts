import { type Answer, type Received, SECRET, startReceiver } from "../../alerts/receiver.ts";
import { until } from "../patience.ts";
import type { Sites } from "../load/sites.ts";

/** A time in which a site was down, as the harness made it; milliseconds since 1970. */
export interface Outage {
  url: string;
  from: number;
  /** Null: it is down still. */
  to: number | null;
}

/** What a channel's receiver took, in its order, repetitions too. */
export interface Taken {
  channel: string;
  messages: readonly Received[];
  /** Whether it is told of the agent's sites. */
  isOfSites: boolean;
  /** What was not signed, or not now. */
  unsigned: readonly string[];
}

/** Results in a row that open an incident; one more, as one may be cut short or unknown. */
const ENOUGH = 4;
/** Those that are told of the agent's sites; a third one is of what the load makes of others. */
const CHANNELS = ["calm", "rough"] as const;
const OTHERS = "others";

type Receiver = Awaited<ReturnType<typeof startReceiver>>;

/** Outages of the agent's sites, and who is told of them. */
export class Alerting {
  readonly outages: Outage[] = [];
  /** How the receiver of the channel "rough" answers from now on. */
  answer: () => Answer = () => "take";
  readonly #sites: Sites;
  readonly #receivers = new Map<string, Receiver>();

  private constructor(sites: Sites) {
    this.#sites = sites;
  }

  static async start(sites: Sites): Promise<Alerting> {
    const alerting = new Alerting(sites);
    for (const name of [...CHANNELS, OTHERS]) {
      const answer = () => name === "rough" ? alerting.answer() : "take";
      alerting.#receivers.set(name, await startReceiver(answer));
    }
    return alerting;
  }

  /** What is added to the config. */
  get config() {
    return {
      alerts: {
        channels: Object.fromEntries(
          [...this.#receivers].map(([name, { channel }]) => [name, { ...channel, secret: SECRET }]),
        ),
        routes: [{ channels: [OTHERS] }],
        group_wait: 2,
      },
      defaults: { channels: CHANNELS },
    };
  }

  /** Whether a message is under way to the channel "rough". */
  get isUnderWay(): boolean {
    return this.#receivers.get("rough")!.open() > 0;
  }

  /** These sites are down, until they have answered so often enough. */
  async goDown(urls: readonly string[]): Promise<void> {
    this.outages.push(...urls.map((url) => ({ url, from: Date.now(), to: null })));
    await this.#set(urls);
  }

  /** So many of those that are down, or all of them, are up again. */
  async comeUp(count = Infinity): Promise<void> {
    const over = this.outages.filter(({ to }) => to === null).slice(0, count);
    for (const outage of over) outage.to = Date.now();
    await this.#set(over.map(({ url }) => url));
  }

  async #set(changed: readonly string[]): Promise<void> {
    const sites = this.#sites;
    await sites.setDown(this.outages.filter(({ to }) => to === null).map(({ url }) => url));
    await until("the sites to be asked", async () => await sites.answers(changed) >= ENOUGH);
  }

  /** Whether each channel was told of all outages so far, and of the ends of those that are over. */
  allTold(): boolean {
    return CHANNELS.every((name) => {
      const told = new Set(
        this.#receivers.get(name)!.taken.flatMap(({ notice }) =>
          (notice.incidents ?? [notice.incident]).flatMap(({ url }) => [
            `${notice.event} ${url}`,
            ...notice.includesOpening ? [`opened ${url}`] : [],
          ])
        ),
      );
      return this.outages.every(({ url, to }) =>
        told.has(`opened ${url}`) && (to === null || told.has(`resolved ${url}`))
      );
    });
  }

  get taken(): Taken[] {
    return [...this.#receivers].map(([channel, { taken: messages, wrong: unsigned }]) => ({
      channel,
      messages,
      isOfSites: channel !== OTHERS,
      unsigned,
    }));
  }

  async close(): Promise<void> {
    for (const receiver of this.#receivers.values()) await receiver[Symbol.asyncDispose]();
  }
}
