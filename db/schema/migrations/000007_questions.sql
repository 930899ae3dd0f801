-- What people and dashboards ask, each a function that reads only what it needs: rollups where these
-- stand, else the days of its range. docs/questions.md shows them; `deno task bench history` times them.

-- Percentiles (ms) of a site by hour, day or month.
CREATE FUNCTION httpmon_percentiles(
  site text, since timestamptz, until timestamptz, step text, phase text DEFAULT 'response'
) RETURNS TABLE (bucket timestamptz, results int8, p50 float8, p95 float8, p99 float8)
LANGUAGE sql STABLE AS $$
  SELECT bucket, sum(n)::int8,
    httpmon_quantile(array_agg(key ORDER BY key), array_agg(n ORDER BY key), 0.5),
    httpmon_quantile(array_agg(key ORDER BY key), array_agg(n ORDER BY key), 0.95),
    httpmon_quantile(array_agg(key ORDER BY key), array_agg(n ORDER BY key), 0.99)
  FROM (
    SELECT bucket, key, sum(n)::int8 AS n
    FROM httpmon_sketch(httpmon_site_ids(site), since, until, phase, step) GROUP BY 1, 2
  ) AS bins
  GROUP BY bucket ORDER BY bucket
$$;

-- The sites with the slowest q-quantile (ms). That of a site lies between those of its rows (the upper
-- ones by a rank that adds up to no less): only sites that may be among the n are merged.
CREATE FUNCTION httpmon_slowest(
  since timestamptz, until timestamptz, q float8 DEFAULT 0.95, n int4 DEFAULT 20
) RETURNS TABLE (site text, results int8, ms float8)
LANGUAGE plpgsql STABLE SET work_mem = '64MB' AS $$
BEGIN
  RETURN QUERY EXECUTE format($sql$
    WITH part AS MATERIALIZED (
      SELECT site_id, responses, sketch_keys[1:bins] AS keys, sketch_counts[1:bins]::int8[] AS counts
      FROM (SELECT *, width_bucket(499::int2, sketch_keys) AS bins FROM (%s) AS part) AS part
      WHERE responses > 0
    ), bounds AS MATERIALIZED (
      SELECT site_id, min(httpmon_at_rank(keys, counts, responses, $1 * (responses - 1))) AS least,
        max(httpmon_at_rank(keys, counts, responses, greatest(ceil($1 * responses) - 1, 0))) AS most
      FROM part GROUP BY 1
    ), bins AS (
      SELECT site_id, key, sum(bin.n)::int8 AS n
      FROM bounds JOIN part USING (site_id) CROSS JOIN unnest(keys, counts) AS bin(key, n)
      WHERE most >= coalesce((SELECT least FROM bounds ORDER BY 1 DESC OFFSET $2 - 1 LIMIT 1), 0)
      GROUP BY 1, 2
    )
    SELECT coalesce(s.name, s.url), sum(bins.n)::int8,
      httpmon_quantile(array_agg(key ORDER BY key), array_agg(bins.n ORDER BY key), $1) AS ms
    FROM bins JOIN sites s ON s.id = site_id
    GROUP BY s.id ORDER BY ms DESC LIMIT $2
  $sql$, httpmon_parts_sql(NULL, since, until, NULL, true)) USING q, n;
END
$$;

-- The last result of each agent of each site since `since`. The key is walked from its end: one look
-- into it for each of them, however many results there are.
CREATE FUNCTION httpmon_last_results(since timestamptz) RETURNS SETOF check_results
LANGUAGE plpgsql STABLE SET timezone = 'UTC' SET datestyle = 'ISO' AS $$
BEGIN
  RETURN QUERY EXECUTE replace(replace($sql$
    WITH RECURSIVE walk AS (
      (
        SELECT * FROM check_results WHERE ts >= <since> AND ts < <until>
        ORDER BY site_id DESC, agent_id DESC, ts DESC LIMIT 1
      )
      UNION ALL
      SELECT next.* FROM walk CROSS JOIN LATERAL (
        SELECT r.* FROM check_results AS r
        WHERE r.ts >= <since> AND r.ts < <until>
          AND (r.site_id, r.agent_id) < (walk.site_id, walk.agent_id)
        ORDER BY r.site_id DESC, r.agent_id DESC, r.ts DESC LIMIT 1
      ) AS next
    )
    SELECT * FROM walk
  $sql$, '<since>', quote_literal(since)), '<until>', quote_literal(now() + interval '2 days'));
