-- What people and dashboards ask, each a function that reads only what it needs: rollups where these
-- stand, else the days of its range. docs/questions.md shows them; `deno task bench history` times them.

-- Percentiles (ms) of a site by hour, day or month.
CREATE FUNCTION httpmon_percentiles(
  site text, since timestamptz, until timestamptz, step text, phase text DEFAULT 'response'
) RETURNS TABLE (bucket timestamptz, results int8, p50 float8, p95 float8, p99 float8)
LANGUAGE plpgsql STABLE SET jit = off AS $$
BEGIN
  RETURN QUERY EXECUTE format($sql$
    SELECT bucket, n, ms[1], ms[2], ms[3]
    FROM (%s) AS merged CROSS JOIN httpmon_quantiles(sketch, '{0.5,0.95,0.99}')
    WHERE n > 0 ORDER BY 1
  $sql$, httpmon_merge_sql(
    format(
      'SELECT date_trunc(%L, bucket, ''UTC'') AS bucket, sketch FROM (%s) AS part',
      step, httpmon_parts_sql(httpmon_site_ids(site), since, until, step, true)
    ),
    'bucket', httpmon_phase(phase)
  ));
END
$$;

-- All that a chart of these sites shows by hour, day or month, and by agent where `each_agent` says so:
-- counts, percentiles of the response time and medians of the phases (ms).
CREATE FUNCTION httpmon_series(
  site_ids int4[], since timestamptz, until timestamptz, step text, each_agent boolean DEFAULT false
) RETURNS TABLE (
  bucket timestamptz, agent_id int4, checks int8, up int8, degraded int8, down int8, unknown int8,
  maintenance int8, responses int8, p50 float8, p95 float8, p99 float8, dns float8, connect float8,
  tls float8, first_byte float8, download float8
)
LANGUAGE plpgsql STABLE SET jit = off AS $$
BEGIN
  RETURN QUERY EXECUTE format($sql$
    WITH rows AS MATERIALIZED (
      SELECT *, date_trunc($1, bucket, 'UTC') AS start, CASE WHEN $2 THEN agent_id END AS agent
      FROM (%s) AS part
    ), quantiles AS (
      SELECT start, agent, (httpmon_quantiles(httpmon_bins(sketch, 0), '{0.5,0.95,0.99}')).ms AS response,
        %s
      FROM (%s) AS merged
      -- Or it would be worked out for each column anew.
      OFFSET 0
    )
    SELECT c.*, response[1], response[2], response[3], dns, connect, tls, first_byte, download
    FROM (
      SELECT start, agent, sum(checks), sum(up), sum(degraded), sum(down), sum(unknown),
        sum(maintenance), sum(responses)
      FROM rows GROUP BY 1, 2
    ) AS c
    JOIN quantiles AS q ON q.start = c.start AND q.agent IS NOT DISTINCT FROM c.agent
    ORDER BY 1, 2
  $sql$,
    httpmon_parts_sql(site_ids, since, until, step, true),
    (
      SELECT string_agg(
        format('(httpmon_quantiles(httpmon_bins(sketch, %s), ''{0.5}'')).ms[1] AS %I', phase, name), ', '
        ORDER BY phase
      )
      FROM unnest('{dns,connect,tls,first_byte,download}'::text[]) WITH ORDINALITY AS p(name, phase)
    ),
    httpmon_merge_sql('TABLE rows', 'start, agent')
  ) USING step, each_agent;
END
$$;

-- Percentiles (ms) of a phase for each of these sites (null: all) over a range. Of all sites better a
-- whole day, hour or month: a site with one row needs no merging.
CREATE FUNCTION httpmon_percentiles_of(
  site_ids int4[], since timestamptz, until timestamptz, phase text DEFAULT 'response'
) RETURNS TABLE (site_id int4, results int8, p50 float8, p95 float8, p99 float8)
LANGUAGE plpgsql STABLE SET jit = off SET work_mem = '64MB' AS $$
BEGIN
  RETURN QUERY EXECUTE format($sql$
    SELECT site_id, n, ms[1], ms[2], ms[3]
    FROM (%s) AS merged CROSS JOIN httpmon_quantiles(sketch, '{0.5,0.95,0.99}') WHERE n > 0
  $sql$, httpmon_merge_sql(
    httpmon_parts_sql(site_ids, since, until, NULL, true), 'site_id', httpmon_phase(phase)
  ));
