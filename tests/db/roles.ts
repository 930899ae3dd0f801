import { createPool } from "../../db/connect/pool.ts";
import { recordingLog } from "../support/recording_log.ts";
import { otherDsn, type OwnDatabase } from "./fixture.ts";

const NAMES = ["owner", "writer", "alerter", "operator", "reader", "maintainer"] as const;
/** Of db/schema/roles.sql. */
export type Role = typeof NAMES[number];
const SQL = await Deno.readTextFile(new URL("../../db/schema/roles.sql", import.meta.url));

/** The roles of db/schema/roles.sql, under names of one test: a server's roles are all its databases'. */
export async function testRoles({ dsn, rows }: OwnDatabase) {
  const prefix = `httpmon_${crypto.randomUUID().slice(0, 8)}`;
  const password = crypto.randomUUID();
  const names = NAMES.map((role) => `${prefix}_${role}`);
  for (const name of names) await rows(`CREATE ROLE ${name} LOGIN PASSWORD '${password}'`);
  const dsnOf = (role: Role) => otherDsn(dsn, { user: `${prefix}_${role}`, password });
  return {
    nameOf: (role: Role) => `${prefix}_${role}`,
    dsnOf,
    poolOf: (role: Role, max = 2) =>
      createPool(dsnOf(role), { max, applicationName: "httpmon-test", log: recordingLog() }),
    /** Runs that role's part of the file. */
    async grant(...roles: Role[]) {
      for (const role of roles) {
        const part = SQL.split(/^-- (?=\w+: )/m).find((each) => each.startsWith(`${role}: `))!;
        await rows(
          `-- ${
            part.replaceAll(
              /httpmon_(?=owner|writer|alerter|operator|reader|maintainer)/g,
              `${prefix}_`,
            )
          }`,
        );
      }
    },
    async [Symbol.asyncDispose]() {
      // One by one: what two of them have a part in goes with the first.
      for (const name of names) await rows(`DROP OWNED BY ${name}`);
      await rows(`DROP ROLE ${names}`);
    },
  };
}
