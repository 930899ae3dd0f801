import type { Config, Site } from "../../config/types.ts";
import type { Clock } from "../../runtime/clock.ts";
import { check, type CheckDeps } from "../check/check.ts";
import { checkKit } from "../check/check_kit.ts";
import { siteRequest } from "../check/site_requests.ts";
import { createClients } from "../clients.ts";
import { Limiter } from "../condition/limiter.ts";
import { Inspector } from "../inspect/inspector.ts";
import { warmUp } from "./warm_up.ts";

/** Stands for the agent in a result that no agent made, where the config names none. */
const NO_AGENT = "00000000-0000-0000-0000-000000000000";

/** A check connects to no more addresses at a time. */
const MAX_SOCKETS = 8;

/** Checks sites outside of any schedule. */
export function checker(
  agent: Config["agent"],
  clock: Clock,
  onInspectionFailed: (error: string) => void = () => {},
) {
  const clients = createClients(clock, agent);
  const inspector = new Inspector(clock, 1);
  const kit = checkKit({
    config: agent,
    agentUUID: agent.uuid ?? NO_AGENT,
    clients,
    clock,
    places: new Limiter(MAX_SOCKETS),
    maxBodyBytes: Infinity,
    inspector,
  });
  const deps: CheckDeps = {
    ...kit,
    timestamp: () => BigInt(clock.now()) * 1_000n,
    onInspectionFailed: (_, error) => onInspectionFailed(error),
  };
  return {
    warm(site: Site, signal: AbortSignal): Promise<void> {
      const { tls } = siteRequest(site);
      return warmUp(clients[site.client], site.client === "timed" ? { tls } : {}, clock, signal);
    },
    run: (site: Site, signal: AbortSignal) => check(site, signal, deps),
    async close(): Promise<void> {
      kit.loop.stop();
      kit.requests.close();
      clients.timed.close();
      await inspector.close();
    },
  };
}