END
$$;

-- How long a result says something of now: two intervals and a timeout's default; without a frequency,
-- an hour.
CREATE FUNCTION httpmon_fresh_for(frequency float8) RETURNS interval
LANGUAGE sql IMMUTABLE
RETURN coalesce(2 * frequency + 120, 3600) * interval '1 second';

-- What each agent last saw of each site in the last `within`, and since when that is so.
CREATE FUNCTION httpmon_agents_see(within interval DEFAULT '26 hours')
RETURNS TABLE (
  site_id int4, agent_id int4, ts timestamptz, state int2, since timestamptz, fresh boolean,
  response_ms float4, response_code int4, context_id int4, connection_id int4, reason_id int4
)
LANGUAGE plpgsql STABLE SET timezone = 'UTC' SET datestyle = 'ISO' AS $$
#variable_conflict use_column
DECLARE
  noted timestamptz := httpmon_noted_until(NULL);
BEGIN
  RETURN QUERY EXECUTE format($sql$
    WITH last AS MATERIALIZED (
      SELECT r.*, httpmon_state(r) AS state FROM httpmon_last_results(now() - $1) AS r
    ), blips AS MATERIALIZED (
      -- Of those that are up now: when they last were not, since the changes are noted.
      SELECT site_id, agent_id, max(ts) AS ts FROM check_results AS r
      WHERE ts >= %1$L AND ts < now() + interval '2 days' AND (verdict <> 0 OR maintenance)
      GROUP BY 1, 2
    )
    SELECT l.site_id, l.agent_id, l.ts, l.state,
      coalesce(
        CASE WHEN l.state <> 0 OR b.ts IS NOT NULL OR noted.state IS DISTINCT FROM l.state THEN (
          SELECT min(r.ts) FROM check_results AS r
          WHERE r.site_id = l.site_id AND r.agent_id = l.agent_id AND r.ts >= %1$L
            AND r.ts < now() + interval '2 days' AND r.ts > coalesce(
              CASE WHEN l.state = 0 THEN b.ts ELSE (
                SELECT max(o.ts) FROM check_results AS o
                WHERE o.site_id = l.site_id AND o.agent_id = l.agent_id AND o.ts >= %1$L
                  AND o.ts < now() + interval '2 days' AND httpmon_state(o) <> l.state
              ) END,
              CASE WHEN noted.state IS DISTINCT FROM l.state THEN '-infinity' ELSE 'infinity' END::timestamptz
            )
        ) END,
        CASE WHEN noted.state = l.state THEN noted.ts END,
        l.ts
      ),
      l.ts > now() - httpmon_fresh_for(c.frequency),
      l.response_time, l.response_code, l.context_id, l.connection_id, l.reason_id
    FROM last AS l
    LEFT JOIN contexts c ON c.id = l.context_id
    LEFT JOIN blips b ON b.site_id = l.site_id AND b.agent_id = l.agent_id
    LEFT JOIN LATERAL (
      SELECT n.ts, n.state FROM verdict_changes AS n
      WHERE n.site_id = l.site_id AND n.agent_id = l.agent_id AND n.ts < %1$L
      ORDER BY n.ts DESC LIMIT 1
    ) AS noted ON true
  $sql$, noted) USING within;
END
$$;

