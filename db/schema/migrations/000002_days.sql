-- Partitions by day. A function that lends its owner's rights must look up nothing where others may put
-- things: neither in its caller's schemas nor, as whoever may create there could shadow a function by one
-- with the very types, in our own. So it looks into pg_catalog alone, and our names are written out.

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
CREATE FUNCTION @home@.httpmon_covered(parent regclass) RETURNS tstzmultirange
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp AS $$
  SELECT coalesce(range_agg(bounds), '{}') FROM @home@.httpmon_bounds(parent)
  WHERE NOT detach_pending
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

-- Makes what is missing of the daily partitions of `days` (UTC) and returns how many it made. Days
-- that wider partitions cover need none; of a day that is covered in part, the rest is made. A detached
-- day keeps its table, and the table its name; the day's next partition takes a name that is free.
--
-- Attaching a table that was made on its own takes a lock that writers do not wait for; CREATE TABLE
-- ... PARTITION OF would hold them all up.
CREATE FUNCTION @home@.httpmon_ensure_partitions_of(parent regclass, days date[]) RETURNS int4
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

-- The days that may hold results: none that was dropped, at most ten years back, at most `ahead` days
-- ahead. No message can make a partition outside of them.
CREATE FUNCTION @home@.httpmon_days_allowed(ahead int4) RETURNS daterange
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp AS $$
  SELECT daterange(
    greatest(today - 3653, (SELECT dropped_before FROM @home@.retention WHERE what = 'raw')),
    today + ahead, '[]'
  )
  FROM (SELECT (now() AT TIME ZONE 'UTC')::date AS today) AS t
$$;

-- As above, of the tables that are partitioned by day; days that may hold no results are passed over.
-- Only an owner can attach, so writers call this function with its owner's rights.
CREATE FUNCTION @home@.httpmon_ensure_partitions(days date[]) RETURNS int4
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' SET datestyle = 'ISO' AS $$
DECLARE
  allowed date[] := ARRAY(
    SELECT day FROM unnest(days) AS day WHERE day <@ @home@.httpmon_days_allowed(8)
  );
BEGIN
  -- In one order, so that two makers cannot deadlock.
  RETURN @home@.httpmon_ensure_partitions_of('@home@.check_results'::regclass, allowed)
    + @home@.httpmon_ensure_partitions_of('@home@.evidence'::regclass, allowed);
END
$$;

REVOKE ALL ON FUNCTION @home@.httpmon_ensure_partitions(date[]) FROM PUBLIC;
REVOKE ALL ON FUNCTION @home@.httpmon_ensure_partitions_of(regclass, date[]) FROM PUBLIC;
REVOKE ALL ON FUNCTION @home@.httpmon_end_detach(regclass, regclass) FROM PUBLIC;

-- The last `n` results of a site (its name, or its URL where it has none) from `since` until before
-- `until`, newest first, those of one moment by their agents. Day by day, and agent by agent, as the
-- key has them in order within an agent; it ends with the day that has enough, and touches no other.
CREATE FUNCTION @home@.httpmon_results(site text, since timestamptz, until timestamptz, n int4)
RETURNS SETOF @home@.results
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan AS $$
#variable_conflict use_column
DECLARE
  asked int4[] := ARRAY(SELECT s.id FROM @home@.sites AS s WHERE coalesce(s.name, s.url) = $1);
  first timestamptz; last timestamptz; oldest timestamptz;
  missing int4 := $4; given int4;
BEGIN
  FOR first, last IN
    SELECT greatest(lower(bounds), $2), least(upper(bounds), $3)
    FROM @home@.httpmon_bounds('@home@.check_results')
    WHERE NOT detach_pending AND bounds && tstzrange($2, $3) AND asked <> '{}'
    ORDER BY bounds DESC
  LOOP
    EXIT WHEN missing <= 0;
    SELECT min(ts) INTO oldest FROM (
      SELECT r.ts
      FROM unnest(asked) AS wanted, @home@.agents AS a, LATERAL (
        SELECT ts FROM @home@.check_results AS r
        WHERE r.site_id = wanted AND r.agent_id = a.id AND r.ts >= first AND r.ts < last
        ORDER BY ts DESC LIMIT missing
      ) AS r
      -- A result is of a day ahead at most when it is stored.
      WHERE a.last_seen >= (first AT TIME ZONE 'UTC')::date - 1
      ORDER BY r.ts DESC LIMIT missing
    ) AS newest;
    CONTINUE WHEN oldest IS NULL;
    RETURN QUERY SELECT * FROM @home@.results AS r
      WHERE r.site = $1 AND r.ts >= oldest AND r.ts < last
      ORDER BY r.ts DESC, r.agent, r.url LIMIT missing;
    GET DIAGNOSTICS given = ROW_COUNT;
    missing := missing - given;
  END LOOP;
END
$$;
