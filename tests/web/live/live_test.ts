import { assert, assertEquals } from "@std/assert";
import { FakeClock } from "../../support/fake_clock.ts";
import { Streams } from "../../../web/live/streams.ts";
import { CurrentSites } from "../../../web/data/now/current_sites.ts";
import { DOWN, resultNow, webWorld } from "../world.ts";

/** Reads a stream up to the text that is waited for; its beats, on a slow machine, are passed over. */
async function readUntil(reader: ReadableStreamDefaultReader<Uint8Array>, wanted: string) {
  let text = "";
  while (!text.includes(wanted)) {
    const { value, done } = await reader.read();
    if (done) throw new Error(`The stream ended after ${text}`);
    text += new TextDecoder().decode(value).replaceAll(": still here\n\n", "");
  }
  return text;
}

Deno.test("/live tells of a change by itself: the row, what is wrong now, and a line to be read out", async () => {
  await using world = await webWorld({}, 5);
  const { sites } = world.deps;
  const response = await world.ask("/live");
  assertEquals(response.headers.get("content-type"), "text/event-stream");
  assertEquals(response.headers.get("content-encoding"), null);
  const reader = response.body!.getReader();
  await readUntil(reader, "retry:");
  const id = world.idOf("api");
  await world.database.rows(
    `INSERT INTO check_results (ts, site_id, agent_id, response_time, response_code, verdict)
     SELECT date_trunc('milliseconds', clock_timestamp()), $1, agent, 12, 503, 2
     FROM unnest('{1,2}'::int4[]) AS agent`,
    [id],
  );
  await sites.look();
  const text = await readUntil(reader, "\n\n");
  const data = JSON.parse(/^id: \d+\nevent: sites\ndata: (.*)\n\n$/.exec(text)![1]!);
  assertEquals(data.text, "api is down");
  assertEquals(data.title, "4 sites are down");
  assertEquals(data.rows.map(({ id }: { id: number }) => id), [id]);
  assert(data.rows[0].is.includes('class="state down"') && data.now.includes(`/sites/${id}`));
  assert(!data.now.includes("<script>"), "what a site sent is text here, too");
  await reader.cancel();
});

Deno.test("/live tells at once what has changed since the page was made, or the stream ended", async () => {
  await using world = await webWorld({}, 5);
  const page = await (await world.ask("/")).text();
  const path = /data-live="([^"]*)"/.exec(page)![1]!;
  await world.store(resultNow("api", DOWN));
  await world.deps.sites.look();
  const first = async (path: string, headers: Record<string, string> = {}) => {
    const reader = (await world.ask(path, { headers })).body!.getReader();
    await world.store(resultNow("front page", DOWN));
    await world.deps.sites.look();
    let text = "";
    while (!text.includes("data: ")) text += await readUntil(reader, "\n\n");
    await reader.cancel();
    const { id, news } = /id: (?<id>\d+)\nevent: sites\ndata: (?<news>.*)/.exec(text)!.groups!;
    return { id: id!, text: JSON.parse(news!).text };
  };
  const missed = await first(path);
  assertEquals(missed.text, "api is down");
  await world.store(resultNow("front page"));
  await world.deps.sites.look();
  // Who comes again says what it had, whatever its page has.
  const back = await first(path, { "last-event-id": String(world.deps.sites.revision) });
  assertEquals(back.text, "front page is down");
  const restarted = new CurrentSites(world.deps);
  await restarted.load();
  assertEquals(restarted.changedSince(Number(back.id)).length, restarted.size);
});

Deno.test("/live/sites/ID tells of that site alone, at each result", async () => {
  await using world = await webWorld({}, 5);
  const [id, other] = [world.idOf("front page"), world.idOf("api")];
  const reader = (await world.ask(`/live/sites/${id}`)).body!.getReader();
  await readUntil(reader, "retry:");
  for (const one of [other, id]) {
    await world.database.rows(
      `INSERT INTO check_results (ts, site_id, agent_id, response_time, response_code, verdict)
       VALUES (date_trunc('milliseconds', clock_timestamp()), $1, 1, 12, 200, 0)`,
      [one],
    );
    await world.deps.sites.look();
  }
  const text = await readUntil(reader, "\n\n");
  assert(/^event: head\ndata: ".*front page/.test(text), text);
  await reader.cancel();
});

Deno.test("Streams lets go who does not read, and beats while there is nothing to say", async () => {
  const clock = new FakeClock();
  const streams = new Streams(clock);
  const slow = streams.open("a");
  const quick = streams.open("a").getReader();
  assert(streams.has("a"));
  for (let n = 0; n < 150; n++) {
    streams.send("a", { event: "x", data: n });
    await quick.read();
  }
  await quick.read();
  await clock.advance(20_000);
  assertEquals(new TextDecoder().decode((await quick.read()).value), ": still here\n\n");
  let texts = 0;
  for await (const _ of slow) texts++;
  assert(texts < 120, `${texts} texts were kept for who did not read`);
  await quick.cancel();
  assertEquals(streams.has("a"), false);
});