END
$$;

-- Slots of each of these sites by hour, day or month, all agents added up: what a strip shows. A bucket
-- without a row was not observed.
CREATE FUNCTION httpmon_strips(
  site_ids int4[], since timestamptz, until timestamptz, step text
) RETURNS TABLE (
  site_id int4, bucket timestamptz, up int8, degraded int8, down int8, unknown int8, maintenance int8
)
LANGUAGE sql STABLE AS $$
  SELECT site_id, bucket, sum(up)::int8, sum(degraded)::int8, sum(down)::int8, sum(unknown)::int8,
    sum(maintenance)::int8
  FROM httpmon_rollup(site_ids, since, until, step) GROUP BY 1, 2 ORDER BY 1, 2
$$;

-- The last `n` results of each of these sites in the last `within`, newest first.
CREATE FUNCTION httpmon_last_checks(
  site_ids int4[], n int4, within interval DEFAULT '26 hours'
) RETURNS TABLE (
  site_id int4, ts timestamptz, agent_id int4, state int2, response_ms float4, response_code int4
)
LANGUAGE plpgsql STABLE SET timezone = 'UTC' SET datestyle = 'ISO' AS $$
BEGIN
  RETURN QUERY EXECUTE format($sql$
    SELECT site_id, ts, agent_id, state, response_time, response_code FROM (
      SELECT r.*, row_number() OVER (PARTITION BY r.site_id ORDER BY r.ts DESC) AS nth
      FROM unnest($1) AS wanted(site_id) CROSS JOIN agents AS a CROSS JOIN LATERAL (
        SELECT r.site_id, ts, r.agent_id, httpmon_state(r) AS state, response_time, response_code
        FROM check_results AS r
        WHERE r.site_id = wanted.site_id AND r.agent_id = a.id AND ts >= %1$L AND ts < %2$L
        ORDER BY ts DESC LIMIT $2
      ) AS r
      -- A result is of a day ahead at most when it is stored.
      WHERE a.last_seen >= (%1$L::timestamptz)::date - 1
    ) AS r
    WHERE nth <= $2 ORDER BY site_id, ts DESC
  $sql$, now() - within, now() + interval '2 days') USING site_ids, n;
END
$$;

-- The sites with the slowest q-quantile (ms). That of a site lies between those of its rows (the upper
-- ones by a rank that adds up to no less): only sites that may be among the n are merged.
CREATE FUNCTION httpmon_slowest(
  since timestamptz, until timestamptz, q float8 DEFAULT 0.95, n int4 DEFAULT 20
) RETURNS TABLE (site text, results int8, ms float8)
LANGUAGE plpgsql STABLE SET jit = off SET work_mem = '64MB' AS $$
BEGIN
  RETURN QUERY EXECUTE format($sql$
    WITH rows AS MATERIALIZED (
      SELECT site_id, sketch, (httpmon_quantiles(
        httpmon_bins(sketch, 0), ARRAY[$1, least($1 + 1 / responses::float8, 1)]
      )).ms AS bounds
      FROM (%s) AS part WHERE responses > 0
    ), sites_between AS MATERIALIZED (
      SELECT site_id, min(bounds[1]) AS least, max(bounds[2]) AS most FROM rows GROUP BY 1
    )
    SELECT coalesce(s.name, s.url), n, ms[1]
    FROM (%s) AS merged CROSS JOIN httpmon_quantiles(sketch, ARRAY[$1]) JOIN sites s ON s.id = site_id
    ORDER BY ms[1] DESC LIMIT $2
  $sql$, httpmon_parts_sql(NULL, since, until, NULL, true), httpmon_merge_sql(
    'SELECT site_id, sketch FROM sites_between JOIN rows USING (site_id) WHERE most >= coalesce(
       (SELECT least FROM sites_between ORDER BY 1 DESC OFFSET $2 - 1 LIMIT 1), 0)',
    'site_id', 0
  )) USING q, n;
