/** Incidents and what is owed for them, as the sink leaves them, and alerters that send it. */
import { type SenderDeps, sendNotifications } from "../../../alerts/outbox/sender.ts";
import { newSenderStats } from "../../../alerts/outbox/stats.ts";
import { waitFor } from "../../../local/wait.ts";
import { systemClock } from "../../../runtime/clock.ts";
import type { OwnDatabase } from "../../db/fixture.ts";
import { recordingLog } from "../../support/recording_log.ts";

export const WAIT_MS = 60_000;

/** Of each site, its name, and an incident that is open. */
export async function addIncidents(
  { rows }: Pick<OwnDatabase, "rows">,
  count: number,
  { host = (n: number) => `site-${n}.example`, kind = "down", cause = "status 503" } = {},
): Promise<void> {
  const sites = Array.from({ length: count }, (_, n) => ({
    identity: crypto.randomUUID(),
    name: `site ${n + 1}`,
    url: `https://${host(n + 1)}/${n + 1}`,
  }));
  await rows("SELECT httpmon_learn('sites', $1)", [JSON.stringify(sites)]);
  await rows(
    `INSERT INTO incidents (site_id, kind, severity, opened_at, cause, locations, evidence)
     SELECT id, $1, 'critical', now() - interval '5 min', $2, '{eu-west}', '[]'
     FROM sites WHERE name = ANY ($3) ORDER BY length(name), name`,
    [kind, cause, sites.map(({ name }) => name)],
  );
}

/** Owes an event of each incident, or of those of these sites, to a channel. */
export async function owe(
  { rows }: Pick<OwnDatabase, "rows">,
  channel: string,
  event: string,
  sites?: readonly string[],
): Promise<void> {
  if (event === "resolved") {
    await rows(
      `UPDATE incidents SET closed_at = now() WHERE $1::text[] IS NULL OR site_id IN (
         SELECT id FROM sites WHERE name = ANY ($1))`,
      [sites ?? null],
    );
  }
  await rows(
    `INSERT INTO notifications (incident_id, channel, event)
     SELECT i.id, $1, $2 FROM incidents AS i JOIN sites AS s ON s.id = i.site_id
     WHERE $3::text[] IS NULL OR s.name = ANY ($3) ORDER BY i.id`,
    [channel, event, sites ?? null],
  );
}

/** Runs `count` alerters' senders while `work` is done. @returns What was logged */
export async function withSenders(
  { pool }: OwnDatabase,
  channels: SenderDeps["channels"],
  work: () => Promise<void>,
  { count = 1, ...deps }: { count?: number } & Partial<SenderDeps> = {},
) {
  const controller = new AbortController();
  const log = recordingLog();
  const running = Array.from({ length: count }, () =>
    sendNotifications({
      pool,
      channels,
      fetch,
      clock: systemClock,
      log,
      signal: controller.signal,
      stats: newSenderStats(Object.keys(channels)),
      link: null,
      groupWaitMs: 0,
      timeoutMs: WAIT_MS,
      sitesAt: () => 1,
      firstWaitMs: 20,
      ...deps,
    }));
  try {
    await work();
  } finally {
    controller.abort();
    await Promise.all(running);
  }
  return log.lines;
}

/** Waits until nothing is owed. */
export async function allSent({ value }: Pick<OwnDatabase, "value">): Promise<void> {
  const done = "SELECT count(*) = 0 FROM notifications WHERE state = 'pending'";
  await waitFor("nothing is owed", async () => await value(done) === true, WAIT_MS);
}
