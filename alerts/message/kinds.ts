import type { Incident } from "./message.ts";

/** What is said of a kind: while it lasts of one and of several, once it is over, and whose it is. */
interface KindWords {
  is: string;
  are: string;
  /** In the past, of one and of several, where that is not "was" or "were". */
  did?: string;
  over: string;
  whose: string;
}

const KINDS: Record<string, KindWords> = {
  down: { is: "is down", are: "are down", over: "up again", whose: "the site" },
  degraded: { is: "is degraded", are: "are degraded", over: "well again", whose: "the site" },
  unobserved: {
    is: "is not observed",
    are: "are not observed",
    over: "observed again",
    whose: "the monitor: nobody says how the site is",
  },
  agent_silent: {
    is: "is silent",
    are: "are silent",
    over: "heard again",
    whose: "the monitor: the agent, or its way to the broker",
  },
  agent_network: {
    is: "has lost most of its sites, alone",
    are: "have lost most of their sites, alone",
    did: "had lost most of its sites, alone",
    over: "seeing its sites again",
    whose: "the monitor: the agent, or its network",
  },
  slo_fast: {
    is: "misses its objective fast",
    are: "miss their objectives fast",
    did: "missed its objective fast",
    over: "missing its objective no more",
    whose: "the site",
  },
  slo_slow: {
    is: "misses its objective",
    are: "miss their objectives",
    did: "missed its objective",
    over: "missing its objective no more",
    whose: "the site",
  },
  channel_failed: {
    is: "takes no notifications",
    are: "take no notifications",
    did: "took no notifications",
    over: "taking notifications again",
    whose: "the channel, or the way to it",
  },
};

export function kindOf({ kind }: Pick<Incident, "kind">): KindWords {
  const words = kind.replaceAll("_", " ");
  return KINDS[kind] ??
    { is: `has ${words}`, are: `have ${words}`, over: `without ${words} again`, whose: "" };
}
