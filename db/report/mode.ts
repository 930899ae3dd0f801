import { EXIT, type ExitCode } from "../../runtime/cli/exit_codes.ts";
import type { ModeContext } from "../../runtime/cli/mode_context.ts";
import { withOutput } from "../../runtime/cli/output.ts";
import { createPool } from "../connect/pool.ts";
import { withPool } from "../connect/with_pool.ts";
import { withClient } from "../connect/transaction.ts";
import {
  checkClosed,
  checkKept,
  freeze,
  monthOf,
  reportOf,
  type SiteReport,
  sitesOf,
} from "./figures.ts";
import { asHtml, asText } from "./render.ts";

const PROGRESS_EVERY = 500;

/**
 * Mode "report": a month of each site, or of one. With `--freeze` its figures are kept for good; with
 * `--verify` those that were kept are held against the record, and a difference is exit status 1.
 */
export async function reportMode(context: ModeContext): Promise<ExitCode> {
  const { config, options, log, clock, signal } = context;
  const month = monthOf(options.month ?? lastMonth(clock.now()), clock.now());
  const pool = createPool(config.database!.dsn, {
    max: 1,
    applicationName: "httpmon-report",
    queryTimeoutMs: 0,
    log,
  });
  return await withPool(pool, () =>
    withClient(pool, async (client) => {
      if (options.freeze) await checkClosed(client, month, clock.now());
      if (options.freeze || options.verify) await checkKept(client, month);
      const sites = await sitesOf(client, month, options.site);
      const reports: SiteReport[] = [];
      let revisions = 0;
      for (const [index, site] of sites.entries()) {
        if (signal.aborted) return EXIT.done;
        if (index > 0 && index % PROGRESS_EVERY === 0) {
          console.error(`${index} of ${sites.length} sites`);
        }
        if (options.freeze) {
          const { report, revision } = await freeze(client, month, site);
          if (revision !== null) revisions++;
          reports.push(report);
        } else reports.push(await reportOf(client, month, site));
      }
      if (options.freeze) console.error(`Froze ${revisions} new figures of ${sites.length} sites`);
      if (options.verify) return verify(reports);
      const text = options.format === "html"
        ? asHtml(month, reports)
        : options.format === "json"
        ? `${JSON.stringify({ month, sites: reports }, null, 2)}\n`
        : asText(month, reports, options.site !== null);
      return await withOutput(signal, async (print) => {
        await print(text);
        return EXIT.done;
      });
    }));
}

function verify(reports: readonly SiteReport[]): ExitCode {
  const frozen = reports.filter((report) => report.frozen !== null);
  const changed = frozen.filter((report) => report.frozen!.changedSince);
  for (const { site, frozen } of changed) {
    console.log(`${site}: differs from revision ${frozen!.revision} of ${frozen!.at}`);
  }
  console.log(`${frozen.length} frozen sites, ${changed.length} differ from the record`);
  return changed.length === 0 ? EXIT.done : EXIT.failed;
}

function lastMonth(now: number): string {
  const date = new Date(now);
  return new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() - 1)).toISOString().slice(
    0,
    7,
  );
}
