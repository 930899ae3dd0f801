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

-- SQL that gives the changes among the results of [since, until) that `filter` lets through.
CREATE FUNCTION httpmon_changes_sql(filter text, since timestamptz, until timestamptz) RETURNS text
LANGUAGE sql STABLE SET datestyle = 'ISO' AS $function$
  SELECT format($$
    SELECT c.ts, c.site_id, c.agent_id, c.state, c.response_code,
      w.reason, w.error_class, w.error_message
    FROM (
      SELECT *, lag(state) OVER (PARTITION BY site_id, agent_id ORDER BY ts) AS before FROM (
        SELECT ts, site_id, agent_id, CASE WHEN maintenance THEN 4 ELSE verdict END::int2 AS state,
          response_code, reason_id
        FROM check_results AS r WHERE ts >= %1$L AND ts < %2$L AND %3$s
      ) AS result
    ) AS c
    LEFT JOIN reasons w ON w.id = c.reason_id
    WHERE c.state IS DISTINCT FROM
      CASE WHEN c.before IS NULL THEN httpmon_state_before(c.site_id, c.agent_id, %1$L)
      ELSE c.before END
  $$, since, until, filter)
$function$;

-- Notes the changes in these hours of sites again, which were just rolled up. An hour that was up
-- throughout has one at most, at its start. Where an agent's hour ends in another state than it did, as
-- it was computed late or its results were deleted, the next one that it has results of may begin with
-- a change, or with none any more.
CREATE FUNCTION httpmon_note_changes(hours timestamptz[], sites int4[]) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  hour timestamptz;
  behind timestamptz;
  of_hour int4[];
  ended jsonb;
  mixed int4[];
BEGIN
  FOR hour, of_hour IN
    SELECT h, array_agg(s) FROM unnest(hours, sites) AS pending(h, s) GROUP BY h ORDER BY h
  LOOP
    behind := hour + interval '1 hour';
    SELECT jsonb_agg(jsonb_build_object(
      'site', site_id, 'agent', agent_id, 'state', httpmon_state_before(site_id, agent_id, behind)
    )) INTO ended
    FROM (
      SELECT site_id, agent_id FROM rollup_hourly WHERE bucket = hour AND site_id = ANY (of_hour)
      UNION
      SELECT site_id, agent_id FROM verdict_changes
      WHERE site_id = ANY (of_hour) AND ts >= hour AND ts < behind
    ) AS seen;
    DELETE FROM verdict_changes WHERE site_id = ANY (of_hour) AND ts >= hour AND ts < behind;
    mixed := ARRAY(
      SELECT DISTINCT site_id FROM rollup_hourly
      WHERE bucket = hour AND site_id = ANY (of_hour)
        AND (degraded + down + unknown + maintenance > 0
          OR httpmon_state_before(site_id, agent_id, hour) IS DISTINCT FROM 0)
    );
    EXECUTE 'INSERT INTO verdict_changes '
      || httpmon_changes_sql(format('site_id = ANY (%L)', mixed), hour, behind);
    PERFORM httpmon_note_start(site, agent, hour)
    FROM jsonb_to_recordset(ended) AS e(site int4, agent int4, state int2)
    WHERE httpmon_state_before(site, agent, behind) IS DISTINCT FROM state;
  END LOOP;
END
$$;

-- Notes anew whether the first result of the hours behind this one is a change.
CREATE FUNCTION httpmon_note_start(site int4, agent int4, hour timestamptz) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  first check_results;
BEGIN
  -- An hour may have none any more, if that is still to be computed again.
  WHILE first.ts IS NULL LOOP
    SELECT min(bucket) INTO hour FROM rollup_hourly
    WHERE site_id = site AND agent_id = agent AND bucket > hour;
    IF hour IS NULL THEN
      RETURN;
    END IF;
    EXECUTE format(
      'SELECT * FROM check_results
       WHERE site_id = %s AND agent_id = %s AND ts >= %L AND ts < %L ORDER BY ts LIMIT 1',
      site, agent, hour, hour + interval '1 hour'
    ) INTO first;
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

-- Up to when all changes of these sites (null: of all) are noted; what is later is in the results.
CREATE FUNCTION httpmon_noted_until(site_ids int4[]) RETURNS timestamptz
LANGUAGE sql STABLE AS $$
  SELECT least(
    date_trunc('hour', now(), 'UTC'),
    (SELECT min(hour) FROM rollup_marks AS m
      WHERE httpmon_noted_until.site_ids IS NULL OR m.site_ids && httpmon_noted_until.site_ids),
    (SELECT min(bucket) FROM rollup_pending AS p WHERE level = 'hour' AND (
      httpmon_noted_until.site_ids IS NULL OR p.site_id = ANY (httpmon_noted_until.site_ids)))
  )
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
    -- Whatever was the last before: a look into the key for each site and agent.
    SELECT before.* FROM sites AS s CROSS JOIN agents AS a
    CROSS JOIN LATERAL (
      SELECT * FROM verdict_changes AS c
      WHERE c.site_id = s.id AND c.agent_id = a.id AND c.ts < noted AND c.state < 3
      ORDER BY c.ts DESC LIMIT 1
    ) AS before
    WHERE $1 IS NULL OR s.id = ANY ($1)
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