END
$$;

-- How long a result says something of now: two intervals and a timeout's default; without a frequency,
-- an hour.
CREATE FUNCTION httpmon_fresh_for(frequency float8) RETURNS interval
LANGUAGE sql IMMUTABLE
RETURN coalesce(2 * frequency + 120, 3600) * interval '1 second';

-- What each agent last saw of each site in the last `within`, and since when that is so. Most have been
-- seen in the last minutes, which are read together; the others are looked up one by one. Whoever has a
-- result has a change as well, as the first result is one.
CREATE FUNCTION httpmon_agents_see(within interval DEFAULT '26 hours')
RETURNS TABLE (
  site_id int4, agent_id int4, ts timestamptz, state int2, since timestamptz, fresh boolean,
  response_ms float4, response_code int4, context_id int4, connection_id int4, reason_id int4,
  location text
)
LANGUAGE plpgsql STABLE SET timezone = 'UTC' SET datestyle = 'ISO' SET jit = off SET work_mem = '32MB' AS $$
#variable_conflict use_column
DECLARE
  noted timestamptz := httpmon_noted_until(NULL);
  recently timestamptz := now() - least(within, '3 minutes');
  horizon timestamptz := now() + interval '2 days';
BEGIN
  RETURN QUERY EXECUTE format($sql$
    WITH recent AS MATERIALIZED (
      SELECT DISTINCT ON (site_id, agent_id) ts, site_id, agent_id, response_time, response_code,
        context_id, connection_id, reason_id, httpmon_state(r) AS state
      FROM check_results AS r WHERE ts >= %1$L AND ts < %2$L
      ORDER BY site_id, agent_id, ts DESC
    ), changes AS MATERIALIZED (
      SELECT site_id, agent_id, max(ts) AS ts FROM (
        SELECT site_id, agent_id, CASE WHEN ts < %3$L THEN ts ELSE (
          SELECT max(v.ts) FROM verdict_changes AS v
          WHERE v.site_id = l.site_id AND v.agent_id = l.agent_id AND v.ts < %3$L
        ) END AS ts FROM verdict_last AS l
        UNION ALL SELECT site_id, agent_id, ts FROM (%4$s) AS c
      ) AS c GROUP BY 1, 2
    ), last AS (
      SELECT * FROM recent
      UNION ALL
      SELECT r.* FROM (
        SELECT site_id, agent_id FROM changes EXCEPT SELECT site_id, agent_id FROM recent
      ) AS other CROSS JOIN LATERAL (
        SELECT ts, site_id, agent_id, response_time, response_code, context_id, connection_id,
          reason_id, httpmon_state(r) AS state
        FROM check_results AS r
        WHERE r.site_id = other.site_id AND r.agent_id = other.agent_id AND ts >= %5$L AND ts < %1$L
        ORDER BY ts DESC LIMIT 1
      ) AS r
    )
    SELECT l.site_id, l.agent_id, l.ts, l.state, coalesce(c.ts, l.ts),
      l.ts > now() - httpmon_fresh_for(x.frequency),
      l.response_time, l.response_code, l.context_id, l.connection_id, l.reason_id, x.location
    FROM last AS l
    LEFT JOIN changes AS c ON c.site_id = l.site_id AND c.agent_id = l.agent_id
    LEFT JOIN contexts x ON x.id = l.context_id
  $sql$, recently, horizon, noted,
    httpmon_changes_sql('true', least(noted, horizon), horizon), now() - within);
END
$$;

