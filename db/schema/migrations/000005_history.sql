-- Results added up by hour, day and month, so that years can be kept and asked. docs/accounting.md has
-- the rules; how they are kept in step with the results is in db/history/.

CREATE TABLE rollup_hourly (
  bucket timestamptz(6) NOT NULL,
  site_id int4 NOT NULL,
  agent_id int4 NOT NULL,
  checks int4 NOT NULL,
  up int4 NOT NULL,
  degraded int4 NOT NULL,
  down int4 NOT NULL,
  unknown int4 NOT NULL,
  maintenance int4 NOT NULL,
  response_sum float8 NOT NULL,
  responses int4 NOT NULL,
  response_min float4,
  response_max float4,
  sketch int4[],
  -- A site's history is read in order of time.
  PRIMARY KEY (site_id, bucket, agent_id)
);
COMMENT ON COLUMN rollup_hourly.bucket IS 'its start, UTC';
COMMENT ON COLUMN rollup_hourly.checks IS 'results; all other counts but "responses" are slots';
COMMENT ON COLUMN rollup_hourly.maintenance IS 'these slots count nowhere else';
COMMENT ON COLUMN rollup_hourly.responses IS 'results of which response_* and the sketch are';
COMMENT ON COLUMN rollup_hourly.sketch IS
  'bins of DDSketches of response_time and of each phase, see httpmon_sketch_key(); null without responses';
-- All sites in a range of time: the counters come from the index alone, as the sketches make up most
-- of a row.
CREATE INDEX rollup_hourly_bucket ON rollup_hourly (bucket)
  INCLUDE (site_id, agent_id, checks, up, degraded, down, unknown, maintenance, response_sum,
    responses, response_min, response_max);

CREATE TABLE rollup_daily (LIKE rollup_hourly INCLUDING ALL);
CREATE TABLE rollup_monthly (LIKE rollup_hourly INCLUDING ALL);

-- Buckets whose rows have to be computed again, and with them those that they are part of.
CREATE TABLE rollup_pending (
  site_id int4 NOT NULL,
  level text NOT NULL CHECK (level IN ('hour', 'day', 'month')),
  bucket timestamptz(6) NOT NULL,
  PRIMARY KEY (site_id, level, bucket)
);

-- Partitions that are on their way out, so that an interrupted drop is taken up again.
CREATE TABLE dropping (
  partition text PRIMARY KEY,
  parent text NOT NULL,
  bounds tstzrange NOT NULL
);

-- The sketches are DDSketches (Masson, Rim, Lee: VLDB 2019): a value stands in the bin
-- ceil(log(value) / log(gamma)), gamma = (1 + alpha) / (1 - alpha), and is read as the middle of its
-- bin, at most alpha away. All of a row share an array of their bins in order, each a number: the key
-- of a bin << 22 | its results. One of over 4,194,303 results stands in it several times.
--
-- Phase 0 is the response time, alpha 0.02: bins -172 to 403 from 0.001 ms to 10,000 s are the keys -512
-- to 63; what is outside counts as the nearer end. The others are dns, connect, tls, first_byte and
-- download in this order, alpha 0.15: bins -22 to 53, 80 keys each from 64 on; of 0 ms they have none.
CREATE FUNCTION httpmon_sketch_key(phase int4, ms float4) RETURNS int4
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE
    -- Not by least() and greatest(), which take three times as long.
    WHEN ms > 0.001::float4 AND ms < 1e7::float4 THEN
      CASE phase WHEN 0 THEN -340 ELSE phase * 80 + 6 END::float8 + ceil(ln(ms::float8)
        / CASE phase WHEN 0 THEN 0.04000533461369913::float8 ELSE 0.3022808718729335::float8 END)
    WHEN ms >= 1e7::float4 THEN CASE phase WHEN 0 THEN 63 ELSE phase * 80 + 59 END::float8
    WHEN ms > 0::float4 OR phase = 0 THEN CASE phase WHEN 0 THEN -512 ELSE phase * 80 - 16 END::float8
  END::int4
$$;
CREATE FUNCTION httpmon_sketch_value(key int4) RETURNS float8
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN key < 64 THEN exp((key + 340) * 0.04000533461369913::float8) * 0.98
    ELSE exp(((key - 64) % 80 - 22) * 0.3022808718729335::float8) * 0.85
  END
$$;
CREATE FUNCTION httpmon_phase(name text) RETURNS int4
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
  names text[] := '{response,dns,connect,tls,first_byte,download}';
