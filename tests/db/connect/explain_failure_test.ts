import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { explainFailure } from "../../../db/connect/explain_failure.ts";
import { createPool } from "../../../db/connect/pool.ts";
import { recordingLog } from "../../support/recording_log.ts";
import { otherDsn, ownDatabase } from "../fixture.ts";

const name = (prefix: string) => `${prefix}_${crypto.randomUUID().replaceAll("-", "")}`;

Deno.test("explainFailure() says what a person should do about what the server answers", async () => {
  await using database = await ownDatabase();
  const { dsn, rows } = database;
  const [role, grouped] = [name("role"), name("group")];
  await rows(`CREATE ROLE ${role} LOGIN PASSWORD 'right'; CREATE ROLE ${grouped} PASSWORD 'right'`);
  const as = (user: string, password: string) => otherDsn(dsn, { user, password });
  const withPath = (path: string) => Object.assign(new URL(dsn), { pathname: path }).href;
  const withoutPassword = Object.assign(new URL(dsn), { password: "", username: role }).href;
  const readOnly = `${dsn}?options=${encodeURIComponent("-c default_transaction_read_only=on")}`;
  const cases: [dsn: string, sql: string, expected: string | RegExp][] = [
    [
      dsn,
      "SELECT FROM nowhere",
      /relation "nowhere" does not exist; run "httpmon init-schema" first$/,
    ],
    [as(role, "wrong"), "SELECT", /; check the user and the password in the DSN$/],
    [as(grouped, "right"), "SELECT", /is not permitted to log in; check the DSN's user, .*pg_hba/],
    [withPath(`/${name("none")}`), "SELECT", /; make the database, or check its name in the DSN$/],
    [withoutPassword, "SELECT", /^Cannot log in to the database: the server asks for a password/],
    [as(role, "right"), "SELECT FROM sites", /; give the role its rights, see docs\/security.md$/],
    [readOnly, "CREATE TABLE a ()", /; the database is read-only: a standby, or default_transac/],
    [
      dsn,
      "CREATE SEQUENCE s MAXVALUE 2; SELECT nextval('s') FROM generate_series(1, 3)",
      /; a sequence has come to its end, see pg_sequences$/,
    ],
  ];
  try {
    for (const [dsn, sql, expected] of cases) {
      const pool = createPool(dsn, {
        max: 1,
        applicationName: "httpmon-test",
        log: recordingLog(),
      });
      const error = await assertRejects(() => pool.query(sql));
      const said = explainFailure(error);
      assert(new RegExp(expected).test(said), `${said} is not ${expected}`);
      assert(!/right|wrong/.test(said.replace(/rights/g, "")), said);
      await pool.end();
    }
  } finally {
    await rows(`DROP ROLE ${role}; DROP ROLE ${grouped}`);
  }
});

Deno.test("explainFailure() says that an encoding has no room for what sites answer", async () => {
  await using database = await ownDatabase();
  const latin = name("latin");
  await database.rows(`CREATE DATABASE ${latin} TEMPLATE template0 ENCODING LATIN1 LOCALE 'C'`);
  const dsn = Object.assign(new URL(database.dsn), { pathname: `/${latin}` }).href;
  const pool = createPool(dsn, { max: 1, applicationName: "httpmon-test", log: recordingLog() });
  try {
    const error = await assertRejects(() => pool.query("SELECT $1::text", ["☃"]));
    assertEquals(
      explainFailure(error).split("; ")[1],
      "the database's encoding must be UTF8: make one with it, and move the tables there",
    );
  } finally {
    await pool.end();
    await database.rows(`DROP DATABASE ${latin} WITH (FORCE)`);
  }
});

Deno.test("explainFailure() throws on what is no failure of the database", () => {
  const defect = new TypeError("x is not a function");
  assertEquals(assertThrows(() => explainFailure(defect)), defect);
});
