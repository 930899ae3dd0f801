import { assert, assertEquals } from "@std/assert";
import type { ResultMessage } from "../../../wire/message.ts";
import { certificate, fingerprint } from "../../wire/full_message.ts";
import { addIncident, MARKUP, resultNow, webWorld } from "../world.ts";
import { readPage, rowsIn, sqlIn, textOf } from "./read_page.ts";

Deno.test("a site's page has its failures with what was answered, and who saw them", async () => {
  await using world = await webWorld();
  await addIncident(world, "checkout");
  const { html, text } = await readPage(world, `/sites/${world.idOf("checkout")}`);
  assert(/down for [456] min/.test(text), text);
  assert(text.includes("HTTP/1.1 503 Service Unavailable server: nginx"), text);
  assert(text.includes("<h1>Sorry</h1>"), "the body is text");
  assert(
    /130 results answer for 130 due times|122 results answer for 122 due times/.test(text),
    text,
  );
  assert(text.includes("frequency 1 min"), "the rules in force");
  assert(text.includes("valid status codes 200"), text);
  assertEquals((html.match(/data-chart=/g) ?? []).length, 2);
  assert(html.includes('<path class="p95" d="M'), "drawn without JavaScript, too");
  assert(text.includes("down") && html.includes("/incidents/1"), "its incidents");
});

Deno.test("each figure's SQL gives it", async () => {
  await using world = await webWorld();
  const id = world.idOf("checkout");
  for (const query of ["", "?range=7d", "?range=90d", "?range=7d&agent=1", "?range=24h&agent=2"]) {
    const { html } = await readPage(world, `/sites/${id}${query}`);
    const statements = sqlIn(html);
    assert(statements.length >= 8, statements.join("\n\n"));
    for (const sql of statements) await world.database.rows(sql);
  }
  const { html, text } = await readPage(world, `/sites/${id}`);
  const [uptime] = sqlIn(html);
  const value = Number(await world.database.value(uptime!));
  assert(
    text.includes(`24 h ${(Math.floor(value * 10_000) / 100).toFixed(2)} %`),
    `${value} ${text}`,
  );
});

Deno.test("a failure has the certificates that the site showed to it, whatever it shows since", async () => {
  await using world = await webWorld({}, 5);
  const shown = (byte: number, changes: Partial<ResultMessage> = {}) =>
    resultNow("api", {
      tls: {
        version: "TLSv1.3",
        cipher: "TLS_AES_128_GCM_SHA256",
        verified: byte === 2,
        error: null,
        expiresAt: "2026-08-01 12:00:00.000000",
        fingerprint: fingerprint(byte),
        chain: [certificate(byte), { ...certificate(9), names: [], subject: MARKUP }],
      },
      ...changes,
    });
  const expired = "The certificate has expired";
  await world.store(shown(1, { verdict: "down", responseCode: null, errorMessage: expired }));
  await world.store(shown(2));
  const id = world.idOf("api");
  const part = async (path: string, heading: string) => {
    const { html } = await readPage(world, path);
    return textOf(html.slice(html.indexOf(`<h2>${heading}`)).split("</table>")[0]!);
  };
  const failures = await part(`/sites/${id}`, "Failures");
  const own = `certificate: ${certificate(1).subject} issuer: CN=Example CA`;
  assert(failures.includes(`${expired} the certificates that it showed ${own}`), failures);
  assert(failures.includes("valid: 2026-01-01 00:00:00 UTC to 2026-08-01 12:00:00 UTC"), failures);
  assert(failures.includes(`certificate: ${MARKUP} issuer`), failures);
  assert(!failures.includes(certificate(2).subject), "what it showed later");
  const last = await part(`/sites/${id}`, "Certificate");
  assert(last.includes(certificate(2).subject) && !last.includes(certificate(1).subject), last);
  const incident = await addIncident(world, "api", { ago: 1 });
  assert((await part(`/incidents/${incident}`, "What the site answered")).includes(own));
});

Deno.test("what a site sent is text and never markup, whatever it is", async () => {
  await using world = await webWorld();
  await addIncident(world, MARKUP, { cause: MARKUP });
  const { text } = await readPage(world, `/sites/${world.idOf(MARKUP)}`);
  const times = text.split("<script>alert(1)</script>").length - 1;
  assert(times > 10, `${times}: name, URL, reason, status line, headers, body, certificate`);
  for (const path of ["/", "/incidents", "/incidents/1", "/agents", "/pipeline"]) {
    await readPage(world, path);
  }
});

Deno.test("a site's page takes any range, and what is none is the last day", async () => {
  await using world = await webWorld();
  const id = world.idOf("api");
  const from = new Date(Date.now() - 30 * 60_000).toISOString().slice(0, 16);
  const points = async (query: string) => {
    const { html } = await readPage(world, `/sites/${id}?${query}`);
    const data = /data-chart="([^"]*)"/.exec(html)?.[1]?.replaceAll("&quot;", '"');
    return data ? JSON.parse(data) : null;
  };
  const [halfHour, day] = [await points(`from=${from}`), await points("")];
  assertEquals([halfHour.step, day.step], [60, 300]);
  assert(halfHour.at.length >= 29 && halfHour.at.length <= 31, String(halfHour.at.length));
  assertEquals([halfHour.gap, day.gap], [120, 600]);
  const { step, gap } = await points("range=7d");
  assertEquals([step, gap], [3_600, 3_600]);
  assertEquals((await points("range=1y")).step, 86_400);
  assertEquals((await points("from=nonsense&to=more")).until - day.until < 60, true);
  const later = new Date(Date.now() - 86_400_000).toISOString().slice(0, 16);
  assertEquals(await points(`from=2026-01-01T00:00&to=${later}`), null);
  await world.store(resultNow("api", { frequency: 900 }));
  await world.deps.sites.load();
  assertEquals(
    (await points("")).gap,
    1_800,
    "a site that is checked seldom is observed in between",
  );
});

Deno.test("a site that is not there is 404, with a way back", async () => {
  await using world = await webWorld();
  for (const id of ["999999", "0"]) {
    const { status, html } = await readPage(world, `/sites/${id}`);
    assertEquals(status, 404);
    assert(html.includes('<a href="/">To the overview</a>'));
  }
  assertEquals((await readPage(world, "/sites/99999999999")).status, 404);
});

Deno.test("a location's own figures are in the table of slots", async () => {
  await using world = await webWorld();
  const { html } = await readPage(world, `/sites/${world.idOf("api")}`);
  const at = html.indexOf("Slots accounted for");
  const rows = rowsIn(html.slice(at));
  assertEquals(rows.slice(1).map(([place, now, uptime]) => [place, now, uptime]), [
    ["eu-west", "up", "100.00 %"],
    ["us-east", "up", "100.00 %"],
  ]);
});
