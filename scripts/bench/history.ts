/**
 * `deno task bench history`: makes years of history on a PostgreSQL of its own, asks what people and
 * dashboards ask, and prints how long the answers took beside the size of the data. `--sites`, `--days`,
 * `--hourly-sites`, `--hourly-days`, `--result-sites` and `--result-days` make another size, `--times`
 * asks more often, `--only TEXT` only what has it in its name; `--data DIR` keeps the data and uses it
 * again.
 */
import pg from "pg";
import { parseArgs } from "@std/cli/parse-args";
import { migrate } from "../../db/schema/migrate.ts";
import { dataFolder } from "../../local/data_folder.ts";
import { startPostgres } from "../../local/postgres/postgres.ts";
import { createLogger } from "../../runtime/log/log.ts";
import { catchUp, fillHistory, SERVER } from "../history/data.ts";
import { ask, QUESTIONS, TARGETS } from "../history/questions.ts";

const OPTIONS = {
  sites: 10_000,
  days: 365,
  "hourly-sites": 1_000,
  "hourly-days": 90,
  "result-sites": 500,
  "result-days": 7,
  times: 20,
};

const args = parseArgs(Deno.args, { string: [...Object.keys(OPTIONS), "data", "only"] });
const number = (name: keyof typeof OPTIONS) => Number(args[name] ?? OPTIONS[name]);
const folder = await dataFolder(args.data);
const server = await startPostgres({ folder: folder.path, settings: SERVER });
const client = new pg.Client({ connectionString: server.dsn });
try {
  const { applied } = await migrate(server.dsn, {
    log: createLogger({ loglevel: "ERROR", secrets: [] }, "bench"),
  });
  await client.connect();
  if (applied.length > 0) {
    const start = performance.now();
    await fillHistory(
      client,
      {
        sites: number("sites"),
        days: number("days"),
        hourlySites: number("hourly-sites"),
        hourlyDays: number("hourly-days"),
        resultSites: number("result-sites"),
        resultDays: number("result-days"),
      },
      Date.now(),
      (line) => console.error(`${seconds(start)} s: ${line}`),
    );
    console.error(`${seconds(start)} s: done\n`);
  }
  await printSizes();
  console.log(
    "\n| of | question | p50 ms | p95 ms | target | rows |\n| -- | -- | -: | -: | -: | -: |",
  );
  let over = 0;
  for (const question of QUESTIONS.filter(({ name }) => name.includes(args.only ?? ""))) {
    await catchUp(client, number("sites"), Date.now());
    const { p50, p95, rows } = await ask(
      client,
      question,
      number("times"),
      (n) => `https://${1 + n * 97 % number("result-sites")}.example/`,
    );
    if (p95 > TARGETS[question.of]) over++;
    const figures = [p50.toFixed(1), p95.toFixed(1), TARGETS[question.of], rows];
    console.log(`| ${[question.of, question.name, ...figures].join(" | ")} |`);
  }
  console.log(`\n${over} of the questions took longer than their target`);
} finally {
  await client.end();
  await server.stop();
  await folder.close();
}
Deno.exit(0);

function seconds(start: number): string {
  return ((performance.now() - start) / 1000).toFixed(0);
}

async function printSizes(): Promise<void> {
  const { rows } = await client.query(
    `SELECT name, sum(reltuples)::int8 AS rows, sum(pg_total_relation_size(c.oid))::int8 AS bytes
     FROM unnest('{check_results,rollup_hourly,rollup_daily,rollup_monthly,verdict_changes}'::regclass[])
       AS name
     JOIN pg_class AS c ON c.oid = name OR c.oid IN (SELECT relid FROM pg_partition_tree(name))
     WHERE c.relkind = 'r' GROUP BY name ORDER BY name`,
  );
  console.log("| table | rows | bytes |\n| -- | -: | -: |");
  for (const { name, rows: count, bytes } of rows) {
    console.log(
      `| ${name} | ${Number(count).toLocaleString("en")} | ${(bytes / 1e6).toFixed(0)} MB |`,
    );
  }
}
