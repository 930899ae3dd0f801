import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { chown, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { promisify } from "node:util";
import { openToAll } from "../folders.ts";
import { freePort } from "../ports.ts";
import { postgresPrograms, postgresUser } from "./package.ts";
import { type LocalProcess, startProcess } from "../process.ts";
import { logTail, waitFor } from "../wait.ts";

const START_MS = 30_000;

export interface PostgresOptions {
  /** Folder for the data and the log; made if missing. Data that is there already is used. */
  folder: string;
  /** Server settings, { max_connections: "300" } for one. Others have PostgreSQL's defaults. */
  settings?: Record<string, string>;
}

/** How the server stops: PostgreSQL's own three ways. */
export type StopMode = "smart" | "fast" | "immediate";

/** A PostgreSQL server of our own on a loopback port. */
export interface Postgres {
  /** Superuser's connection string to the database "postgres"; good over restarts. */
  readonly dsn: string;
  readonly port: number;
  /** The postmaster's, of the last start. */
  readonly pid: number;
  readonly log: string;
  /** Starts it again, unless it runs, on the same port and data; resolves when it takes connections. */
  start(): Promise<void>;
  /** @default "fast" */
  stop(mode?: StopMode): Promise<void>;
  /** Sends a signal to the postmaster; false if it is not running. */
  kill(signal: NodeJS.Signals): boolean;
}

/** Makes a database cluster in `folder` unless there is one, and starts PostgreSQL on it. */
export async function startPostgres(options: PostgresOptions): Promise<Postgres> {
  const { folder } = options;
  const user = postgresUser();
  if (user !== undefined && !openToAll(folder)) {
    throw new Error(
      `PostgreSQL cannot run as root, and the user that it runs as, ${user.uid}, cannot enter ` +
        `"${folder}": choose a folder elsewhere`,
    );
  }
  const programs = await postgresPrograms();
  await mkdir(folder, { recursive: true });
  if (user !== undefined) await chown(folder, user.uid, user.gid);
  const data = join(folder, "data");
  const log = join(folder, "postgres.log");
  const password = await ensureCluster(programs.initdb, folder, data);
  const port = await freePort();

  const settings = {
    listen_addresses: "127.0.0.1",
    port: String(port),
    unix_socket_directories: "",
    ...options.settings,
  };
  const command = [programs.postgres, "-D", data];
  for (const [name, value] of Object.entries(settings)) command.push("-c", `${name}=${value}`);

  let server = await launch();

  async function launch(): Promise<LocalProcess> {
    const deadline = performance.now() + START_MS;
    while (true) {
      // At our death a quick stop rather than SIGKILL, which would leave shared memory behind.
      const started = await startProcess(command, {
        log,
        cwd: folder,
        runAs: user,
        onCrash: "QUIT",
      });
      try {
        await waitFor(
          "PostgreSQL to start",
          async () => started.ended || await isReady(data, started.pid),
          START_MS,
        );
      } catch (error) {
        await started.stop("SIGKILL", 0);
        throw error;
      }
      if (!started.ended) return started;
      const tail = await logTail(log);
      // After a SIGKILL of the postmaster its backends take a moment to notice.
      const backendsLeft = /pre-existing shared memory block/.test(tail);
      if (!backendsLeft || performance.now() > deadline) {
        throw new Error(`PostgreSQL did not start; the end of "${log}":\n${tail}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  return {
    dsn: `postgres://postgres:${password}@127.0.0.1:${port}/postgres`,
    port,
    log,
    get pid() {
      return server.pid;
    },
    async start() {
      if (!await server.running()) server = await launch();
    },
    stop(mode = "fast") {
      const signals = { smart: "SIGTERM", fast: "SIGINT", immediate: "SIGQUIT" } as const;
      return server.stop(signals[mode], 20_000);
    },
    kill: (signal) => server.kill(signal),
  };
}

/** Runs initdb if need be. Gives the superuser's password, which a file beside the data keeps. */
async function ensureCluster(initdb: string, folder: string, data: string): Promise<string> {
  const file = join(folder, "password");
  if (existsSync(join(data, "PG_VERSION"))) return (await readFile(file, "utf8")).trim();
  const user = postgresUser();
  const password = randomBytes(18).toString("base64url");
  await writeFile(file, `${password}\n`, { mode: 0o600 });
  if (user !== undefined) await chown(file, user.uid, user.gid);
  const args = ["-D", data, "-U", "postgres", "-E", "UTF8", "--locale=C", "--no-sync"];
  args.push("--auth=scram-sha-256", `--pwfile=${file}`);
  // Not our environment: PGDATA and the like would be taken for options.
  const env = { PATH: process.env.PATH, TZ: process.env.TZ };
  await promisify(execFile)(initdb, args, { cwd: folder, env, ...user });
  return password;
}

/** As pg_ctl finds out: line 8 of postmaster.pid says how far the server is, line 1 whose it is. */
async function isReady(data: string, pid: number): Promise<boolean> {
  const text = await readFile(join(data, "postmaster.pid"), "utf8").catch(() => "");
  const lines = text.split("\n");
  return lines[0] === String(pid) && lines[7]?.trim() === "ready";
}