-- The state of each site now, as its agents' majority has it, and since when. Of agents whose last
-- result is too old to say anything of now (see httpmon_fresh_for) none counts; where that is so of
-- all, the site is unobserved, since the last result.
CREATE FUNCTION httpmon_sites_now(within interval DEFAULT '26 hours')
RETURNS TABLE (
  site_id int4, site text, url text, state text, since timestamptz, last_result timestamptz,
  agents int4, agents_down int4, response_ms float4, response_code int4, reason text,
  error_message text, certificate_expires_at timestamptz, frequency float8, labels jsonb,
  locations text[]
)
LANGUAGE sql STABLE AS $$
  WITH seen AS (
    SELECT site_id, count(*)::int4 AS agents, max(ts) AS ts,
      count(*) FILTER (WHERE fresh)::int4 AS fresh,
      count(*) FILTER (WHERE fresh AND state < 3)::int4 AS votes,
      count(*) FILTER (WHERE fresh AND state IN (1, 2))::int4 AS troubled,
      count(*) FILTER (WHERE fresh AND state = 2)::int4 AS down,
      count(*) FILTER (WHERE fresh AND state = 4)::int4 AS maintained,
      array_agg(since) FILTER (WHERE fresh) AS since,
      array_agg(since) FILTER (WHERE fresh AND state = 2) AS down_since,
      array_agg(since) FILTER (WHERE fresh AND state IN (1, 2)) AS troubled_since,
      array_agg(since) FILTER (WHERE fresh AND state = 0) AS up_since,
      (array_agg(response_ms))[1] AS ms, (array_agg(response_code))[1] AS code,
      (array_agg(reason_id))[1] AS reason_id, (array_agg(context_id))[1] AS context_id,
      (array_agg(connection_id) FILTER (WHERE connection_id IS NOT NULL))[1] AS connection_id,
      coalesce(array_agg(location) FILTER (WHERE location IS NOT NULL), '{}') AS locations
    FROM (
      -- The newest of those that decide first; one sort for all is cheaper than one an aggregate.
      SELECT * FROM httpmon_agents_see(within)
      ORDER BY site_id, fresh DESC, state = 2 DESC, state = 1 DESC, ts DESC
    ) AS a GROUP BY 1
  ), judged AS (
    SELECT *, CASE
      WHEN fresh = 0 THEN 'unobserved'
      WHEN maintained = fresh THEN 'maintenance'
      WHEN votes = 0 THEN 'unknown'
      WHEN down * 2 > votes THEN 'down'
      WHEN troubled * 2 > votes THEN 'degraded'
      ELSE 'up'
    END AS state
    FROM seen
  ), dated AS (
    -- Since `place` (from 0) of `times`, in order: when so many of the agents saw it so.
    SELECT *,
      CASE state
        WHEN 'unobserved' THEN ARRAY[ts] WHEN 'down' THEN down_since
        WHEN 'degraded' THEN troubled_since WHEN 'up' THEN up_since ELSE since
      END AS times,
      CASE state
        WHEN 'down' THEN votes / 2 WHEN 'degraded' THEN votes / 2
        WHEN 'up' THEN least(votes / 2, cardinality(up_since) - 1) ELSE cardinality(since) - 1
      END AS place
    FROM judged
  )
  -- Most sites have one agent, and nothing to be sorted.
  SELECT j.site_id, coalesce(s.name, s.url), s.url, j.state,
    CASE cardinality(j.times) WHEN 1 THEN j.times[1]
      ELSE (SELECT t FROM unnest(j.times) AS t ORDER BY t OFFSET j.place LIMIT 1) END,
    j.ts, j.agents, j.down, j.ms, j.code, w.reason, w.error_message, n.expires_at, c.frequency,
    coalesce(c.site_labels, '{}'),
    CASE WHEN cardinality(j.locations) <= 1 THEN j.locations
      ELSE ARRAY(SELECT DISTINCT l FROM unnest(j.locations) AS l ORDER BY l) END
  FROM dated AS j
  JOIN sites s ON s.id = j.site_id
  LEFT JOIN contexts c ON c.id = j.context_id
  LEFT JOIN connections n ON n.id = j.connection_id
  LEFT JOIN reasons w ON w.id = j.reason_id
$$;

