import { assert, assertEquals } from "@std/assert";
import pg from "pg";
import { fillHistory } from "../../scripts/history/data.ts";
import { type Answer, ask, QUESTIONS } from "../../scripts/history/questions.ts";
import { ownDatabase } from "../db/fixture.ts";

const SIZES = {
  ...{ sites: 40, days: 40 },
  ...{ hourlySites: 20, hourlyDays: 10 },
  ...{ resultSites: 10, resultDays: 2 },
};

Deno.test("fillHistory() makes a history that every question has an answer from", async () => {
  await using database = await ownDatabase();
  const client = new pg.Client({ connectionString: database.dsn });
  await client.connect();
  try {
    await fillHistory(client, SIZES, Date.now(), () => {});
    const answers: Answer[] = [];
    for (const question of QUESTIONS) answers.push(await ask(client, question, 1, site));
    const silent = answers.filter(({ rows }) => rows === 0).map(({ question }) => question.name);
    // Each site fails once a week.
    assertEquals(silent.filter((name) => !/^(failures|certificates)/.test(name)), []);
    const rowsOf = (name: string) => answers.find((each) => each.question.name === name)?.rows;
    assertEquals(rowsOf("state now and since when"), SIZES.sites);
    assertEquals(rowsOf("uptime, 30 days, each"), SIZES.sites);
    assertEquals(rowsOf("last ten results"), 10);
  } finally {
    await client.end();
  }
  // The results and their rollups tell of the same failures.
  const hours = await database.rows(
    `SELECT r.down, count(c.verdict)::int AS found FROM rollup_hourly AS r
     LEFT JOIN check_results AS c ON c.site_id = r.site_id AND c.verdict = 2 AND c.ts >= r.bucket
       AND c.ts < r.bucket + interval '1 hour'
     WHERE r.site_id <= 10 AND r.bucket >= now() - interval '2 days'
     GROUP BY r.site_id, r.bucket, r.down`,
  );
  assert(hours.length > 400 && hours.some(({ down }) => down > 0));
  assertEquals(hours.filter(({ down, found }) => down !== found), []);
});

function site(n: number): string {
  return `https://${1 + n % SIZES.resultSites}.example/`;
}
