-- When verdicts changed, noted as the hours are rolled up; what runs of failures are made of.

-- Each moment at which an agent saw a site's verdict change. Kept as long as the daily rollups, longer
-- than what `reasons` holds, so the texts stand in it.
CREATE TABLE verdict_changes (
  ts timestamptz(6) NOT NULL,
  site_id int4 NOT NULL,
  agent_id int4 NOT NULL,
  state int2 NOT NULL,
  response_code int4,
  reason text,
  error_class text,
  error_message text,
  PRIMARY KEY (site_id, agent_id, ts)
);
COMMENT ON COLUMN verdict_changes.ts IS 'of the first result with the new state';
COMMENT ON COLUMN verdict_changes.state IS
  '0 up, 1 degraded, 2 down, 3 unknown, 4 in maintenance, whatever the verdict';
CREATE INDEX verdict_changes_ts ON verdict_changes (ts);

-- The last of them, so that all sites can be asked at once.
CREATE TABLE verdict_last (
  site_id int4 NOT NULL,
  agent_id int4 NOT NULL,
  ts timestamptz(6) NOT NULL,
  state int2 NOT NULL,
  PRIMARY KEY (site_id, agent_id)
);

-- The state that a result stands for.
CREATE FUNCTION httpmon_state(result check_results) RETURNS int2
LANGUAGE sql IMMUTABLE
RETURN CASE WHEN result.maintenance THEN 4 ELSE result.verdict END::int2;

-- The last change that is noted for an agent's site before a moment.
CREATE FUNCTION httpmon_state_before(site int4, agent int4, moment timestamptz) RETURNS int2
LANGUAGE sql STABLE AS $$
  SELECT state FROM verdict_changes
  WHERE site_id = site AND agent_id = agent AND ts < moment ORDER BY ts DESC LIMIT 1
$$;

-- SQL that gives the changes among the results of [since, until) that `filter` lets through. Most agents
-- see a site up throughout: the results of the others alone are put in order.
CREATE FUNCTION httpmon_changes_sql(filter text, since timestamptz, until timestamptz) RETURNS text
LANGUAGE sql STABLE SET datestyle = 'ISO' AS $function$
  SELECT format($$
    WITH turned AS MATERIALIZED (
      SELECT * FROM (
        SELECT site_id, agent_id, mixed, CASE WHEN last.ts < %1$L THEN last.state
          ELSE httpmon_state_before(site_id, agent_id, %1$L) END AS before
        FROM (
          SELECT site_id, agent_id, bool_or(verdict <> 0 OR maintenance) AS mixed
          FROM check_results WHERE ts >= %1$L AND ts < %2$L AND %3$s GROUP BY 1, 2
        ) AS seen
        LEFT JOIN verdict_last AS last USING (site_id, agent_id)
        OFFSET 0
      ) AS seen
      WHERE mixed OR before IS DISTINCT FROM 0
    )
    SELECT c.ts, c.site_id, c.agent_id, c.state, c.response_code,
      w.reason, w.error_class, w.error_message
    -- One by one, by the key: joined at once, all that the others saw would be read and hashed again.
    FROM turned CROSS JOIN LATERAL (
      SELECT r.ts, r.site_id, r.agent_id, httpmon_state(r) AS state, r.response_code, r.reason_id,
        lag(httpmon_state(r), 1, turned.before) OVER (ORDER BY r.ts) AS previous
      FROM check_results AS r
      WHERE r.site_id = turned.site_id AND r.agent_id = turned.agent_id AND r.ts >= %1$L AND r.ts < %2$L
      -- Where nothing but up was seen, the first one alone may be a change.
      ORDER BY r.ts LIMIT CASE WHEN turned.mixed THEN NULL ELSE 1 END
    ) AS c
    LEFT JOIN reasons w ON w.id = c.reason_id
    WHERE c.state IS DISTINCT FROM c.previous
  $$, since, until, filter)
$function$;

