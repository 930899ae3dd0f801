import type { ClientBase, Pool } from "pg";

/** Partitions are made by day, so they are no part of the schema. */
const RELATIONS = `SELECT c.oid, c.relname, c.relkind, c.relacl, c.reloptions FROM pg_class c
  WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v')
    AND NOT c.relispartition`;

/** Statements, ordered: tables with what belongs to them, views, functions. */
const STATEMENTS = `
WITH relations AS (${RELATIONS}), columns AS (
  SELECT attrelid AS oid, string_agg(
    '  ' || quote_ident(attname) || ' ' || format_type(atttypid, atttypmod)
      || CASE WHEN attidentity = 'a' THEN ' GENERATED ALWAYS AS IDENTITY' ELSE '' END
      || CASE WHEN attgenerated = 's' THEN ' GENERATED ALWAYS AS (' || pg_get_expr(adbin, adrelid) || ') STORED'
         ELSE coalesce(' DEFAULT ' || pg_get_expr(adbin, adrelid), '') END
      || CASE WHEN attnotnull THEN ' NOT NULL' ELSE '' END,
    E',\\n' ORDER BY attnum
  ) AS list
  FROM pg_attribute LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
  WHERE attnum > 0 AND NOT attisdropped
  GROUP BY attrelid
)
SELECT statement FROM (
  SELECT 1 AS part, relname AS name, 0 AS place, 'CREATE TABLE ' || relname || E' (\\n' || coalesce(list, '') || E'\\n)'
    || coalesce(' PARTITION BY ' || pg_get_partkeydef(oid), '') AS statement
  FROM relations LEFT JOIN columns USING (oid) WHERE relkind <> 'v'
  UNION ALL
  SELECT 1, relname, 1, 'ALTER TABLE ' || relname || ' ADD CONSTRAINT ' || conname || ' '
    || pg_get_constraintdef(k.oid)
    || coalesce(' WITH (' || array_to_string((SELECT reloptions FROM pg_class WHERE oid = conindid), ', ') || ')', '')
  FROM relations r JOIN pg_constraint k ON conrelid = r.oid WHERE contype <> 'n'
  UNION ALL
  SELECT 1, relname, 2, pg_get_indexdef(indexrelid)
  FROM relations r JOIN pg_index i ON indrelid = r.oid
  WHERE NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid)
  UNION ALL
  SELECT 1, relname, 3, pg_get_triggerdef(t.oid)
  FROM relations r JOIN pg_trigger t ON tgrelid = r.oid WHERE NOT tgisinternal
  UNION ALL
  SELECT 2, relname, 0, 'CREATE VIEW ' || relname || E' AS\\n' || rtrim(pg_get_viewdef(oid, 80), ';')
  FROM relations WHERE relkind = 'v'
  UNION ALL
  SELECT CASE relkind WHEN 'v' THEN 2 ELSE 1 END, relname, 4,
    CASE WHEN objsubid = 0 THEN 'COMMENT ON ' || CASE relkind WHEN 'v' THEN 'VIEW ' ELSE 'TABLE ' END || relname
      ELSE 'COMMENT ON COLUMN ' || relname || '.' || attname END || ' IS ' || quote_literal(description)
  FROM relations r JOIN pg_description d ON objoid = r.oid AND classoid = 'pg_class'::regclass
  LEFT JOIN pg_attribute ON attrelid = r.oid AND attnum = objsubid
  UNION ALL
  SELECT CASE relkind WHEN 'v' THEN 2 ELSE 1 END, relname, 5,
    'GRANT ' || privilege_type || ' ON ' || relname || ' TO '
      || CASE grantee WHEN 0 THEN 'PUBLIC' ELSE grantee::regrole::text END
  FROM relations, aclexplode(relacl) WHERE grantor <> grantee
  UNION ALL
  SELECT 3, p.oid::regprocedure::text, 0, rtrim(pg_get_functiondef(p.oid))
  FROM pg_proc p WHERE pronamespace = 'public'::regnamespace
  UNION ALL
  SELECT 3, p.oid::regprocedure::text, 1, 'REVOKE ALL ON FUNCTION ' || p.oid::regprocedure || ' FROM PUBLIC'
  FROM pg_proc p WHERE pronamespace = 'public'::regnamespace
    AND NOT has_function_privilege('public', p.oid, 'EXECUTE')
) AS parts
ORDER BY part, name COLLATE "C", place, statement COLLATE "C"`;

/** All of the schema "public" but its partitions, as SQL to read: the same text for the same schema. */
export async function describeSchema(client: ClientBase | Pool): Promise<string> {
  const { rows } = await client.query(STATEMENTS);
  return rows.map(({ statement }) => `${statement};\n`).join("\n");
}