BEGIN
  IF name <> ALL (names) THEN
    RAISE 'Phase "%" is not known, it is one of %', name, array_to_string(names, ', ')
      USING ERRCODE = 'invalid_parameter_value';
  END IF;
  RETURN array_position(names, name) - 1;
END
$$;
COMMENT ON FUNCTION httpmon_phase(text) IS 'its number in the keys of sketches';

-- The bins of a phase: they stand together.
CREATE FUNCTION httpmon_bins(sketch int4[], phase int4) RETURNS int4[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT sketch[
    width_bucket(CASE phase WHEN 0 THEN -512 ELSE phase * 80 - 16 END << 22, sketch) + 1
    : width_bucket((phase * 80 + 64) << 22, sketch)
  ]
$$;

-- How many results are in these bins of one phase, and their quantiles (ms), by the ranks q * (n - 1);
-- of several q in ascending order. A loop takes a tenth of what a query over the bins does; from the top,
-- as high ranks are asked for most.
CREATE FUNCTION httpmon_quantiles(bins int4[], q float8[], OUT n int8, OUT ms float8[])
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
  bin int4;
  below int8;
  next int4 := cardinality(q);
  rank float8;
BEGIN
  n := 0;
  FOREACH bin IN ARRAY bins LOOP
    n := n + (bin & 4194303);
  END LOOP;
  below := n;
  rank := q[next] * (n - 1);
  FOR place IN REVERSE cardinality(bins) .. 1 LOOP
    below := below - (bins[place] & 4194303);
    WHILE below <= rank LOOP
      ms := httpmon_sketch_value(bins[place] >> 22) || ms;
      next := next - 1;
      IF next = 0 THEN
        RETURN;
      END IF;
      rank := q[next] * (n - 1);
    END LOOP;
  END LOOP;
END
$$;

-- SQL that merges the column `sketch` of `parts` by the columns `by`; of one phase alone where it is
-- given.
CREATE FUNCTION httpmon_merge_sql(parts text, by text, phase int4 DEFAULT NULL) RETURNS text
LANGUAGE sql IMMUTABLE AS $function$
  SELECT format(
    $$WITH part AS MATERIALIZED (
      SELECT %2$s, %3$s AS sketch, count(*) OVER (PARTITION BY %2$s) AS parts FROM (%1$s) AS part
    )
    -- What has one row needs no merging.
    SELECT %2$s, sketch FROM part WHERE parts = 1
    UNION ALL
    SELECT %2$s, array_agg(key << 22 | least(n - before, 4194303)::int4 ORDER BY key)
    FROM (
      SELECT *, generate_series(0, n - 1, 4194303) AS before
      FROM (
        SELECT %2$s, bin >> 22 AS key, sum(bin & 4194303) AS n
        FROM part CROSS JOIN unnest(sketch) AS bin WHERE parts > 1 GROUP BY %2$s, key
      ) AS bins
    ) AS bins
    GROUP BY %2$s$$,
    parts, by, CASE WHEN phase IS NULL THEN 'sketch' ELSE format('httpmon_bins(sketch, %s)', phase) END
  )
$function$;

-- SQL that counts results into rows of rollup_hourly. This is the one place that says what counts:
-- the rollups and the questions both use it.
CREATE FUNCTION httpmon_count_sql(filter text, sketches boolean) RETURNS text
LANGUAGE sql IMMUTABLE AS $function$
  SELECT format(
    $$SELECT bucket, site_id, agent_id, checks, up, degraded, down, unknown, maintenance,
      response_sum, responses, response_min, response_max, sketch
    FROM (
      SELECT date_bin('1 hour', ts, '2000-01-01 00:00Z') AS bucket, site_id, agent_id,
        count(*)::int4 AS checks,
        -- A result may say any number of slots; the most that a row holds holds up no other.
        least(coalesce(sum(slots) FILTER (WHERE counts_as = 0), 0), 2147483647)::int4 AS up,
        least(coalesce(sum(slots) FILTER (WHERE counts_as = 1), 0), 2147483647)::int4 AS degraded,
        least(coalesce(sum(slots) FILTER (WHERE counts_as = 2), 0), 2147483647)::int4 AS down,
        least(coalesce(sum(slots) FILTER (WHERE counts_as = 3), 0), 2147483647)::int4 AS unknown,
        least(coalesce(sum(slots) FILTER (WHERE counts_as = 4), 0), 2147483647)::int4 AS maintenance,
        -- Whole microseconds add up to the same sum in any order.
        coalesce(sum(round(response_time::float8 * 1000)) FILTER (WHERE responded), 0) / 1000
          AS response_sum,
        count(*) FILTER (WHERE responded)::int4 AS responses,
        (min(response_time) FILTER (WHERE responded))::float4 AS response_min,
        (max(response_time) FILTER (WHERE responded))::float4 AS response_max
        %2$s
      FROM (
        SELECT *, counts_as < 3 AND response_code IS NOT NULL AND response_time IS NOT NULL
          AS responded
        FROM (
          SELECT ts, site_id, agent_id, response_code, response_time, dns_ms, connect_ms, tls_ms,
            first_byte_ms, download_ms, coalesce(slots, 1) AS slots,
            CASE WHEN maintenance THEN 4 ELSE verdict END AS counts_as
          FROM check_results WHERE %1$s
        ) AS result
        -- Or it would be worked out for each column anew.
        OFFSET 0
      ) AS result
      GROUP BY 1, 2, 3
    ) AS counted %3$s$$,
    filter,
    CASE WHEN sketches THEN
      -- One array of arrays: six of their own would be six times as many steps.
      $$, array_agg(ARRAY[
          httpmon_sketch_key(0, response_time), httpmon_sketch_key(1, dns_ms),
          httpmon_sketch_key(2, connect_ms), httpmon_sketch_key(3, tls_ms),
          httpmon_sketch_key(4, first_byte_ms), httpmon_sketch_key(5, download_ms)
        ]) FILTER (WHERE responded) AS keys$$
    ELSE ', NULL::int4[] AS sketch' END,
    CASE WHEN sketches THEN
      -- Grouped for each row apart: one large hash of all bins takes twice as long.
      $$CROSS JOIN LATERAL (
        SELECT array_agg(key << 22 | least(n, 4194303)) FILTER (WHERE key IS NOT NULL) AS sketch
        FROM (
          SELECT key, count(*)::int4 AS n FROM (SELECT unnest(keys) AS key) AS keys
          GROUP BY key ORDER BY key
        ) AS bins
      ) AS sketch$$
    ELSE '' END
  )
$function$;

-- Adds up the rows of a table of rollups into those of the next level.
CREATE FUNCTION httpmon_add_up_sql(source regclass, level text, filter text) RETURNS text
LANGUAGE sql IMMUTABLE AS $function$
  SELECT format(
    $$SELECT bucket, site_id, agent_id, checks, up, degraded, down, unknown, maintenance,
      response_sum, responses, response_min, response_max, sketch
    FROM (
      SELECT date_trunc(%2$L, bucket, 'UTC') AS bucket, site_id, agent_id,
        sum(checks)::int4 AS checks, least(sum(up), 2147483647)::int4 AS up,
        least(sum(degraded), 2147483647)::int4 AS degraded,
        least(sum(down), 2147483647)::int4 AS down,
        least(sum(unknown), 2147483647)::int4 AS unknown,
        least(sum(maintenance), 2147483647)::int4 AS maintenance,
        sum(round(response_sum * 1000)) / 1000 AS response_sum,
        sum(responses)::int4 AS responses,
        min(response_min) AS response_min, max(response_max) AS response_max
      FROM %1$s WHERE %3$s
      GROUP BY 1, 2, 3
    ) AS counted
    CROSS JOIN LATERAL (
      SELECT array_agg(key << 22 | least(n - before, 4194303)::int4 ORDER BY key) AS sketch
      FROM (
        SELECT *, generate_series(0, n - 1, 4194303) AS before
        FROM (
          SELECT bin >> 22 AS key, sum(bin & 4194303) AS n
          FROM %1$s AS part CROSS JOIN unnest(part.sketch) AS bin
          WHERE part.site_id = counted.site_id AND part.agent_id = counted.agent_id
            AND part.bucket >= counted.bucket
            AND part.bucket < counted.bucket + interval '1 %2$s'
          GROUP BY key
        ) AS bins
      ) AS bins
    ) AS sketch$$,
    source, level, filter
  )
$function$;

-- Moved whenever a rollup was computed again: what is shown of rollups may be kept until then.
CREATE TABLE rollup_revision (
  revision int8 NOT NULL
);
INSERT INTO rollup_revision VALUES (0);
CREATE FUNCTION httpmon_revision() RETURNS int8
LANGUAGE sql STABLE AS 'SELECT revision FROM rollup_revision';

-- What can be computed again at `now`: buckets that are over, and months, in which each day counts as
-- soon as it is over. Not from a partition on its way out: a part of an hour is none.
CREATE FUNCTION httpmon_due(now timestamptz) RETURNS SETOF rollup_pending
LANGUAGE sql STABLE AS $$
  SELECT * FROM rollup_pending AS p
  WHERE bucket + CASE level WHEN 'hour' THEN interval '1 hour' WHEN 'day' THEN '24 hours' ELSE '0' END
      <= now
    AND NOT (level = 'hour' AND EXISTS (
      SELECT FROM dropping WHERE parent = 'check_results' AND bounds @> p.bucket
    ))
$$;

-- One bounded step of rolling up, hours before days before months and the oldest first: notes the
-- changes of verdicts in the oldest hours that are marked, computes at most so many buckets of sites
-- again and makes those pending that they are part of. To be called by one at a time, in a transaction
-- that sees one snapshot (REPEATABLE READ): what is written meanwhile brings a mark of its own. `level`
-- is null when nothing is left to be done.
--
-- An hour without a partition keeps its rows: its results are gone, and the rows are all that is left.
CREATE FUNCTION httpmon_roll_up(
  now timestamptz, most int4, OUT level text, OUT bucket timestamptz, OUT buckets int4
)
LANGUAGE plpgsql
SET timezone = 'UTC' SET jit = off
-- The planner expects far more groups, and more of each, than there are, and would sort all rows.
SET work_mem = '256MB' SET hash_mem_multiplier = 4 AS $$
#variable_conflict use_column
DECLARE
  target regclass;
  source regclass;
  above text;
  first_bucket timestamptz;
  of_level text;
  of_buckets timestamptz[];
  of_sites int4[];
  marked_since timestamptz;
  marked_until timestamptz;
  kept tstzmultirange := httpmon_covered('check_results');
  filter text;
BEGIN
  -- Hours on end, of one day: noting reads all results from the first of these on.
  WITH hours AS (
    SELECT hour, row_number() OVER (ORDER BY hour) AS nth, min(hour) OVER () AS first,
      sum(sum(cardinality(site_ids))) OVER (ORDER BY hour) AS sites
    FROM rollup_marks GROUP BY hour
  ), taken AS (
    DELETE FROM rollup_marks WHERE ctid = ANY (ARRAY(
      SELECT m.ctid FROM rollup_marks AS m JOIN hours USING (hour)
      WHERE hour = first + (nth - 1) * interval '1 hour' AND (nth = 1 OR sites <= most)
        AND date_trunc('day', hour) = date_trunc('day', first)
      LIMIT most
    ))
    RETURNING hour, site_ids, since
  ), pending AS (
    INSERT INTO rollup_pending (site_id, level, bucket)
    SELECT DISTINCT unnest(site_ids), 'hour', date_trunc('hour', hour) FROM taken
    ON CONFLICT DO NOTHING
  )
  SELECT min(coalesce(since, date_trunc('hour', hour))),
    date_trunc('hour', max(hour)) + interval '1 hour', array_agg(DISTINCT site)
  INTO marked_since, marked_until, of_sites
  FROM taken, unnest(site_ids) AS site;
  IF marked_since IS NOT NULL AND tstzrange(marked_since, marked_until) <@ kept THEN
    PERFORM httpmon_note_changes(marked_since, marked_until, of_sites);
  END IF;
  IF EXISTS (SELECT FROM rollup_marks) THEN
    level := 'hour';
    bucket := date_trunc('hour', marked_since);
    buckets := 0;
  END IF;

  SELECT due.level, min(due.bucket) INTO of_level, first_bucket FROM httpmon_due(now) AS due
  GROUP BY 1 ORDER BY array_position('{hour,day,month}', due.level) LIMIT 1;
  CASE of_level
    WHEN 'hour' THEN target := 'rollup_hourly'; above := 'day';
    WHEN 'day' THEN target := 'rollup_daily'; source := 'rollup_hourly'; above := 'month';
    WHEN 'month' THEN target := 'rollup_monthly'; source := 'rollup_daily';
    ELSE RETURN;
  END CASE;

  -- All in one day (or month), so that one query can be bounded by time.
  WITH chosen AS (
    SELECT due.site_id, due.bucket FROM httpmon_due(now) AS due
    WHERE due.level = of_level AND due.bucket >= first_bucket
      AND due.bucket < date_trunc('day', first_bucket) + interval '24 hours'
    ORDER BY due.bucket, due.site_id LIMIT most
  ), taken AS (
    DELETE FROM rollup_pending AS p USING chosen
    WHERE p.level = of_level AND p.site_id = chosen.site_id AND p.bucket = chosen.bucket
    RETURNING p.bucket, p.site_id
  )
  SELECT array_agg(taken.bucket), array_agg(taken.site_id) INTO of_buckets, of_sites FROM taken
  WHERE of_level <> 'hour' OR taken.bucket <@ kept;
  level := of_level;
  bucket := first_bucket;
  buckets := coalesce(cardinality(of_buckets), 0);
  IF buckets = 0 THEN
    RETURN;
  END IF;

  EXECUTE format(
    'DELETE FROM %s AS r USING unnest($1, $2) AS pending(bucket, site_id)
     WHERE r.site_id = pending.site_id AND r.bucket = pending.bucket', target
  ) USING of_buckets, of_sites;
  filter := format(
    'site_id = ANY (%1$L) AND %2$s >= %3$L AND %2$s < %4$L',
    ARRAY(SELECT DISTINCT unnest(of_sites)),
    CASE of_level WHEN 'hour' THEN 'ts' ELSE 'bucket' END,
    first_bucket,
    (SELECT max(last) FROM unnest(of_buckets) AS last) + ('1 ' || of_level)::interval
  );
  EXECUTE format(
    'INSERT INTO %s SELECT * FROM (%s) AS row
     WHERE (bucket, site_id) IN (SELECT * FROM unnest($1, $2))',
    target,
    CASE of_level WHEN 'hour' THEN httpmon_count_sql(filter, true)
      ELSE httpmon_add_up_sql(source, of_level, filter) END
  ) USING of_buckets, of_sites;
  INSERT INTO rollup_pending (site_id, level, bucket)
  SELECT DISTINCT site_id, above, date_trunc(above, part)
  FROM unnest(of_buckets, of_sites) AS pending(part, site_id) WHERE above IS NOT NULL
  ON CONFLICT DO NOTHING;
  UPDATE rollup_revision SET revision = revision + 1;
END
$$;

-- The whole months, days or hours that lie in a range, and those that a set of ranges touches.
CREATE FUNCTION httpmon_up_to(unit text, t timestamptz) RETURNS timestamptz
LANGUAGE sql STABLE AS $$
  SELECT CASE WHEN date_trunc(unit, t, 'UTC') = t THEN t
    ELSE (date_trunc(unit, t, 'UTC') AT TIME ZONE 'UTC' + ('1 ' || unit)::interval) AT TIME ZONE 'UTC' END
$$;
CREATE FUNCTION httpmon_whole(unit text, since timestamptz, until timestamptz) RETURNS tstzmultirange
LANGUAGE sql STABLE AS $$
  SELECT tstzmultirange(tstzrange(
    httpmon_up_to(unit, since), greatest(date_trunc(unit, until, 'UTC'), httpmon_up_to(unit, since))
  ))
$$;
CREATE FUNCTION httpmon_touched(unit text, ranges tstzmultirange) RETURNS tstzmultirange
LANGUAGE sql STABLE AS $$
  SELECT coalesce(range_agg(tstzrange(
    date_trunc(unit, lower(r), 'UTC'), httpmon_up_to(unit, upper(r))
  )), '{}')
  FROM unnest(ranges) AS r
$$;

-- SQL that gives the rows that add up to [since, until): months, days and hours where these stand, the
-- results themselves at the edges and where a rollup is pending. Each row is in no other's time, and
-- `bucket` is the start of its month, day or hour. Where no results are kept any more, an edge within
-- a bucket moves to the bucket's end.
--
-- site_ids: null for all. step: 'hour', 'day' or 'month', which no row is longer than; null: any.
CREATE FUNCTION httpmon_parts_sql(
  site_ids int4[], since timestamptz, until timestamptz, step text, sketches boolean
) RETURNS text
LANGUAGE plpgsql STABLE SET datestyle = 'ISO' AS $$
DECLARE
  edge timestamptz;
  edges timestamptz[];
  gone jsonb := (SELECT jsonb_object_agg(what, dropped_before) FROM retention);
  hours_pending tstzmultirange;
  days_pending tstzmultirange;
  months_pending tstzmultirange;
  months tstzmultirange := '{}';
  days tstzmultirange := '{}';
  hours tstzmultirange;
  results tstzmultirange;
  filter text := CASE WHEN site_ids IS NULL THEN '' ELSE format(' AND site_id = ANY (%L)', site_ids) END;
  columns text := 'bucket, site_id, agent_id, checks, up, degraded, down, unknown, maintenance,
    response_sum, responses, response_min, response_max, sketch';
  sql text;
BEGIN
  FOREACH edge IN ARRAY ARRAY[since, until] LOOP
    edges := edges || CASE
      WHEN edge < ((gone->>'daily')::timestamp AT TIME ZONE 'UTC') THEN httpmon_up_to('month', edge)
      WHEN edge < ((gone->>'hourly')::timestamp AT TIME ZONE 'UTC') THEN httpmon_up_to('day', edge)
      WHEN edge < ((gone->>'raw')::timestamp AT TIME ZONE 'UTC') THEN httpmon_up_to('hour', edge)
      ELSE edge
    END;
  END LOOP;
  since := edges[1];
  until := greatest(edges[2], since);

  SELECT
    coalesce(range_agg(tstzrange(bucket, bucket + interval '1 hour')) FILTER (WHERE level = 'hour'), '{}'),
    coalesce(range_agg(tstzrange(bucket, bucket + interval '24 hours')) FILTER (WHERE level = 'day'), '{}'),
    coalesce(range_agg(tstzrange(bucket, bucket + interval '24 hours')) FILTER (WHERE level = 'month'), '{}')
  INTO hours_pending, days_pending, months_pending
  FROM (
    SELECT DISTINCT p.level, p.bucket FROM rollup_pending AS p
    WHERE httpmon_parts_sql.site_ids IS NULL OR p.site_id = ANY (httpmon_parts_sql.site_ids)
    UNION
    SELECT 'hour', m.hour FROM rollup_marks AS m
    WHERE httpmon_parts_sql.site_ids IS NULL OR m.site_ids && httpmon_parts_sql.site_ids
  ) AS pending;

  IF step IS NULL OR step = 'month' THEN
    months := httpmon_whole('month', since, until)
      - httpmon_touched('month', hours_pending + days_pending + months_pending);
  END IF;
  IF step IS NULL OR step <> 'hour' THEN
    days := httpmon_whole('day', since, until) - months
      - httpmon_touched('day', hours_pending + days_pending);
  END IF;
  hours := httpmon_whole('hour', since, until) - months - days - hours_pending;
  results := tstzmultirange(tstzrange(since, until)) - months - days - hours;

  SELECT string_agg(
    CASE source WHEN 'check_results' THEN httpmon_count_sql(
      format('ts >= %L AND ts < %L', lower(range), upper(range)) || filter, sketches
    )
    ELSE format(
      'SELECT %s FROM %s WHERE bucket >= %L AND bucket < %L', columns, source, lower(range), upper(range)
    ) || filter END, ' UNION ALL '
  ) INTO sql
  FROM (
    SELECT 'rollup_monthly' AS source, unnest(months) AS range
    UNION ALL SELECT 'rollup_daily', unnest(days)
    UNION ALL SELECT 'rollup_hourly', unnest(hours)
    UNION ALL SELECT 'check_results', unnest(results)
  ) AS pieces;
  RETURN coalesce(sql, format('SELECT %s FROM rollup_hourly WHERE false', columns));
END
$$;

-- Counts of [since, until) for these sites (null: all), by site and agent, and by hour, day or month
-- where `step` says so; `bucket` is null otherwise. Exact at any moment.
CREATE FUNCTION httpmon_rollup(
  site_ids int4[], since timestamptz, until timestamptz, step text DEFAULT NULL
) RETURNS TABLE (
  bucket timestamptz, site_id int4, agent_id int4, checks int8, up int8, degraded int8, down int8,
  unknown int8, maintenance int8, responses int8, response_min float4, response_max float4,
  response_sum float8
)
LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN QUERY EXECUTE format(
    $sql$SELECT date_trunc($1, bucket, 'UTC') AS bucket, site_id, agent_id, sum(checks), sum(up),
      sum(degraded), sum(down), sum(unknown), sum(maintenance), sum(responses), min(response_min),
      max(response_max), sum(round(response_sum * 1000)) / 1000
    FROM (%s) AS part GROUP BY 1, 2, 3$sql$,
    httpmon_parts_sql(site_ids, since, until, step, false)
  ) USING step;
END
$$;

-- The ids behind a name, or a URL of a site without one; several where a name's URL was changed.
CREATE FUNCTION httpmon_site_ids(site text) RETURNS int4[]
LANGUAGE sql STABLE AS $$
  SELECT coalesce(array_agg(id), '{}') FROM sites WHERE coalesce(name, url) = site
$$;

CREATE FUNCTION httpmon_uptime(site text, since timestamptz, until timestamptz) RETURNS float8
LANGUAGE sql STABLE AS $$
  SELECT sum(up + degraded)::float8 / nullif(sum(up + degraded + down), 0)::float8
  FROM httpmon_rollup(httpmon_site_ids(site), since, until)
$$;
COMMENT ON FUNCTION httpmon_uptime(text, timestamptz, timestamptz) IS
  '(up + degraded) / (up + degraded + down) in slots, over all agents; null where nothing counts';

CREATE FUNCTION httpmon_percentile(
  site text, q float8, since timestamptz, until timestamptz, phase text DEFAULT 'response'
) RETURNS float8
LANGUAGE plpgsql STABLE AS $$
DECLARE
  quantile float8;
BEGIN
  EXECUTE format(
    'SELECT (httpmon_quantiles(sketch, ARRAY[$1])).ms[1] FROM (%s) AS merged',
    httpmon_merge_sql(
      format('SELECT true AS one, sketch FROM (%s) AS part', httpmon_parts_sql(
        httpmon_site_ids(site), since, until, NULL, true
      )),
      'one', httpmon_phase(phase)
    )
  ) INTO quantile USING q;
  RETURN quantile;
END
$$;
COMMENT ON FUNCTION httpmon_percentile(text, float8, timestamptz, timestamptz, text) IS
  'milliseconds, q from 0 to 1; within 2 % of the response time, 15 % of a phase';

-- When no agent watched a site: what is left of the time, up to now, once every result has covered what
-- it answers for, from the time that its check was due for as many slots as it has. Results that do not
-- say how often the site is checked cover nothing. A second is let pass between two.
CREATE FUNCTION httpmon_unobserved(site text, since timestamptz, until timestamptz)
RETURNS tstzmultirange
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan AS $$
DECLARE
  ids int4[] := httpmon_site_ids(site);
  upto timestamptz := greatest(since, least(until, now()));
  watched tstzmultirange;
BEGIN
  SELECT coalesce(range_agg(
    tstzrange(due, due + (least(slots * frequency, 1e9) + 1) * interval '1 second')
  ), '{}')
  INTO watched
  FROM (
    SELECT r.ts - coalesce(r.lateness, 0) * interval '1 millisecond' AS due,
      coalesce(r.slots, 1) AS slots, c.frequency
    FROM check_results AS r JOIN contexts AS c ON c.id = r.context_id
    -- Whose slots may reach into the range.
    WHERE r.site_id = ANY (ids) AND r.ts >= since - interval '1 day' AND r.ts < upto
      AND c.frequency IS NOT NULL
  ) AS result;
  RETURN tstzmultirange(tstzrange(since, upto)) - watched;
END
$$;

-- Has the hours from `since` to `until` computed again, as after results were deleted or changed by
-- hand; returns how many hours of sites. Not those of days without a partition: their results are
-- gone, and the rollups are all that is left.
CREATE FUNCTION httpmon_recompute(since timestamptz, until timestamptz) RETURNS int8
LANGUAGE plpgsql SET plan_cache_mode = force_custom_plan AS $$
DECLARE
  added int8;
  kept tstzmultirange := httpmon_covered('check_results');
BEGIN
  since := date_trunc('hour', since, 'UTC');
  until := httpmon_up_to('hour', until);
  WITH found AS (
    SELECT date_bin('1 hour', ts, since) AS hour, site_id FROM check_results
    WHERE ts >= since AND ts < until
    UNION
    SELECT bucket, site_id FROM rollup_hourly
    WHERE bucket >= since AND bucket < until AND bucket <@ kept
  ), marked AS (
    INSERT INTO rollup_marks (hour, site_ids) SELECT hour, array_agg(site_id) FROM found GROUP BY 1
  )
  SELECT count(*) INTO added FROM found;
  RETURN added;
END
$$;
