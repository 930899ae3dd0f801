import { spawn } from "node:child_process";
import { once } from "node:events";
import process from "node:process";
import { fileURLToPath } from "node:url";

/** Where the sites of a soak are: ports of 127.0.0.1. */
export interface SiteServers {
  fine: number;
  hostile: number;
  /** By what is wrong with the certificate. */
  tls: { expired: number; selfSigned: number; otherName: number };
  /** The certificate of the authority that signed them, PEM. */
  ca: string;
}

/** The fine sites have a process of their own, so that the hostile ones' work does not slow them. */
const KINDS = ["fine", "hostile"] as const;

/** Starts site_servers.ts for each kind; they end with this process or at stop(). */
export async function startSiteServers(): Promise<
  SiteServers & { pids: Readonly<Record<string, number>>; stop(): Promise<void> }
> {
  const started = await Promise.all(KINDS.map(startServer));
  return {
    pids: Object.fromEntries(started.map(({ pid }, i) => [`the ${KINDS[i]} sites`, pid])),
    ...Object.assign({}, ...started.map(({ servers }) => servers)) as SiteServers,
    async stop() {
      await Promise.all(started.map(({ stop }) => stop()));
    },
  };
}

async function startServer(kind: typeof KINDS[number]) {
  const script = fileURLToPath(new URL("./site_servers.ts", import.meta.url));
  const child = spawn(process.execPath, ["run", "-A", "--no-check", script, kind], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const exited = once(child, "exit");
  const servers = await new Promise<Partial<SiteServers>>((resolve, reject) => {
    let text = "";
    child.stdout.on("data", (data) => {
      text += String(data);
      if (text.endsWith("\n")) resolve(JSON.parse(text));
    });
    exited.then(
      ([code]) => reject(new Error(`The ${kind} site server ended with ${code}`)),
      reject,
    );
  });
  const stop = async () => {
    child.stdin.end();
    await exited;
  };
  return { servers, pid: child.pid!, stop };
}
