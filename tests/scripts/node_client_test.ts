/** What the agent's client needs of the runtime, on the oldest Node and on Deno as the tasks run it. */
import { assertEquals } from "@std/assert";
import { join } from "node:path";
import { LOOKUP_THREADS } from "../../scripts/build/bundle.ts";
import { nodeBinary } from "../../scripts/build/node_binary.ts";
import { OLDEST_NODE } from "../../scripts/build/node_versions.ts";
import { ROOT } from "../../scripts/build/project.ts";
import { writeNodeBuild } from "../../scripts/build_node.ts";
import { Authority } from "../agent/http/certificates.ts";
import { startHostileServer } from "../support/hostile_server.ts";

const node = await nodeBinary(OLDEST_NODE);

Deno.test("check trusts an authority of the system's store, on Node and on Deno", async (t) => {
  const folder = await Deno.makeTempDir();
  const authority = await Authority.create("Company authority");
  const server = await startHostileServer({ tls: await authority.sign({ name: "intranet" }) });
  const store = join(folder, "store.pem");
  await Deno.writeTextFile(store, authority.cert);
  await writeNodeBuild(folder);
  const permissions = ["net", "read", "write", "env", "sys=hostname,statfs"].map((p) =>
    `--allow-${p}`
  );
  const programs = {
    Node: [node, join(folder, "httpmon.cjs")],
    Deno: [Deno.execPath(), "run", "--no-check", ...permissions, join(ROOT, "main.ts")],
  };
  for (const [name, [command, ...args]] of Object.entries(programs)) {
    await t.step(name, async () => {
      const check = async (env: Record<string, string>) => {
        const { stdout, stderr } = await new Deno.Command(command!, {
          args: [...args, "check", "--json", server.url("/fine")],
          cwd: folder,
          env,
        }).output();
        const text = new TextDecoder().decode(stdout);
        if (text === "") throw new Error(new TextDecoder().decode(stderr));
        const { verdict, reason, httpVersion } = JSON.parse(text);
        return [verdict, reason, httpVersion];
      };
      assertEquals(await check({ SSL_CERT_FILE: store }), ["up", undefined, "1.1"]);
      assertEquals(await check({}), ["down", "tls_certificate_untrusted", undefined]);
    });
  }
  await server.close();
  await Deno.remove(folder, { recursive: true });
});

/** Asks for many names that nobody answers for, then for one of this machine; says which came first. */
const LOOKUPS = `${LOOKUP_THREADS}
require("node:dgram").createSocket("udp4").bind(53, "127.0.0.1", () => {
  const { lookup } = require("node:dns");
  const first = (name) => () => {
    require("node:fs").writeSync(1, name);
    // An exit would wait for all that hangs.
    process.kill(process.pid, "SIGKILL");
  };
  for (let i = 0; i < 100; i++) lookup("slow" + i + ".test", first("slow"));
  lookup("localhost", first("localhost"));
});`;

/** A network and a resolver of its own, as root may have them. */
const ISOLATED = [
  "-mn",
  "sh",
  "-c",
  'ip link set lo up && mount --bind "$0" /etc/resolv.conf && "$@"',
];

Deno.test("LOOKUP_THREADS let a name be looked up while many others hang", async (t) => {
  const resolver = await Deno.makeTempFile();
  await Deno.writeTextFile(resolver, "nameserver 127.0.0.1\noptions timeout:30 attempts:1\n");
  const isolated = async (...command: string[]) => {
    const args = [...ISOLATED, resolver, ...command];
    const { code, stdout } = await new Deno.Command("unshare", { args }).output();
    return { code, stdout: new TextDecoder().decode(stdout) };
  };
  const canIsolate = Deno.build.os === "linux" && Deno.uid() === 0 &&
    (await isolated("true")).code === 0;
  await t.step({
    name: "in a network of its own",
    ignore: !canIsolate,
    fn: async () => {
      assertEquals((await isolated(node, "-e", LOOKUPS)).stdout, "localhost");
    },
  });
  await Deno.remove(resolver);
});
