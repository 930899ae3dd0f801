import { once } from "node:events";
import net, { isIP } from "node:net";
import { type Clock, sleep } from "../../runtime/clock.ts";
import { bareHost } from "../../runtime/host_port.ts";
import { keep } from "../bounded_map.ts";
import { type AgentState, BY_LOST_NETWORK } from "../check/judge.ts";
import type { FailureClass } from "../http/errors.ts";
import type { HttpClient, HttpRecord } from "../http/types.ts";

/** Whether a control ("host:port" or a URL) answers; has a second for it. */
type AskControl = (control: string, signal: AbortSignal) => Promise<boolean>;

interface NetworkOptions {
  clock: Clock;
  /** What should answer wherever there is a network; none: what all sites do at once tells. */
  controls: readonly string[];
  ask: AskControl;
}

/** Controls are not asked more often, and answer within this or not at all. */
const ASK_EVERY_MS = 5_000;
const ANSWER_WITHIN_MS = 1_000;

/** Silence of so many hosts, at so many places, within this is one trouble near us. */
const SILENCE_MS = 30_000;
const MIN_HOSTS = 5;
const MIN_PLACES = 3;
/** The last ones tell enough, of thousands on one address. */
const MAX_HOSTS = 100;

/** Nothing came back. */
const SILENT: ReadonlySet<FailureClass> = new Set<FailureClass>([
  "timeout",
  "dns_failed",
  "resolver_silent",
  "connection_timeout",
  "unreachable",
  "no_route",
]);

/** The host's name could not be resolved. */
const NAMELESS: ReadonlySet<FailureClass> = new Set<FailureClass>([
  "dns_failed",
  "resolver_silent",
]);

/** Nothing was asked of the network. */
const NOTHING_ASKED: ReadonlySet<FailureClass> = new Set<FailureClass>([
  "aborted",
  "no_descriptors",
  "no_memory",
  "no_permission",
  "no_token",
  "not_made",
]);

/** Knows whether the agent's own network, or its resolver, is away. */
export class Network {
  #options: NetworkOptions;
  #all = new Silence();
  #names = new Silence();
  /** Until the resolver says anything of a name. */
  #resolver = new Outage();
  #controls = new Outage();
  /** Host -> the address that it last answered from. */
  #addresses = new Map<string, string>();
  /** URL -> its host. */
  #hosts = new Map<string, string | null>();
  #asked: { at: number; answers: Promise<boolean> } | null = null;

  constructor(options: NetworkOptions) {
    this.#options = options;
  }

  /**
   * Takes note of an exchange, and says how the network is. Where it failed, that is for the next
   * question to the controls to say, for which it waits: an outage that begins and ends between two
   * questions is not seen.
   *
   * @param start Monotonic time at which it began
   * @param signal Ends the wait for controls
   */
  async after(
    url: string,
    record: HttpRecord,
    isProxied: boolean,
    start: number,
    signal: AbortSignal,
  ): Promise<Omit<AgentState, "loopDelayMs">> {
    this.#note(record, record.hops.at(-1)?.url ?? url, isProxied);
    const resolverLost = this.#names.outage.covers(start) || this.#resolver.covers(start);
    const { controls } = this.#options;
    if (controls.length === 0) return { networkLost: this.#all.outage.covers(start), resolverLost };
    const failure = record.error?.class;
    if (failure === undefined || !BY_LOST_NETWORK.has(failure)) {
      return { networkLost: false, resolverLost };
    }
    return { networkLost: !await this.#controlsAnswer(start, signal), resolverLost };
  }

  /** Forgets the hosts that are not among `hosts`. */
  keep(hosts: ReadonlySet<string>): void {
    for (const host of this.#addresses.keys()) if (!hosts.has(host)) this.#addresses.delete(host);
    this.#all.keep(hosts);
    this.#names.keep(hosts);
  }

  #note(record: HttpRecord, url: string, isProxied: boolean): void {
    const { error, status, addresses, remoteAddress, phases } = record;
    const host = this.#hosts.get(url) ?? keep(this.#hosts, url, hostOf(url));
    // A proxy that answers shows that there is a network; what it reaches or not is not ours to see.
    if (host === null || (error && (isProxied || NOTHING_ASKED.has(error.class)))) return;
    const now = this.#options.clock.monotonic();
    const known = addresses?.[0] ?? this.#addresses.get(host);
    const failure = error?.class;
    if (remoteAddress !== null && !isProxied) this.#addresses.set(host, remoteAddress);
    // A name that never was is a typing error; one that was, and is not, may be a resolver cut off.
    const isGone = failure === "dns_not_found" && known !== undefined;
    const place = known ?? (isIP(host) ? host : zoneOf(host));

    // What hangs after it began to answer is there.
    const isSilent = failure && status === null && (SILENT.has(failure) || isGone);
    if (isSilent) this.#all.add(host, place, now);
    else if (failure !== "dns_not_found") this.#all.end(host, now);

    const isFound = isIP(host) === 0 && (addresses !== undefined || (status !== null && !phases));
    if (failure && (NAMELESS.has(failure) || isGone)) this.#names.add(host, place, now);
    else if (isFound) this.#names.end(host, now);

    if (failure === "resolver_silent") this.#resolver.begin();
    else if (isFound || error?.atLookup || failure?.startsWith("dns_")) this.#resolver.end(now);
  }

  /** Whether a control answers after what just failed, and none was in vain since it began. */
  async #controlsAnswer(start: number, signal: AbortSignal): Promise<boolean> {
    const { clock } = this.#options;
    const failedAt = clock.monotonic();
    while (!signal.aborted) {
      const asked = this.#asked;
      const wait = asked ? asked.at + ASK_EVERY_MS - clock.monotonic() : 0;
      // That they answered while it was tried says nothing of the time after.
      if (asked && asked.at >= failedAt) {
        return await asked.answers && !this.#controls.covers(start);
      } else if (asked && wait > 0) {
        // Nobody answered just now: it is not asked again so soon.
        if (!await asked.answers) return false;
        await sleep(clock, wait, signal);
      } else {
        const at = clock.monotonic();
        const answers = this.#ask().then((answer) => {
          if (answer) this.#controls.end(at);
          else this.#controls.begin();
          return answer;
        });
        this.#asked = { at, answers };
      }
    }
    return true;
  }

  /** Whether one of the controls answers. */
  #ask(): Promise<boolean> {
    const { controls, ask, clock } = this.#options;
    const ending = new AbortController();
    return new Promise((resolve) => {
      const end = (answers: boolean) => {
        cancel();
        ending.abort();
        resolve(answers);
      };
      const cancel = clock.after(ANSWER_WITHIN_MS, () => end(false));
      const all = controls.map(async (control) => {
        if (await ask(control, ending.signal).catch(() => false)) end(true);
      });
      void Promise.all(all).then(() => end(false));
    });
  }
}