-- Counts by location, "" where the agent says none.
CREATE FUNCTION httpmon_by_location(site text, since timestamptz, until timestamptz)
RETURNS TABLE (
  location text, agent uuid, checks int8, up int8, degraded int8, down int8, unknown int8,
  maintenance int8, uptime float8
)
LANGUAGE sql STABLE AS $$
  SELECT coalesce(seen.location, ''), a.identity, r.checks, r.up, r.degraded, r.down, r.unknown,
    r.maintenance, (r.up + r.degraded)::float8 / nullif(r.up + r.degraded + r.down, 0)
  FROM httpmon_rollup(httpmon_site_ids(site), since, until) AS r
  JOIN agents a ON a.id = r.agent_id
  LEFT JOIN LATERAL (
    SELECT c.location FROM check_results AS o JOIN contexts c ON c.id = o.context_id
    WHERE o.site_id = r.site_id AND o.agent_id = r.agent_id AND o.ts >= $2 AND o.ts < $3
    ORDER BY o.ts DESC LIMIT 1
  ) AS seen ON true
  ORDER BY 1, 2
$$;

-- The uptime of each of these sites (null: all) in the last so many days, to the last full hour, as the
-- counters of whole hours are all in the rollups. More than one day are whole days (UTC) and what there
-- is of today, so that no day is added up from its hours but today.
CREATE FUNCTION httpmon_uptimes(days int4, site_ids int4[] DEFAULT NULL)
RETURNS TABLE (site_id int4, site text, uptime float8, counted int8)
LANGUAGE plpgsql STABLE SET timezone = 'UTC' SET datestyle = 'ISO' SET jit = off AS $$
#variable_conflict use_column
DECLARE
  until timestamptz := date_trunc('hour', now());
  since timestamptz := CASE WHEN days > 1 THEN date_trunc('day', until) ELSE until END
    - days * interval '24 hours';
BEGIN
  -- Not by httpmon_rollup, which would add up more than is asked for.
  RETURN QUERY EXECUTE format($sql$
    SELECT s.id, coalesce(s.name, s.url), r.good::float8 / nullif(r.counted, 0)::float8,
      r.counted
    FROM (
      SELECT site_id, sum(up + degraded) AS good, sum(up + degraded + down) AS counted
      FROM (%s) AS part GROUP BY 1
    ) AS r
    JOIN sites s ON s.id = r.site_id
    ORDER BY 3, 2
  $sql$, httpmon_parts_sql(site_ids, since, until, NULL, false));
END
$$;

-- Certificates that end `within` of now, of the chains that sites showed lately: on the last day, of the
-- last three, on which an agent saw one.
CREATE FUNCTION httpmon_certificates(within interval DEFAULT '30 days')
RETURNS TABLE (
  site text, expires_at timestamptz, days_left float8, subject text, issuer text, fingerprint bytea
)
LANGUAGE sql STABLE AS $$
  SELECT DISTINCT coalesce(s.name, s.url), c.not_after,
    extract(epoch FROM c.not_after - now())::float8 / 86400, c.subject, c.issuer, c.fingerprint
  FROM certificates c
  JOIN (
    SELECT site_id, unnest(chain) AS fingerprint, last_seen,
      max(last_seen) OVER (PARTITION BY site_id, agent_id) AS newest
    FROM site_certificates WHERE last_seen >= (now() AT TIME ZONE 'UTC')::date - 2
  ) AS shown ON shown.fingerprint = c.fingerprint AND shown.last_seen = newest
  JOIN sites s ON s.id = shown.site_id
  WHERE c.not_after < now() + within
  ORDER BY 2, 1
$$;

-- Hours of [since, until) of which no agent reported a site: "unobserved", neither up nor down.
CREATE FUNCTION httpmon_unobserved_hours(site text, since timestamptz, until timestamptz)
RETURNS TABLE (started timestamptz, ended timestamptz)
LANGUAGE sql STABLE AS $$
  SELECT lower(gap), upper(gap)
  FROM unnest(
    tstzmultirange(tstzrange(httpmon_up_to('hour', since), date_trunc('hour', until, 'UTC'))) - (
      SELECT coalesce(range_agg(tstzrange(bucket, bucket + interval '1 hour')), '{}')
      FROM httpmon_rollup(httpmon_site_ids(site), since, until, 'hour') WHERE checks > 0
    )
  ) AS gap
  WHERE until > since
  ORDER BY 1
$$;