-- The state of each site now, as its agents' majority has it, and since when. Of agents whose last
-- result is too old to say anything of now (see httpmon_fresh_for) none counts; where that is so of
-- all, the site is unobserved, since the last result.
CREATE FUNCTION httpmon_sites_now(within interval DEFAULT '26 hours')
RETURNS TABLE (
  site_id int4, site text, url text, state text, since timestamptz, last_result timestamptz,
  agents int4, agents_down int4, response_ms float4, response_code int4, reason text,
  error_message text, certificate_expires_at timestamptz, frequency float8, labels jsonb
)
LANGUAGE sql STABLE AS $$
  WITH seen AS (
    SELECT site_id, count(*)::int4 AS agents, max(ts) AS ts,
      count(*) FILTER (WHERE fresh)::int4 AS fresh,
      count(*) FILTER (WHERE fresh AND state < 3)::int4 AS votes,
      count(*) FILTER (WHERE fresh AND state IN (1, 2))::int4 AS troubled,
      count(*) FILTER (WHERE fresh AND state = 2)::int4 AS down,
      count(*) FILTER (WHERE fresh AND state = 4)::int4 AS maintained,
      array_agg(since ORDER BY since) FILTER (WHERE fresh) AS since,
      array_agg(since ORDER BY since) FILTER (WHERE fresh AND state = 2) AS down_since,
      array_agg(since ORDER BY since) FILTER (WHERE fresh AND state IN (1, 2)) AS troubled_since,
      array_agg(since ORDER BY since) FILTER (WHERE fresh AND state = 0) AS up_since,
      -- The newest of those that decide.
      (array_agg(response_ms ORDER BY fresh DESC, state = 2 DESC, state = 1 DESC, ts DESC))[1] AS ms,
      (array_agg(response_code ORDER BY fresh DESC, state = 2 DESC, state = 1 DESC, ts DESC))[1]
        AS code,
      (array_agg(reason_id ORDER BY fresh DESC, state = 2 DESC, state = 1 DESC, ts DESC))[1]
        AS reason_id,
      (array_agg(connection_id ORDER BY ts DESC) FILTER (WHERE connection_id IS NOT NULL))[1]
        AS connection_id,
      (array_agg(context_id ORDER BY ts DESC))[1] AS context_id
    FROM httpmon_agents_see(within) GROUP BY 1
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
  )
  SELECT j.site_id, coalesce(s.name, s.url), s.url, j.state,
    CASE j.state
      WHEN 'unobserved' THEN j.ts
      WHEN 'down' THEN j.down_since[votes / 2 + 1]
      WHEN 'degraded' THEN j.troubled_since[votes / 2 + 1]
      WHEN 'up' THEN coalesce(j.up_since[votes / 2 + 1], j.up_since[cardinality(j.up_since)])
      ELSE j.since[cardinality(j.since)]
    END,
    j.ts, j.agents, j.down, j.ms, j.code, w.reason, w.error_message, n.expires_at, c.frequency,
    coalesce(c.site_labels, '{}')
  FROM judged AS j
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

-- The uptime of each site in the last so many days, to the last full hour: the counters of whole hours
-- are all in the rollups.
CREATE FUNCTION httpmon_uptimes(days int4) RETURNS TABLE (site text, uptime float8, counted int8)
LANGUAGE plpgsql STABLE SET timezone = 'UTC' SET datestyle = 'ISO' AS $$
DECLARE
  until timestamptz := date_trunc('hour', now(), 'UTC');
BEGIN
  -- Not by httpmon_rollup, which would add up more than is asked for.
  RETURN QUERY EXECUTE format($sql$
    SELECT coalesce(s.name, s.url), sum(good)::float8 / nullif(sum(r.counted), 0)::float8,
      sum(r.counted)::int8
    FROM (
      SELECT site_id, sum(up + degraded) AS good, sum(up + degraded + down) AS counted
      FROM (%s) AS part GROUP BY 1
    ) AS r
    JOIN sites s ON s.id = r.site_id
    GROUP BY 1 ORDER BY 2, 1
  $sql$, httpmon_parts_sql(NULL, until - days * interval '24 hours', until, NULL, false));
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
