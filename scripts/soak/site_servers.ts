/**
 * `site_servers.ts fine|hostile`: the sites of a soak, in a process of its own. Prints where they are as
 * one line of JSON (its part of SiteServers), and ends when its standard input does, so that it never
 * outlives the soak.
 */
import { Buffer } from "node:buffer";
import type net from "node:net";
import process from "node:process";
import { Authority, selfSigned } from "../../tests/agent/http/certificates.ts";
import { type Answer, ANSWERS, startHostileServer } from "../../tests/support/hostile_server.ts";
import type { SiteServers } from "./servers.ts";

const DAY_MS = 86_400_000;

/** Packing one takes a second, in which the process would do nothing else: it is done once. */
const SLOW_TO_MAKE = ["gzip-bomb", "gzip-gzip-bomb"];

/** A page is some kilobytes long. */
const FILLING = "<p>All is as it should be.</p>\n".repeat(150);

function startFine(): Pick<SiteServers, "fine"> {
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, (request) => {
    const path = new URL(request.url).pathname.slice(1);
    return new Response(`${FILLING}\npage of ${path} is fine\n`, {
      headers: { "content-type": "text/html" },
    });
  });
  return { fine: server.addr.port };
}

async function startHostile(): Promise<Omit<SiteServers, "fine">> {
  const answers = { ...ANSWERS };
  for (const name of SLOW_TO_MAKE) answers[name] = madeOnce(answers[name]!);
  const authority = await Authority.create();
  const dates = {
    notBefore: new Date(Date.now() - 2 * DAY_MS),
    notAfter: new Date(Date.now() - DAY_MS),
  };
  const [expired, own, otherName] = await Promise.all([
    authority.sign({ name: "old", ...dates }),
    selfSigned({ name: "self" }),
    authority.sign({ name: "x", names: [{ type: "dns", value: "other.test" }] }),
  ]);
  return {
    hostile: (await startHostileServer({ answers })).port,
    tls: {
      expired: (await startHostileServer({ tls: expired })).port,
      selfSigned: (await startHostileServer({ tls: own })).port,
      otherName: (await startHostileServer({ tls: otherName })).port,
    },
    ca: authority.cert,
  };
}

/** The answer's bytes, made now. */
function madeOnce(answer: Answer): Answer {
  let bytes: Buffer = Buffer.alloc(0);
  answer({ end: (data: Buffer) => void (bytes = data) } as unknown as net.Socket, "");
  return (socket) => socket.end(bytes);
}

console.log(JSON.stringify(process.argv[2] === "fine" ? startFine() : await startHostile()));
for await (const _ of process.stdin);
process.exit();