-- Notes the changes of these sites in [since, until) again, which ends with an hour. Where an agent's
-- state at the end is another one than it was, as results came late or were deleted, its next result
-- may be a change, or none any more.
CREATE FUNCTION httpmon_note_changes(since timestamptz, until timestamptz, sites int4[]) RETURNS void
LANGUAGE plpgsql SET plan_cache_mode = force_custom_plan AS $$
DECLARE
  found verdict_changes[];
  touched jsonb;
BEGIN
  EXECUTE format(
    'SELECT array_agg(c::verdict_changes) FROM (%s) AS c',
    httpmon_changes_sql('site_id = ANY ($1)', since, until)
  ) INTO found USING sites;
  SELECT jsonb_agg(jsonb_build_object(
    'site', site_id, 'agent', agent_id, 'state', httpmon_state_before(site_id, agent_id, until)
  )) INTO touched
  FROM (
    SELECT site_id, agent_id FROM unnest(found)
    UNION
    SELECT site_id, agent_id FROM verdict_changes
    WHERE site_id = ANY (sites) AND ts >= since AND ts < until
  ) AS changed;
  DELETE FROM verdict_changes WHERE site_id = ANY (sites) AND ts >= since AND ts < until;
  INSERT INTO verdict_changes SELECT * FROM unnest(found);
  PERFORM httpmon_note_start(site, agent, until)
  FROM jsonb_to_recordset(touched) AS t(site int4, agent int4, state int2)
  WHERE httpmon_state_before(site, agent, until) IS DISTINCT FROM state;
  DELETE FROM verdict_last AS l USING jsonb_to_recordset(touched) AS t(site int4, agent int4)
  WHERE l.site_id = t.site AND l.agent_id = t.agent;
  INSERT INTO verdict_last
  SELECT last.site_id, last.agent_id, last.ts, last.state
  FROM jsonb_to_recordset(touched) AS t(site int4, agent int4) CROSS JOIN LATERAL (
    SELECT * FROM verdict_changes AS v WHERE v.site_id = t.site AND v.agent_id = t.agent
    ORDER BY v.ts DESC LIMIT 1
  ) AS last;
END
$$;

-- Notes anew whether the first result from an hour on is a change.
CREATE FUNCTION httpmon_note_start(site int4, agent int4, hour timestamptz) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  first check_results;
BEGIN
  LOOP
    EXECUTE format(
      'SELECT * FROM check_results
       WHERE site_id = %s AND agent_id = %s AND ts >= %L AND ts < %L ORDER BY ts LIMIT 1',
      site, agent, hour, hour + interval '1 hour'
    ) INTO first;
    EXIT WHEN first.ts IS NOT NULL;
    -- What is noted is rolled up, or is to be.
    SELECT min(bucket) INTO hour FROM (
      SELECT bucket FROM rollup_hourly AS r
      WHERE r.site_id = site AND r.agent_id = agent AND r.bucket > hour
      UNION ALL
      SELECT bucket FROM rollup_pending AS p
      WHERE p.site_id = site AND p.level = 'hour' AND p.bucket > hour
    ) AS later;
    IF hour IS NULL THEN
      RETURN;
    END IF;
  END LOOP;
  DELETE FROM verdict_changes WHERE site_id = site AND agent_id = agent AND ts = first.ts;
  IF httpmon_state(first) IS DISTINCT FROM httpmon_state_before(site, agent, first.ts) THEN
    INSERT INTO verdict_changes
    SELECT first.ts, site, agent, httpmon_state(first), first.response_code,
      w.reason, w.error_class, w.error_message
    FROM (SELECT) AS one LEFT JOIN reasons w ON w.id = first.reason_id;
  END IF;
END
$$;

-- Up to when all changes of these sites (null: of all) are noted; what is later is in the results. Half
-- a minute ago, where a maintainer is at work.
CREATE FUNCTION httpmon_noted_until(site_ids int4[]) RETURNS timestamptz
LANGUAGE sql STABLE AS $$
  SELECT coalesce(min(coalesce(since, date_trunc('hour', hour))), 'infinity') FROM rollup_marks AS m
  WHERE httpmon_noted_until.site_ids IS NULL OR m.site_ids && httpmon_noted_until.site_ids