/** A time of trouble. What began before its end may have met it, though it failed after. */
class Outage {
  #until = -Infinity;

  get isOn(): boolean {
    return this.#until === Infinity;
  }

  begin(): void {
    this.#until = Infinity;
  }

  end(now: number): void {
    if (this.isOn) this.#until = now;
  }

  /** @param start Monotonic */
  covers(start: number): boolean {
    return this.#until > start;
  }
}

/** Hosts that fell silent since one last answered. */
class Silence {
  /** While so many are silent that it is one trouble near us; until one answers. */
  readonly outage = new Outage();
  /** In the order in which they did. */
  #hosts = new Map<string, { place: string; at: number }>();
  /** Silent at their last check: that they still are tells nothing. */
  #before = new Set<string>();

  add(host: string, place: string, now: number): void {
    if (!this.#before.has(host)) this.#hosts.set(host, { place, at: now });
    this.#before.add(host);
    if (this.outage.isOn) return;
    for (const [each, { at }] of this.#hosts) {
      if (now - at <= SILENCE_MS && this.#hosts.size <= MAX_HOSTS) break;
      this.#hosts.delete(each);
    }
    const places = new Set([...this.#hosts.values()].map(({ place }) => place));
    if (this.#hosts.size >= MIN_HOSTS && places.size >= MIN_PLACES) this.outage.begin();
  }

  end(host: string, now: number): void {
    this.#before.delete(host);
    this.#hosts.clear();
    this.outage.end(now);
  }

  keep(hosts: ReadonlySet<string>): void {
    for (const host of this.#before) if (!hosts.has(host)) this.#before.delete(host);
  }
}

/** The host of a URL, or null. */
export function hostOf(url: string): string | null {
  return bareHost(URL.parse(url)?.hostname ?? "") || null;
}

/** Names under one may share what fails: the last two labels. */
function zoneOf(host: string): string {
  return host.split(".").slice(-2).join(".");
}

/** Asks a URL for any response, and "host:port" for a connection. */
export function askControlBy(client: HttpClient): AskControl {
  return async (control, signal) => {
    if (!control.includes("://")) return await connects(control, signal);
    const request = { url: control, method: "HEAD", followRedirects: false };
    return (await client(request, signal)).status !== null;
  };
}

async function connects(control: string, signal: AbortSignal): Promise<boolean> {
  const { hostname, port } = new URL(`tcp://${control}`);
  const socket = net.connect({ host: bareHost(hostname), port: Number(port) });
  // Stays for the socket's life: an error with nobody to hear it would end the process.
  socket.on("error", () => {});
  return await once(socket, "connect", { signal }).then(() => true, () => false)
    .finally(() => socket.destroy());
}
