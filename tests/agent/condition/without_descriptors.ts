/** Checks the URLs that it is given while it has no descriptor left, and before and after. */
import { closeSync, openSync } from "node:fs";
import { check } from "../../../agent/check/check.ts";
import { createTimedClient } from "../../../agent/http/timed/client.ts";
import { systemClock as clock } from "../../../runtime/clock.ts";
import { checkDeps, site } from "../support.ts";

const deps = checkDeps(createTimedClient(), { clock });

async function tell(when: string): Promise<void> {
  const said: string[] = [];
  for (const url of Deno.args) {
    const one = site({ url, timeoutMs: 600_000 });
    const { message } = (await check(one, new AbortController().signal, deps))!;
    said.push(`${message.verdict} ${message.reason ?? ""}`.trim());
  }
  console.log(`${when}: ${said.join(", ")}`);
}

await tell("before");
const opened: number[] = [];
try {
  for (;;) opened.push(openSync("/dev/null", "r"));
} catch {
  // There are no more.
}
await tell("without");
for (const descriptor of opened) closeSync(descriptor);
await tell("after");
