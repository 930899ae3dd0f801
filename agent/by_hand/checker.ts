import type { Config, Site } from "../../config/types.ts";
import type { Clock } from "../../runtime/clock.ts";
import { CertificatesSeen } from "../check/certificates_seen.ts";
import { check, type CheckDeps } from "../check/check.ts";
import { MaintenanceCalendar } from "../check/maintenance.ts";
import { siteRequest, SiteRequests } from "../check/site_requests.ts";
import { createClients } from "../clients.ts";
import { askControlBy } from "../condition/control.ts";
import { Limiter } from "../condition/limiter.ts";
import { LoopWatch } from "../condition/loop_watch.ts";
import { Network } from "../condition/network.ts";
import { Allowances } from "../condition/allowance.ts";
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
  const { uuid, location, labels, controls } = agent;
  const clients = createClients(clock, agent);
  const inspector = new Inspector(clock, 1);
  const requests = new SiteRequests(clients, clock);
  const loop = new LoopWatch(clock);
  const deps: CheckDeps = {
    clients,
    clock,
    agent: { agentUUID: uuid ?? NO_AGENT, location, labels },
    timestamp: () => BigInt(clock.now()) * 1_000n,
    requests,
    inspect: (inspection, limitMs) => inspector.inspect(inspection, limitMs),
    allowances: new Allowances(Infinity, new Limiter(MAX_SOCKETS)),
    loop,
    network: new Network({ clock, controls, ask: askControlBy(clients.timed) }),
    certificates: new CertificatesSeen(clock),
    maintenance: new MaintenanceCalendar(),
    onInspectionFailed: (_, error) => onInspectionFailed(error),
  };
  loop.start();
  return {
    warm(site: Site, signal: AbortSignal): Promise<void> {
      const { tls } = siteRequest(site);
      return warmUp(clients[site.client], site.client === "timed" ? { tls } : {}, clock, signal);
    },
    run: (site: Site, signal: AbortSignal) => check(site, signal, deps),
    async close(): Promise<void> {
      loop.stop();
      requests.close();
      clients.timed.close();
      await inspector.close();
    },
  };
}
