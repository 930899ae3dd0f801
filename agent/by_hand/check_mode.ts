import process from "node:process";
import type { Config, Site } from "../../config/types.ts";
import type { Clock } from "../../runtime/clock.ts";
import { EXIT, type ExitCode } from "../../runtime/exit_codes.ts";
import type { ModeContext } from "../../runtime/mode_context.ts";
import { encode } from "../../wire/encode.ts";
import { CertificatesSeen } from "../check/certificates_seen.ts";
import { check, type CheckDeps, type Checked } from "../check/check.ts";
import { withOptions } from "./check_overrides.ts";
import { findTarget } from "./check_target.ts";
import { createClients } from "../clients.ts";
import { askControlBy } from "../condition/control.ts";
import { Allowances } from "../condition/allowance.ts";
import { Inspector } from "../inspect/inspector.ts";
import { Limiter } from "../condition/limiter.ts";
import { LoopWatch } from "../condition/loop_watch.ts";
import { MaintenanceCalendar } from "../check/maintenance.ts";
import { Network } from "../condition/network.ts";
import { repeatsOf } from "./show/repeats.ts";
import { reportOf } from "./show/report.ts";
import { paintFor, PLAIN, type Style } from "./show/style.ts";
import { siteRequest, SiteRequests } from "../check/site_requests.ts";
import { warmUp } from "./warm_up.ts";

/** Stands for the agent in a result that no agent made, where the config names none. */
const NO_AGENT = "00000000-0000-0000-0000-000000000000";

/** A check connects to no more addresses at a time. */
const MAX_SOCKETS = 8;

/**
 * Mode "check": checks sites now, one after the other, and prints all that was seen of each, or with
 * --json the results as an agent would publish them. Needs no Kafka, keeps nothing.
 *
 * @returns 0 where all are up or degraded, 1 where one is down or unknown, or it was stopped
 * @throws {UsageError} Where there is no such site
 */
export async function checkMode(
  { config, configSource: { file, cwd }, options, clock, signal }: ModeContext,
): Promise<ExitCode> {
  const sites = options.args.map((target) =>
    withOptions(findTarget(target, config, file), options, cwd)
  );
  const style = { ...styleOfOutput(), isVerbose: options.verbose };
  let code: ExitCode = EXIT.done;
  const { warm, run, close } = checker(config.agent, clock);
  try {
    for (const [i, site] of sites.entries()) {
      const all: Checked[] = [];
      await warm(site, signal);
      while (all.length < options.repeat) {
        const checked = await run(site, signal);
        if (!checked) {
          console.error("httpmon: Stopped before the end of the check");
          return EXIT.failed;
        }
        if (options.json) console.log(encode(checked.message));
        all.push(checked);
      }
      const isFine = all.every(({ message: { verdict } }) => /up|degraded/.test(verdict!));
      if (!isFine) code = EXIT.failed;
      if (options.json) continue;
      if (i > 0) console.log();
      const [first] = all as [Checked];
      console.log(
        options.repeat > 1
          ? repeatsOf(site, all, style)
          : reportOf(site, first, clock.now(), style),
      );
    }
    return code;
  } finally {
    await close();
  }
}

/** Checks sites outside of any schedule. */
function checker(agent: Config["agent"], clock: Clock) {
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
    onInspectionFailed: (_, error) => console.error(`httpmon: ${error}`),
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

function styleOfOutput(): Style {
  const { isTTY, columns } = process.stdout;
  if (!isTTY) return PLAIN;
  return { paint: paintFor(true, process.env.NO_COLOR), columns: columns ?? null };
}
