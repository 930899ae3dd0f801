import { createAdaptorServer } from "@hono/node-server";
import type { Server } from "node:http";
import { resolve } from "node:path";
import { createPool, READ_ONLY } from "../db/connect/pool.ts";
import { withPool } from "../db/connect/with_pool.ts";
import { aborted, within } from "../runtime/abort.ts";
import { EXIT, type ExitCode } from "../runtime/cli/exit_codes.ts";
import { Spell } from "../runtime/log/spell.ts";
import type { ModeContext } from "../runtime/cli/mode_context.ts";
import { hostPort } from "../runtime/host_port.ts";
import { listening } from "../runtime/ops/server.ts";
import { createApp } from "./app.ts";
import { History } from "./data/past/history.ts";
import { CurrentSites } from "./data/now/current_sites.ts";
import { exportStatus } from "./status/export.ts";

/** For pages; what follows the sites takes one more. */
const CONNECTIONS = 6;
/** A plan that expects all rows of a day takes longer to compile than a page's question to answer. */
const JIT_OFF = { jit: "off" };
const CLOSE_MS = 1_000;
/** A page gives up before who asked for it does. */
const QUERY_TIMEOUT_MS = 15_000;

/** Mode "web": serves the dashboard until it is asked to stop. */
export async function webMode(
  { config, configSource, options, clock, log, signal, onHangUp }: ModeContext,
): Promise<ExitCode> {
  onHangUp(() =>
    log.notice({}, "The dashboard takes its config over at its start only: start it anew")
  );
  const { dsn, readerDsn } = config.database!;
  const settings = { applicationName: "httpmon-web", queryTimeoutMs: QUERY_TIMEOUT_MS, log };
  const pool = createPool(readerDsn ?? dsn, {
    ...settings,
    max: CONNECTIONS,
    session: { ...(readerDsn === null ? READ_ONLY : {}), ...JIT_OFF },
  });
  const operator = createPool(dsn, { ...settings, max: 2 });
  const spell = new Spell(clock, "The database");
  const sites = new CurrentSites({ pool, clock, log, spell });
  const history = new History({ pool, sites, clock, log, spell });
  const deps = { pool, operator, sites, history, config, fetch, clock, log };
  if (options.export !== null) {
    return await withPool(pool, async () => {
      await sites.load();
      await history.refresh();
      await exportStatus(deps, resolve(configSource.cwd, options.export!));
      return EXIT.done;
    });
  }
  const server = createAdaptorServer({ fetch: createApp(deps).fetch }) as Server;
  try {
    const address = await listening(server, config.web.listen, "web.listen");
    server.on("error", (error) => log.error({ error }, "The dashboard's server failed"));
    console.log(`httpmon web: http://${hostPort(address)}/`);
    await Promise.all([sites.follow(signal), history.follow(signal), aborted(signal)]);
    return EXIT.done;
  } finally {
    server.close();
    server.closeAllConnections();
    await within(clock, CLOSE_MS, Promise.all([pool.end(), operator.end()]));
    log.notice({}, "The dashboard has stopped");
  }
}
