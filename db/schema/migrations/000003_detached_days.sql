-- A day that was detached keeps its table, and its table keeps the name. Results of that day may still
-- come; their partition takes the next name that is free.

DO $migration$
BEGIN
  EXECUTE replace($functions$
-- As in 000002, and around days that were detached.
CREATE OR REPLACE FUNCTION @home@.httpmon_ensure_partitions_of(parent regclass, days date[])
RETURNS int4
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' SET datestyle = 'ISO' AS $$
DECLARE
  wanted tstzmultirange := (
    SELECT coalesce(range_agg(tstzrange(day, day + 1)), '{}') FROM unnest(days) AS day
  );
  missing tstzmultirange;
  day_start timestamptz;
  gap tstzrange;
  wanted_name text;
  partition_name text;
  suffix int4;
  made int4 := 0;
BEGIN
  missing := wanted - @home@.httpmon_covered(parent);
  IF isempty(missing) THEN
    RETURN 0;
  END IF;
  -- One maker at a time, also against DETACH; then look again at what the others have made.
  EXECUTE format('LOCK TABLE %s IN SHARE UPDATE EXCLUSIVE MODE', parent);
  missing := wanted - @home@.httpmon_covered(parent);
  PERFORM @home@.httpmon_end_detach(parent, partition) FROM @home@.httpmon_bounds(parent)
  WHERE detach_pending AND bounds && missing;
  FOR day_start, gap IN
    SELECT d, unnest(missing * tstzmultirange(tstzrange(d, d + interval '1 day')))
    FROM (SELECT DISTINCT day::timestamptz AS d FROM unnest(days) AS day) AS each_day
    ORDER BY d
  LOOP
    wanted_name := (SELECT relname FROM pg_class WHERE oid = parent)
      || to_char(day_start, '_pYYYYMMDD');
    IF gap <> tstzrange(day_start, day_start + interval '1 day') THEN
      wanted_name := wanted_name || to_char(lower(gap), '_HH24MISS');
    END IF;
    partition_name := wanted_name;
    suffix := 1;
    WHILE to_regclass(format('@home@.%I', partition_name)) IS NOT NULL LOOP
      suffix := suffix + 1;
      partition_name := wanted_name || '_' || suffix;
    END LOOP;
    EXECUTE format(
      'CREATE TABLE @home@.%I (LIKE %s INCLUDING ALL)', partition_name, parent
    );
    EXECUTE format(
      'ALTER TABLE %s ATTACH PARTITION @home@.%I FOR VALUES FROM (%L) TO (%L)',
      parent, partition_name, lower(gap), upper(gap)
    );
    made := made + 1;
  END LOOP;
  RETURN made;
END
$$;

-- Ends a DETACH ... CONCURRENTLY that was interrupted: its partition takes no rows any more, yet leaves
-- its range to no other, and there is no way back. In a short turn only, as whoever waits here holds
-- up all who look for the day's partition.
CREATE FUNCTION @home@.httpmon_end_detach(parent regclass, partition regclass) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp SET lock_timeout = '500ms' AS $$
BEGIN
  EXECUTE format('ALTER TABLE %s DETACH PARTITION %s FINALIZE', parent, partition);
EXCEPTION WHEN lock_not_available THEN
  RAISE EXCEPTION
    'Partition "%" is being detached, and what began before that goes on: its days wait for the end',
    partition
    USING ERRCODE = 'lock_not_available';
END
$$;

-- The partitions of a table, whatever their widths; a default one has no bounds.
CREATE FUNCTION @home@.httpmon_bounds(
  parent regclass, OUT partition regclass, OUT bounds tstzrange, OUT detach_pending boolean
) RETURNS SETOF record
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' SET datestyle = 'ISO' AS $$
  SELECT
    c.oid::regclass,
    tstzrange(
      CASE WHEN bound[1] = 'MINVALUE' THEN NULL ELSE trim('''' FROM bound[1])::timestamptz END,
      CASE WHEN bound[2] = 'MAXVALUE' THEN NULL ELSE trim('''' FROM bound[2])::timestamptz END
    ),
    i.inhdetachpending
  FROM pg_inherits AS i
  JOIN pg_class AS c ON c.oid = i.inhrelid
  CROSS JOIN regexp_match(
    pg_get_expr(c.relpartbound, c.oid), '^FOR VALUES FROM \((.*)\) TO \((.*)\)$'
  ) AS bound
  WHERE i.inhparent = parent AND bound IS NOT NULL
$$;

-- What the partitions of a table cover.
CREATE OR REPLACE FUNCTION @home@.httpmon_covered(parent regclass) RETURNS tstzmultirange
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp AS $$
  SELECT coalesce(range_agg(bounds), '{}') FROM @home@.httpmon_bounds(parent)
  WHERE NOT detach_pending
$$;
$functions$, '@home@', quote_ident(current_schema()));
END
$migration$;
REVOKE ALL ON FUNCTION httpmon_end_detach(regclass, regclass) FROM PUBLIC;
