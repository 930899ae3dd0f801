import type { AgentConfig, Site } from "../config/types.ts";
import type { Clock } from "../runtime/clock.ts";
import { NetworkRules } from "./http/networks.ts";
import { createPlatformFetchClient } from "./http/platform_fetch.ts";
import { createTimedClient, type TimedClient } from "./http/timed/client.ts";
import type { HttpClient } from "./http/types.ts";

/** The client for each value of a site's `client`. */
export type Clients = Readonly<Record<Site["client"], HttpClient>>;

/** Both clients; `timed` keeps connections of `connection: reuse`, and is to be closed at the end. */
export function createClients(
  clock: Clock,
  { denyNetworks }: Pick<AgentConfig, "denyNetworks">,
): Clients & { readonly timed: TimedClient } {
  const networks = new NetworkRules(denyNetworks ?? undefined);
  return {
    timed: createTimedClient({ clock, networks }),
    fetch: createPlatformFetchClient({ clock, networks }),
  };
}
