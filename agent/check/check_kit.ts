import type { AgentConfig } from "../../config/types.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Clients } from "../clients.ts";
import { Allowances } from "../condition/allowance.ts";
import { askControlBy, Network } from "../condition/network.ts";
import type { Limiter } from "../condition/limiter.ts";
import { LoopWatch } from "../condition/loop_watch.ts";
import type { Inspector } from "../inspect/inspector.ts";
import { CertificatesSeen } from "./certificates_seen.ts";
import { MaintenanceCalendar } from "./maintenance.ts";
import { SiteRequests } from "./site_requests.ts";

/** What an agent, or mode "check", is and has. */
export interface KitOptions {
  config: Pick<AgentConfig, "location" | "labels" | "controls">;
  agentUUID: string;
  clients: Clients;
  clock: Clock;
  /** For what a check connects to beside its own place. */
  places: Limiter;
  /** What the bodies that checks hold may take together. */
  maxBodyBytes: number;
  inspector: Inspector;
  onStall?: (ms: number) => void;
}

/** All that checks are made with, but for their timestamps; `end` lets go of it. */
export function checkKit(options: KitOptions) {
  const { config, agentUUID, clients, clock, inspector } = options;
  const loop = new LoopWatch(clock, options.onStall);
  const requests = new SiteRequests(clients, clock);
  loop.start();
  return {
    clients,
    clock,
    agent: { agentUUID, location: config.location, labels: config.labels },
    requests,
    allowances: new Allowances(options.maxBodyBytes, options.places),
    inspect: inspector.inspect.bind(inspector),
    loop,
    network: new Network({ clock, controls: config.controls, ask: askControlBy(clients.timed) }),
    certificates: new CertificatesSeen(clock),
    maintenance: new MaintenanceCalendar(),
  };
}
