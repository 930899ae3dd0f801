import process from "node:process";
import type { Config, Site } from "../config/types.ts";
import type { Clock } from "../runtime/clock.ts";
import { EXIT, type ExitCode } from "../runtime/exit_codes.ts";
import type { ModeContext } from "../runtime/mode_context.ts";
import { encode } from "../wire/encode.ts";
import { CertificatesSeen } from "./certificates_seen.ts";
import { check, type Checked } from "./check.ts";
import { findTarget } from "./check_target.ts";
import { createClients } from "./clients.ts";
import { askControlBy } from "./control.ts";
import { Allowances } from "./http/allowance.ts";
import { Inspector } from "./inspect/inspector.ts";
import { Limiter } from "./limiter.ts";
import { LoopWatch } from "./loop_watch.ts";
import { MaintenanceCalendar } from "./maintenance.ts";
import { Network } from "./network.ts";
import { paintFor } from "./show/paint.ts";
import { reportOf } from "./show/report.ts";
import { PLAIN, type Style } from "./show/style.ts";
import { siteRequest, SiteRequests } from "./site_requests.ts";
import { warmUp } from "./warm_up.ts";

/** Stands for the agent in a result that no agent made, where the config names none. */
const NO_AGENT = "00000000-0000-0000-0000-000000000000";

/** A check connects to no more addresses at a time. */
const MAX_SOCKETS = 8;

/**
 * Mode "check": makes one check of a site and prints all that was seen of it, or with --json the
 * result as an agent would publish it. Needs no Kafka, keeps nothing.
 *
 * @returns 0 for up and degraded, 1 for down and unknown, and where it was stopped
 * @throws {UsageError} Where there is no such site
 */
export async function checkMode(
  { config, configSource, options, clock, signal }: ModeContext,
): Promise<ExitCode> {
  const site = findTarget(options.target!, config, configSource.file);
  const checked = await checkOnce(site, config.agent, clock, signal);
  if (!checked) {
    console.error("httpmon: Stopped before the end of the check");
    return EXIT.failed;
  }
  console.log(
    options.json ? encode(checked.message) : reportOf(site, checked, clock.now(), styleOfOutput()),
  );
  const { verdict } = checked.message;
  return verdict === "up" || verdict === "degraded" ? EXIT.done : EXIT.failed;
}

async function checkOnce(
  site: Site,
  { uuid, location, labels, controls }: Config["agent"],
  clock: Clock,
  signal: AbortSignal,
): Promise<Checked | null> {
  const clients = createClients(clock);
  const inspector = new Inspector(clock, 1);
  const requests = new SiteRequests(clients, clock);
  const loop = new LoopWatch(clock);
  try {
    const { tls } = siteRequest(site);
    await warmUp(clients[site.client], site.client === "timed" ? { tls } : {}, clock, signal);
    loop.start();
    return await check(site, signal, {
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
      onInspectionFailed: (_, error) => console.error(`httpmon: ${error}`),
    });
  } finally {
    loop.stop();
    requests.close();
    clients.timed.close();
    await inspector.close();
  }
}

function styleOfOutput(): Style {
  const { isTTY, columns } = process.stdout;
  if (!isTTY) return PLAIN;
  return { paint: paintFor(true, process.env.NO_COLOR), columns: columns ?? null };
}
