-- What is kept: sites, agents, results by day and what results share, where the readers stand in Kafka,
-- dead letters; and the two views of the results. "@home@" stands for the schema that this runs in.
--
-- No foreign keys: they cost a look-up a row, and the ids come from these very tables.

-- What many results share is stored once and has an id in the result, so that a row stays narrow. It is
-- found by `identity`, a hash of its content, and knows the last day (UTC) on which it was stored, so
-- that what no kept result can refer to any more can be swept.

-- What makes a site the same site: half a SHA-256, because a long URL does not fit a b-tree. That of the
-- name has 64 characters or none, so that no two pairs give the same text. (A database is UTF8, so the
-- conversion is as immutable as the hash.)
CREATE FUNCTION httpmon_site_identity(name text, url text) RETURNS uuid
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN pg_catalog.encode(pg_catalog.substring(pg_catalog.sha256(pg_catalog.convert_to(
  CASE WHEN name IS NULL THEN '' ELSE
    pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(name, 'UTF8')), 'hex')
  END || ':' || url,
  'UTF8'
)), 1, 16), 'hex')::uuid;

CREATE TABLE sites (
  id int4 GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  url text NOT NULL,
  name text,
  identity uuid NOT NULL GENERATED ALWAYS AS (httpmon_site_identity(name, url)) STORED UNIQUE,
  last_seen date NOT NULL DEFAULT (now() AT TIME ZONE 'UTC')::date
);
COMMENT ON COLUMN sites.url IS 'exactly as the config writes it';
COMMENT ON COLUMN sites.name IS 'null where the config gives none';
-- What people call a site; a hash, for long URLs.
CREATE INDEX sites_called ON sites USING hash (coalesce(name, url));

CREATE TABLE agents (
  id int4 GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  identity uuid NOT NULL UNIQUE,
  last_seen date NOT NULL DEFAULT (now() AT TIME ZONE 'UTC')::date
);
COMMENT ON COLUMN agents.identity IS 'the agent''s UUID';

CREATE TABLE contexts (
  id int4 GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  location text,
  labels jsonb,
  site_labels jsonb,
  frequency float8,
  identity uuid NOT NULL UNIQUE,
  last_seen date NOT NULL DEFAULT (now() AT TIME ZONE 'UTC')::date
);
COMMENT ON TABLE contexts IS 'what configs said when a check ran';
COMMENT ON COLUMN contexts.location IS 'where the agent stands';
COMMENT ON COLUMN contexts.labels IS 'the agent''s';
COMMENT ON COLUMN contexts.frequency IS 'seconds between the site''s due times';

CREATE TABLE connections (
  id int4 GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  remote_address inet,
  http_version text,
  tls_version text,
  cipher text,
  verified boolean,
  tls_error text,
  expires_at timestamptz(6),
  fingerprint bytea,
  identity uuid NOT NULL UNIQUE,
  last_seen date NOT NULL DEFAULT (now() AT TIME ZONE 'UTC')::date
);
COMMENT ON TABLE connections IS 'who answered, and how the connection was made secure';
COMMENT ON COLUMN connections.verified IS 'whether the certificate verified; null without TLS';
COMMENT ON COLUMN connections.tls_error IS 'why it did not';
COMMENT ON COLUMN connections.expires_at IS 'the first end of validity in the chain';
COMMENT ON COLUMN connections.fingerprint IS 'SHA-256 of the site''s own certificate';

CREATE TABLE reasons (
  id int4 GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  reason text,
  error_class text,
  error_message text,
  first_reason text,
  identity uuid NOT NULL UNIQUE,
  last_seen date NOT NULL DEFAULT (now() AT TIME ZONE 'UTC')::date
);
COMMENT ON TABLE reasons IS 'why a verdict was another than up';
COMMENT ON COLUMN reasons.reason IS 'the rule or the error class that decided';
COMMENT ON COLUMN reasons.first_reason IS 'of the first of several attempts; the last one may be up';

