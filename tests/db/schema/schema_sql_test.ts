import { assert, assertEquals } from "@std/assert";
import { describeSchema } from "../../../scripts/schema/describe.ts";
import { FILE, HEAD } from "../../../scripts/schema.ts";
import { ownDatabase } from "../fixture.ts";

Deno.test("db/schema.sql is what the migrations make; else run `deno task schema`", async () => {
  await using database = await ownDatabase();
  const text = await describeSchema(database.pool);
  const major = Math.floor(Number(await database.value("SHOW server_version_num")) / 10_000);
  const committed = await Deno.readTextFile(FILE);
  // Another version words expressions in another way; which things there are stays.
  const things = (sql: string) => sql.match(/^(CREATE|COMMENT|REVOKE|GRANT) [\w ]+/gm)!;
  assert(things(text).length > 50);
  assertEquals(things(HEAD + text), things(committed));
  if (major === 18) assertEquals(HEAD + text, committed);
});

Deno.test("describeSchema() notices every change of the schema, and no partition", async () => {
  await using database = await ownDatabase({ max: 1 });
  let last = await describeSchema(database.pool);
  await database.rows("SELECT httpmon_ensure_partitions('{2024-05-01}')");
  assertEquals(await describeSchema(database.pool), last);
  for (
    const change of [
      "ALTER TABLE sites ADD COLUMN more int",
      "ALTER TABLE sites ALTER COLUMN more SET DEFAULT 1",
      "ALTER TABLE sites ALTER COLUMN more SET NOT NULL",
      "ALTER TABLE sites ALTER COLUMN more TYPE int8",
      "COMMENT ON COLUMN sites.more IS 'x'",
      "ALTER TABLE sites ADD CONSTRAINT positive CHECK (more > 0)",
      "CREATE INDEX ON sites (more)",
      "CREATE TABLE another ()",
      "GRANT SELECT ON another TO PUBLIC",
      "CREATE VIEW look AS SELECT more FROM sites",
      "CREATE OR REPLACE VIEW look AS SELECT more + 1 AS more FROM sites",
      "CREATE FUNCTION one() RETURNS int LANGUAGE sql RETURN 1",
      "CREATE OR REPLACE FUNCTION one() RETURNS int LANGUAGE sql RETURN 2",
      "REVOKE ALL ON FUNCTION one() FROM PUBLIC",
      `CREATE FUNCTION fire() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$`,
      "CREATE TRIGGER fire BEFORE INSERT ON sites FOR EACH ROW EXECUTE FUNCTION fire()",
    ]
  ) {
    await database.rows(change);
    const now = await describeSchema(database.pool);
    assert(now !== last, change);
    last = now;
  }
});
