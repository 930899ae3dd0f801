-- Months that were closed, as they were then; another revision where late results changed one since.
CREATE TABLE reports (
  month date NOT NULL,
  site_id int4 NOT NULL,
  revision int4 NOT NULL,
  frozen_at timestamptz NOT NULL DEFAULT now(),
  figures jsonb NOT NULL,
  PRIMARY KEY (month, site_id, revision)
);
COMMENT ON COLUMN reports.month IS 'its first day, UTC';

-- A site's figures of [since, until), in the names of docs/reports.md; of hours, and where these are
-- dropped, of days or months. Nothing in them depends on the session, or on what came behind `until`.
CREATE FUNCTION httpmon_report(site int4, since timestamptz, until timestamptz) RETURNS jsonb
LANGUAGE sql STABLE SET timezone = 'UTC' AS $$
  WITH kept AS (
    SELECT CASE
      WHEN bool_or(what = 'daily' AND dropped_before > since) THEN 'month'
      WHEN bool_or(what = 'hourly' AND dropped_before > since) THEN 'day'
      ELSE 'hour' END AS step
    FROM retention
  ), parts AS MATERIALIZED (
    SELECT tstzrange(bucket, bucket + ('1 ' || step)::interval) AS span, sum(checks) AS checks,
      sum(up) AS up, sum(degraded) AS degraded, sum(down) AS down, sum(unknown) AS unknown,
      sum(maintenance) AS maintenance, sum(responses) AS responses,
      sum(response_sum) AS response_sum, min(response_min) AS response_min,
      max(response_max) AS response_max
    FROM kept, httpmon_rollup(ARRAY[site], since, until, step) GROUP BY 1
  ), counted AS (
    SELECT sum(up + degraded)::float8 / nullif(sum(up + degraded + down), 0)::float8 AS uptime,
      coalesce(sum(extract(epoch FROM upper(span) - lower(span)) / 60
        * down::float8 / nullif(up + degraded + down, 0)), 0) AS minutes_down,
      sum(checks) AS checks, sum(up) AS up, sum(degraded) AS degraded, sum(down) AS down,
      sum(unknown) AS unknown, sum(maintenance) AS maintenance,
      min(response_min) AS response_min, max(response_max) AS response_max,
      sum(response_sum) / nullif(sum(responses), 0)::float8 AS response_average
    FROM parts
  )
  SELECT jsonb_build_object(
    'of', step || 's',
    'uptime', uptime,
    'minutesDown', round(minutes_down::numeric, 2),
    'checks', coalesce(checks, 0),
    'slots', jsonb_build_object(
      'up', coalesce(up, 0), 'degraded', coalesce(degraded, 0), 'down', coalesce(down, 0),
      'unknown', coalesce(unknown, 0), 'maintenance', coalesce(maintenance, 0)
    ),
    'responseMs', CASE WHEN p50 IS NOT NULL THEN jsonb_build_object(
      'min', round(response_min::numeric, 3), 'average', round(response_average::numeric, 3),
      'max', round(response_max::numeric, 3),
      'p50', round(p50::numeric, 3),
      'p95', round(p95::numeric, 3),
      'p99', round(p99::numeric, 3)
    ) END,
    -- The changes of verdicts go with the days.
    'failures', CASE WHEN step <> 'month' THEN (
      SELECT coalesce(jsonb_agg(jsonb_build_object(
        'started', f.started, 'ended', CASE WHEN f.ended <= until THEN f.ended END,
        'minutes', round(extract(epoch FROM
          least(f.ended, until, now()) - greatest(f.started, since)) / 60, 2),
        'agents', (SELECT jsonb_agg(identity ORDER BY identity) FROM agents
          WHERE id = ANY (f.agent_ids)),
        'reason', f.reason, 'responseCode', f.response_code, 'errorClass', f.error_class,
        'errorMessage', f.error_message
      ) ORDER BY f.started), '[]')
      FROM httpmon_failures(ARRAY[site], since, until) AS f WHERE f.started < until
    ) END,
    'unobserved', (
      SELECT coalesce(jsonb_agg(jsonb_build_object('started', lower(gap), 'ended', upper(gap))
        ORDER BY lower(gap)), '[]')
      FROM unnest(
        tstzmultirange(tstzrange(since, least(until, date_trunc('hour', now(), 'UTC')))) - (
          SELECT coalesce(range_agg(span), '{}') FROM parts WHERE checks > 0
        )
      ) AS gap
    )
  )
  FROM kept, counted LEFT JOIN httpmon_percentiles_of(ARRAY[site], since, until) ON true
$$;