CREATE TABLE certificates (
  fingerprint bytea PRIMARY KEY,
  not_before timestamptz(6) NOT NULL,
  not_after timestamptz(6) NOT NULL,
  subject text NOT NULL,
  issuer text NOT NULL,
  serial text NOT NULL,
  names text[] NOT NULL,
  last_seen date NOT NULL
);
COMMENT ON COLUMN certificates.fingerprint IS 'SHA-256';
COMMENT ON COLUMN certificates.names IS '"DNS:example.org"';

CREATE TABLE site_certificates (
  site_id int4 NOT NULL,
  agent_id int4 NOT NULL,
  chain bytea[] NOT NULL,
  first_seen timestamptz(6) NOT NULL,
  last_seen date NOT NULL,
  PRIMARY KEY (site_id, agent_id, chain)
);
COMMENT ON TABLE site_certificates IS 'the chains that a site showed to an agent, each once';
COMMENT ON COLUMN site_certificates.chain IS 'fingerprints, the site''s own certificate''s first';
COMMENT ON COLUMN site_certificates.first_seen IS 'ts of the first stored result that showed it';

-- Columns of eight bytes first, then four, then less: no padding. Those that are seldom there come last:
-- a null costs nothing.
CREATE TABLE check_results (
  ts timestamptz(6) NOT NULL,
  site_id int4 NOT NULL,
  agent_id int4 NOT NULL,
  response_time float4,
  response_code int4,
  lateness float4,
  context_id int4,
  connection_id int4,
  dns_ms float4,
  connect_ms float4,
  tls_ms float4,
  first_byte_ms float4,
  download_ms float4,
  body_bytes int4,
  reason_id int4,
  verdict int2 NOT NULL,
  regex_result boolean,
  body_truncated boolean,
  maintenance boolean,
  slots int4,
  attempts int4,
  loop_delay float4,
  redirects jsonb,
  -- A site's history is read by site, agent and time; in this order a day's key grows at few places, and
  -- is never added to before them: its pages may be full.
  PRIMARY KEY (site_id, agent_id, ts) WITH (fillfactor = 100)
) PARTITION BY RANGE (ts);
COMMENT ON COLUMN check_results.ts IS 'start of the check';
COMMENT ON COLUMN check_results.response_time IS
  'milliseconds; null only where the older program recorded none';
COMMENT ON COLUMN check_results.lateness IS
  'from when the check was due until ts, milliseconds; null where the agent does not say';
COMMENT ON COLUMN check_results.dns_ms IS
  'phases are of the last hop, in milliseconds, and add up to its time';
COMMENT ON COLUMN check_results.body_bytes IS 'of the decoded body, as far as it was read';
COMMENT ON COLUMN check_results.reason_id IS 'null where the verdict is up';
COMMENT ON COLUMN check_results.verdict IS '0 up, 1 degraded, 2 down, 3 unknown';
COMMENT ON COLUMN check_results.body_truncated IS 'whether the body was longer than that';
COMMENT ON COLUMN check_results.slots IS 'the due times that the result answers for; null: 1';
COMMENT ON COLUMN check_results.attempts IS 'tries within the check; null: 1';
COMMENT ON COLUMN check_results.loop_delay IS
  'the agent''s own worst delay meanwhile, milliseconds; null up to 5';
COMMENT ON COLUMN check_results.redirects IS
  'each request but the last, [{"url", "status", "ms"}]; null where there was one';

-- By time over all sites, within wide partitions too. The second column serves conditions on
-- mon_daily.ts, which has no time zone and so prunes no partition.
CREATE INDEX check_results_ts ON check_results
  USING brin (ts, (ts AT TIME ZONE 'UTC')) WITH (pages_per_range = 32, autosummarize = on);

CREATE TABLE evidence (
  ts timestamptz(6) NOT NULL,
  site_id int4 NOT NULL,
  agent_id int4 NOT NULL,
  status_line text,
  headers jsonb NOT NULL,
  body text,
  PRIMARY KEY (site_id, agent_id, ts)
) PARTITION BY RANGE (ts);
COMMENT ON TABLE evidence IS 'what a site answered where it was down or degraded';

