-- Sites, agents, results by day, where the writers stand in Kafka, dead letters, and mon_daily.
-- No foreign keys: they cost a look-up a row, and the writer takes the ids from these very tables.

-- What makes a site the same site. An md5, because a long URL does not fit a b-tree. The hash of the
-- name has 32 characters or none, so that no two pairs give the same text.
CREATE FUNCTION httpmon_site_identity(name text, url text) RETURNS uuid
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN pg_catalog.md5(
  CASE WHEN name IS NULL THEN '' ELSE pg_catalog.md5(name) END || ':' || url
)::uuid;

CREATE TABLE sites (
  id int4 GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  url text NOT NULL,
  name text,
  identity uuid NOT NULL GENERATED ALWAYS AS (httpmon_site_identity(name, url)) STORED UNIQUE
);
COMMENT ON COLUMN sites.url IS 'exactly as the config writes it';
COMMENT ON COLUMN sites.name IS 'null where the config gives none';

CREATE TABLE agents (
  id int4 GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  uuid uuid NOT NULL UNIQUE
);

-- Columns of eight bytes first, then four, then one: no padding.
CREATE TABLE check_results (
  ts timestamptz(6) NOT NULL,
  response_time float8,
  scheduled_at timestamptz(6),
  site_id int4 NOT NULL,
  agent_id int4 NOT NULL,
  response_code int4,
  verdict int2 NOT NULL,
  regex_result boolean,
  error_class text,
  reason text,
  error_message text,
  -- A site's history is read by site and time.
  PRIMARY KEY (site_id, ts, agent_id)
) PARTITION BY RANGE (ts);
COMMENT ON COLUMN check_results.ts IS 'start of the check';
COMMENT ON COLUMN check_results.response_time IS
  'milliseconds; null only where the older program recorded none';
COMMENT ON COLUMN check_results.scheduled_at IS 'when the check was due';
COMMENT ON COLUMN check_results.verdict IS '0 up, 1 degraded, 2 down, 3 unknown';
COMMENT ON COLUMN check_results.reason IS
  'the rule or the error class that decided a verdict other than up';

-- By time over all sites, within wide partitions too. The second column serves conditions on
-- mon_daily.ts, which has no time zone and so prunes no partition.
CREATE INDEX check_results_ts ON check_results
  USING brin (ts, (ts AT TIME ZONE 'UTC')) WITH (pages_per_range = 32);

CREATE TABLE consumer_offsets (
  cluster_id text NOT NULL,
  topic text NOT NULL,
  partition int4 NOT NULL,
  next_offset int8 NOT NULL,
  last_timestamp int8,
  last_hash bytea,
  updated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (cluster_id, topic, partition)
);
COMMENT ON COLUMN consumer_offsets.next_offset IS 'of the first record that is not stored yet';
COMMENT ON COLUMN consumer_offsets.last_timestamp IS
  'of the last stored record, milliseconds since 1970 as Kafka has it';
COMMENT ON COLUMN consumer_offsets.last_hash IS 'SHA-256 of the last stored record';

CREATE TABLE dead_letters (
  id int8 GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  cluster_id text NOT NULL,
  topic text NOT NULL,
  partition int4 NOT NULL,
  "offset" int8 NOT NULL,
  key bytea,
  value bytea,
  reason text NOT NULL,
  detail text NOT NULL,
  at timestamptz NOT NULL DEFAULT now()
);
-- A record is set aside once, however often it is read. A topic made anew has the same offsets
-- again, with other values.
CREATE UNIQUE INDEX dead_letters_once ON dead_letters
  (cluster_id, topic, partition, "offset", md5(coalesce(value, '')));
CREATE INDEX dead_letters_at ON dead_letters (at);

-- The contract: these names, types and this meaning are for good. Outer joins, so that a column that
-- is not asked for costs no join.
CREATE VIEW mon_daily AS
SELECT
  (r.ts AT TIME ZONE 'UTC')::timestamp AS ts,
  a.uuid AS agent,
  s.url::varchar(2048) AS url,
  r.regex_result AS regexresult,
  r.response_code AS responsecode,
  -- Clamped: one value out of range would fail every SELECT. LEAST takes null for "not there".
  CASE WHEN r.response_time IS NOT NULL THEN
    greatest(least(round(r.response_time), 2147483647), -2147483648)::int4
  END AS responsetime,
  r.error_message::varchar(256) AS errormessage