$$;

-- The changes of these sites (null: of all) in [since, until), exact at any moment.
CREATE FUNCTION httpmon_changes(site_ids int4[], since timestamptz, until timestamptz)
RETURNS SETOF verdict_changes
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan AS $$
DECLARE
  noted timestamptz := httpmon_noted_until(site_ids);
BEGIN
  RETURN QUERY SELECT * FROM verdict_changes AS c
  WHERE (httpmon_changes.site_ids IS NULL OR c.site_id = ANY (httpmon_changes.site_ids))
    AND c.ts >= since AND c.ts < least(until, noted);
  IF until > noted THEN
    RETURN QUERY EXECUTE format(
      'SELECT * FROM (%s) AS changed WHERE ts >= %L',
      httpmon_changes_sql(
        CASE WHEN site_ids IS NULL THEN 'true' ELSE format('site_id = ANY (%L)', site_ids) END,
        noted, until
      ),
      since
    );
  END IF;
END
$$;

-- Runs of failures of these sites (null: of all) that touch [since, until): from the first result that
-- was down until one was not (null: not yet), joined over the agents that saw it at one time. Results
-- that are unknown or in maintenance neither begin nor end one.
CREATE FUNCTION httpmon_failures(site_ids int4[], since timestamptz, until timestamptz)
RETURNS TABLE (
  site_id int4, started timestamptz, ended timestamptz, agent_ids int4[], response_code int4,
  reason text, error_class text, error_message text
)
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan AS $$
#variable_conflict use_column
DECLARE
  -- What is not noted yet is not among the changes before.
  noted timestamptz := least(since, httpmon_noted_until(site_ids));
BEGIN
  RETURN QUERY WITH changes AS (
    -- To the end of the record: a run that ends behind `until` is whole.
    SELECT * FROM httpmon_changes($1, noted, greatest($3, now() + interval '2 days')) WHERE state < 3
    UNION ALL
    -- Whatever was the last before, unless it is that a site was up.
    SELECT before.* FROM verdict_last AS l CROSS JOIN LATERAL (
      SELECT * FROM verdict_changes AS c
      WHERE c.site_id = l.site_id AND c.agent_id = l.agent_id AND c.ts < noted AND c.state < 3
      ORDER BY c.ts DESC LIMIT 1
    ) AS before
    WHERE ($1 IS NULL OR l.site_id = ANY ($1)) AND (l.ts >= noted OR l.state >= 2)
  ), turns AS (
    SELECT *, lead(ts) OVER each AS next FROM (
      SELECT *, lag(state = 2) OVER (PARTITION BY site_id, agent_id ORDER BY ts) AS was_down
      FROM changes
    ) AS c
    WHERE (state = 2) IS DISTINCT FROM was_down
    WINDOW each AS (PARTITION BY site_id, agent_id ORDER BY ts)
  ), runs AS (
    SELECT *, tstzrange(ts, next) AS span FROM turns
    WHERE state = 2 AND ts < $3 AND (next > $2 OR next IS NULL)
  ), joined AS (
    SELECT runs.site_id, unnest(range_agg(span)) AS span FROM runs GROUP BY 1
  )
  SELECT j.site_id, lower(j.span), upper(j.span), array_agg(DISTINCT r.agent_id),
    (array_agg(r.response_code ORDER BY r.ts))[1], (array_agg(r.reason ORDER BY r.ts))[1],
    (array_agg(r.error_class ORDER BY r.ts))[1], (array_agg(r.error_message ORDER BY r.ts))[1]
  FROM joined AS j JOIN runs AS r ON r.site_id = j.site_id AND r.span && j.span
  GROUP BY 1, 2, 3
  ORDER BY 2 DESC;
END
$$;