CREATE TABLE consumer_offsets (
  consumer text NOT NULL,
  cluster_id text NOT NULL,
  topic text NOT NULL,
  partition int4 NOT NULL,
  next_offset int8 NOT NULL,
  last_timestamp int8,
  last_hash bytea,
  updated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (consumer, cluster_id, topic, partition)
);
COMMENT ON COLUMN consumer_offsets.consumer IS 'who reads: "writer"';
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
  last_offset int8,
  key bytea,
  value bytea,
  reason text NOT NULL,
  detail text NOT NULL,
  at timestamptz NOT NULL DEFAULT now(),
  replayed_at timestamptz
);
COMMENT ON COLUMN dead_letters.last_offset IS 'of a batch that nobody could read, its last record''s';
COMMENT ON COLUMN dead_letters.replayed_at IS 'when it was stored after all';
-- A record is set aside once, however often it is read. A topic made anew has the same offsets
-- again, with other values.
CREATE UNIQUE INDEX dead_letters_once ON dead_letters
  (cluster_id, topic, partition, "offset", md5(coalesce(value, '')));
CREATE INDEX dead_letters_at ON dead_letters (at);

-- Hours whose rollups are to be made again, appended with the results that made them so.
CREATE TABLE rollup_marks (
  hour timestamptz NOT NULL,
  site_ids int4[] NOT NULL,
  since timestamptz(6)
);
COMMENT ON COLUMN rollup_marks.since IS 'ts of the first of these results; null: the hour''s start';

CREATE TABLE retention (
  what text PRIMARY KEY,
  keep_days int4,
  dropped_before date
);
COMMENT ON COLUMN retention.keep_days IS 'null: for ever';
COMMENT ON COLUMN retention.dropped_before IS 'the first day (UTC) that is not dropped; days do not come back';

-- The contract: these names, types and this meaning are for good. Outer joins, so that a column that
-- is not asked for costs no join.
CREATE VIEW mon_daily AS
SELECT
  (r.ts AT TIME ZONE 'UTC')::timestamp AS ts,
  a.identity AS agent,
  s.url::varchar(2048) AS url,
  r.regex_result AS regexresult,
  r.response_code AS responsecode,
  -- Clamped: one value out of range would fail every SELECT. LEAST takes null for "not there".
  CASE WHEN r.response_time IS NOT NULL THEN
    greatest(least(round(r.response_time::float8), 2147483647), -2147483648)::int4
  END AS responsetime,
  w.error_message::varchar(256) AS errormessage
FROM check_results r
LEFT JOIN sites s ON s.id = r.site_id
LEFT JOIN agents a ON a.id = r.agent_id
LEFT JOIN reasons w ON w.id = r.reason_id;

-- For people: a row a result, in words. Whoever asks for a site is to start from it, which an outer join
-- would not let the planner do.
CREATE VIEW results AS
SELECT
  r.ts,
  coalesce(s.name, s.url) AS site,
  s.url,
  a.identity AS agent,
  c.location,
  (ARRAY['up', 'degraded', 'down', 'unknown'])[r.verdict + 1] AS verdict,
  w.reason,
  r.response_code,
  r.response_time AS response_ms,
  r.dns_ms,
  r.connect_ms,
  r.tls_ms,
  r.first_byte_ms,
  r.download_ms,
  coalesce(r.slots, 1) AS slots,
  coalesce(r.maintenance, false) AS maintenance,
  w.error_class,
  w.error_message,
  n.remote_address,
  n.tls_version,
  n.expires_at AS certificate_expires_at,
  coalesce(c.labels, '{}') || coalesce(c.site_labels, '{}') AS labels
FROM check_results r
JOIN sites s ON s.id = r.site_id
LEFT JOIN agents a ON a.id = r.agent_id
LEFT JOIN contexts c ON c.id = r.context_id
LEFT JOIN connections n ON n.id = r.connection_id
LEFT JOIN reasons w ON w.id = r.reason_id;
COMMENT ON COLUMN results.site IS 'the site''s name, or its URL where it has none';
COMMENT ON COLUMN results.labels IS 'the agent''s and the site''s; the site''s win';