FROM check_results r
LEFT JOIN sites s ON s.id = r.site_id
LEFT JOIN agents a ON a.id = r.agent_id;

-- Makes what is missing of the daily partitions of `days` (UTC) and returns how many it made. Days
-- that wider partitions cover need none; of a day that is covered in part, the rest is made.
--
-- Attaching a table that was made on its own takes a lock that writers do not wait for; CREATE TABLE
-- ... PARTITION OF would hold them all up. Only an owner can attach, so writers call this function
-- with its owner's rights.
CREATE FUNCTION httpmon_ensure_partitions(days date[]) RETURNS int4
LANGUAGE plpgsql SECURITY DEFINER
SET timezone = 'UTC' SET datestyle = 'ISO' AS $$
DECLARE
  wanted tstzmultirange := (
    SELECT coalesce(range_agg(tstzrange(day, day + 1)), '{}') FROM unnest(days) AS day
  );
  missing tstzmultirange;
  day_start timestamptz;
  gap tstzrange;
  partition_name text;
  made int4 := 0;
BEGIN
  missing := wanted - httpmon_covered();
  IF isempty(missing) THEN
    RETURN 0;
  END IF;
  -- One maker at a time, also against DETACH; then look again at what the others have made.
  LOCK TABLE check_results IN SHARE UPDATE EXCLUSIVE MODE;
  missing := wanted - httpmon_covered();
  FOR day_start, gap IN
    SELECT d, unnest(missing * tstzmultirange(tstzrange(d, d + interval '1 day')))
    FROM (SELECT DISTINCT day::timestamptz AS d FROM unnest(days) AS day) AS each_day
    ORDER BY d
  LOOP
    partition_name := 'check_results_p' || to_char(day_start, 'YYYYMMDD');
    IF gap <> tstzrange(day_start, day_start + interval '1 day') THEN
      partition_name := partition_name || to_char(lower(gap), '_HH24MISS');
    END IF;
    EXECUTE format('CREATE TABLE %I (LIKE check_results INCLUDING ALL)', partition_name);
    EXECUTE format(
      'ALTER TABLE check_results ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
      partition_name, lower(gap), upper(gap)
    );
    made := made + 1;
  END LOOP;
  RETURN made;
END
$$;

-- What the partitions cover, whatever their widths.
CREATE FUNCTION httpmon_covered() RETURNS tstzmultirange
LANGUAGE sql STABLE
SET timezone = 'UTC' SET datestyle = 'ISO' AS $$
  SELECT coalesce(range_agg(tstzrange(
    CASE WHEN bound[1] = 'MINVALUE' THEN NULL ELSE trim('''' FROM bound[1])::timestamptz END,
    CASE WHEN bound[2] = 'MAXVALUE' THEN NULL ELSE trim('''' FROM bound[2])::timestamptz END
  )), '{}')
  FROM pg_inherits AS i
  JOIN pg_class AS c ON c.oid = i.inhrelid
  CROSS JOIN regexp_match(
    pg_get_expr(c.relpartbound, c.oid), '^FOR VALUES FROM \((.*)\) TO \((.*)\)$'
  ) AS bound
  WHERE i.inhparent = 'check_results'::regclass AND NOT i.inhdetachpending
    AND bound IS NOT NULL
$$;

-- A function that lends its owner's rights must not look names up where its caller says.
DO $$
DECLARE
  home text := current_schema();
BEGIN
  EXECUTE format(
    'ALTER FUNCTION httpmon_ensure_partitions(date[]) SET search_path = %I, pg_temp', home
  );
  EXECUTE format('ALTER FUNCTION httpmon_covered() SET search_path = %I, pg_temp', home);
END
$$;
REVOKE ALL ON FUNCTION httpmon_ensure_partitions(date[]) FROM PUBLIC;
