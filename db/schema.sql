-- What the migrations make, as PostgreSQL 18 tells it: written by `deno task schema`.

CREATE TABLE agent_states (
  agent uuid NOT NULL,
  state jsonb NOT NULL
);

ALTER TABLE agent_states ADD CONSTRAINT agent_states_pkey PRIMARY KEY (agent);

COMMENT ON COLUMN agent_states.state IS 'of alerts/state/agent.ts';

COMMENT ON TABLE agent_states IS 'what alerters make of each agent';

CREATE TABLE agents (
  id integer GENERATED ALWAYS AS IDENTITY NOT NULL,
  identity uuid NOT NULL,
  last_seen date DEFAULT ((now() AT TIME ZONE 'UTC'::text))::date NOT NULL
);

ALTER TABLE agents ADD CONSTRAINT agents_identity_key UNIQUE (identity);

ALTER TABLE agents ADD CONSTRAINT agents_pkey PRIMARY KEY (id);

COMMENT ON COLUMN agents.identity IS 'the agent''s UUID';

CREATE TABLE alert_clocks (
  cluster_id text NOT NULL,
  topic text NOT NULL,
  partition integer NOT NULL,
  at bigint NOT NULL,
  moved_at timestamp with time zone DEFAULT now() NOT NULL,
  agents jsonb DEFAULT '{}'::jsonb NOT NULL
);

ALTER TABLE alert_clocks ADD CONSTRAINT alert_clocks_pkey PRIMARY KEY (cluster_id, topic, partition);

COMMENT ON COLUMN alert_clocks.agents IS 'when each agent was heard last, as others were told';

COMMENT ON TABLE alert_clocks IS 'how far alerters have read each partition, in time';

CREATE TABLE alert_events (
  at bigint NOT NULL,
  kind text NOT NULL,
  site_id integer NOT NULL,
  agent uuid NOT NULL,
  ts bigint NOT NULL,
  detail jsonb
);

ALTER TABLE alert_events ADD CONSTRAINT alert_events_pkey PRIMARY KEY (at, kind, site_id, agent, ts);

COMMENT ON TABLE alert_events IS 'what votes made known and nobody has taken yet; AlertEvent of alerts/state/view.ts';

CREATE TABLE alert_rounds (
  is_only boolean DEFAULT true NOT NULL,
  round bigint DEFAULT 0 NOT NULL,
  held_at timestamp with time zone DEFAULT '-infinity'::timestamp with time zone NOT NULL,
  now bigint DEFAULT 0 NOT NULL,
  reached bigint DEFAULT 0 NOT NULL,
  spells jsonb DEFAULT '[]'::jsonb NOT NULL
);

ALTER TABLE alert_rounds ADD CONSTRAINT alert_rounds_is_only_check CHECK (is_only);

ALTER TABLE alert_rounds ADD CONSTRAINT alert_rounds_pkey PRIMARY KEY (is_only);

COMMENT ON COLUMN alert_rounds.now IS 'up to when all is decided';

COMMENT ON COLUMN alert_rounds.reached IS 'when the topic was reached last';

COMMENT ON COLUMN alert_rounds.spells IS 'from when until when it was out of reach';

COMMENT ON TABLE alert_rounds IS 'the alerter that takes events counts its rounds here; silent for seconds, it is replaced';

CREATE TABLE certificates (
  fingerprint bytea NOT NULL,
  not_before timestamp(6) with time zone NOT NULL,
  not_after timestamp(6) with time zone NOT NULL,
  subject text NOT NULL,
  issuer text NOT NULL,
  serial text NOT NULL,
  names text[] NOT NULL,
  last_seen date NOT NULL
);

ALTER TABLE certificates ADD CONSTRAINT certificates_pkey PRIMARY KEY (fingerprint);

COMMENT ON COLUMN certificates.fingerprint IS 'SHA-256';

COMMENT ON COLUMN certificates.names IS '"DNS:example.org"';

CREATE TABLE channels (
  name text NOT NULL,
  failing_since timestamp with time zone,
  failures integer DEFAULT 0 NOT NULL,
  next_try_at timestamp with time zone,
  error text
);

ALTER TABLE channels ADD CONSTRAINT channels_pkey PRIMARY KEY (name);

COMMENT ON COLUMN channels.failing_since IS 'of the first try that failed and after which none was taken; null: all is well';

COMMENT ON COLUMN channels.failures IS 'tries in a row that failed, those that were refused for their content not counted';

COMMENT ON COLUMN channels.next_try_at IS 'before it nothing is tried; while tries fail, one at a time is';

COMMENT ON TABLE channels IS 'how the channels of alerters fare';

CREATE TABLE check_results (
  ts timestamp(6) with time zone NOT NULL,
  site_id integer NOT NULL,
  agent_id integer NOT NULL,
  response_time real,
  response_code integer,
  lateness real,
  context_id integer,
  connection_id integer,
  dns_ms real,
  connect_ms real,
  tls_ms real,
  first_byte_ms real,
  download_ms real,
  body_bytes integer,
  reason_id integer,
  verdict smallint NOT NULL,
  regex_result boolean,
  body_truncated boolean,
  maintenance boolean,
  slots integer,
  attempts integer,
  loop_delay real,
  redirects jsonb
) PARTITION BY RANGE (ts);

ALTER TABLE check_results ADD CONSTRAINT check_results_pkey PRIMARY KEY (site_id, agent_id, ts) WITH (fillfactor=100);

CREATE INDEX check_results_ts ON ONLY public.check_results USING brin (ts, (ts AT TIME ZONE 'UTC'::text)) WITH (pages_per_range='32', autosummarize='on');

COMMENT ON COLUMN check_results.attempts IS 'tries within the check; null: 1';

COMMENT ON COLUMN check_results.body_bytes IS 'of the decoded body, as far as it was read';

COMMENT ON COLUMN check_results.body_truncated IS 'whether the body was longer than that';

COMMENT ON COLUMN check_results.dns_ms IS 'phases are of the last hop, in milliseconds, and add up to its time';

COMMENT ON COLUMN check_results.lateness IS 'from when the check was due until ts, milliseconds; null where the agent does not say';

COMMENT ON COLUMN check_results.loop_delay IS 'the agent''s own worst delay meanwhile, milliseconds; null up to 5';

COMMENT ON COLUMN check_results.reason_id IS 'null where the verdict is up';

COMMENT ON COLUMN check_results.redirects IS 'each request but the last, [{"url", "status", "ms"}]; null where there was one';

COMMENT ON COLUMN check_results.response_time IS 'milliseconds; null only where the older program recorded none';

COMMENT ON COLUMN check_results.slots IS 'the due times that the result answers for; null: 1';

COMMENT ON COLUMN check_results.ts IS 'start of the check';

COMMENT ON COLUMN check_results.verdict IS '0 up, 1 degraded, 2 down, 3 unknown';

CREATE TABLE connections (
  id integer GENERATED ALWAYS AS IDENTITY NOT NULL,
  remote_address inet,
  http_version text,
  tls_version text,
  cipher text,
  verified boolean,
  tls_error text,
  expires_at timestamp(6) with time zone,
  fingerprint bytea,
  identity uuid NOT NULL,
  last_seen date DEFAULT ((now() AT TIME ZONE 'UTC'::text))::date NOT NULL
);

ALTER TABLE connections ADD CONSTRAINT connections_identity_key UNIQUE (identity);

ALTER TABLE connections ADD CONSTRAINT connections_pkey PRIMARY KEY (id);

COMMENT ON COLUMN connections.expires_at IS 'the first end of validity in the chain';

COMMENT ON COLUMN connections.fingerprint IS 'SHA-256 of the site''s own certificate';

COMMENT ON COLUMN connections.tls_error IS 'why it did not';

COMMENT ON COLUMN connections.verified IS 'whether the certificate verified; null without TLS';

COMMENT ON TABLE connections IS 'who answered, and how the connection was made secure';

CREATE TABLE consumer_offsets (
  consumer text NOT NULL,
  cluster_id text NOT NULL,
  topic text NOT NULL,
  partition integer NOT NULL,
  next_offset bigint NOT NULL,
  last_timestamp bigint,
  last_hash bytea,
  updated_at timestamp with time zone DEFAULT now() NOT NULL
);

ALTER TABLE consumer_offsets ADD CONSTRAINT consumer_offsets_pkey PRIMARY KEY (consumer, cluster_id, topic, partition);

COMMENT ON COLUMN consumer_offsets.consumer IS 'who reads: "writer"';

COMMENT ON COLUMN consumer_offsets.last_hash IS 'SHA-256 of the last stored record';

COMMENT ON COLUMN consumer_offsets.last_timestamp IS 'of the last stored record, milliseconds since 1970 as Kafka has it';

COMMENT ON COLUMN consumer_offsets.next_offset IS 'of the first record that is not stored yet';

CREATE TABLE contexts (
  id integer GENERATED ALWAYS AS IDENTITY NOT NULL,
  location text,
  labels jsonb,
  site_labels jsonb,
  frequency double precision,
  identity uuid NOT NULL,
  last_seen date DEFAULT ((now() AT TIME ZONE 'UTC'::text))::date NOT NULL
);

ALTER TABLE contexts ADD CONSTRAINT contexts_identity_key UNIQUE (identity);

ALTER TABLE contexts ADD CONSTRAINT contexts_pkey PRIMARY KEY (id);

COMMENT ON COLUMN contexts.frequency IS 'seconds between the site''s due times';

COMMENT ON COLUMN contexts.labels IS 'the agent''s';

COMMENT ON COLUMN contexts.location IS 'where the agent stands';

COMMENT ON TABLE contexts IS 'what configs said when a check ran';

CREATE TABLE dead_letters (
  id bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
  cluster_id text NOT NULL,
  topic text NOT NULL,
  partition integer NOT NULL,
  "offset" bigint NOT NULL,
  last_offset bigint,
  key bytea,
  value bytea,
  reason text NOT NULL,
  detail text NOT NULL,
  at timestamp with time zone DEFAULT now() NOT NULL,
  replayed_at timestamp with time zone
);

ALTER TABLE dead_letters ADD CONSTRAINT dead_letters_pkey PRIMARY KEY (id);

CREATE INDEX dead_letters_at ON public.dead_letters USING btree (at);

CREATE UNIQUE INDEX dead_letters_once ON public.dead_letters USING btree (cluster_id, topic, partition, "offset", md5(COALESCE(value, '\x'::bytea)));

COMMENT ON COLUMN dead_letters.last_offset IS 'of a batch that nobody could read, its last record''s';

COMMENT ON COLUMN dead_letters.replayed_at IS 'when it was stored after all';

CREATE TABLE dropping (
  partition text NOT NULL,
  parent text NOT NULL,
  bounds tstzrange NOT NULL
);

ALTER TABLE dropping ADD CONSTRAINT dropping_pkey PRIMARY KEY (partition);

CREATE TABLE evidence (
  ts timestamp(6) with time zone NOT NULL,
  site_id integer NOT NULL,
  agent_id integer NOT NULL,
  status_line text,
  headers jsonb NOT NULL,
  body text
) PARTITION BY RANGE (ts);

ALTER TABLE evidence ADD CONSTRAINT evidence_pkey PRIMARY KEY (site_id, agent_id, ts);

COMMENT ON TABLE evidence IS 'what a site answered where it was down or degraded';

CREATE TABLE incident_notes (
  id bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
  incident_id bigint NOT NULL,
  at timestamp with time zone DEFAULT now() NOT NULL,
  author text,
  is_public boolean NOT NULL,
  text text NOT NULL
);

ALTER TABLE incident_notes ADD CONSTRAINT incident_notes_pkey PRIMARY KEY (id);

CREATE INDEX incident_notes_incident ON public.incident_notes USING btree (incident_id, id);

COMMENT ON COLUMN incident_notes.author IS 'who was logged in; null where nobody has to';

COMMENT ON COLUMN incident_notes.is_public IS 'whether the status page shows it';

CREATE TABLE incidents (
  id bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
  site_id integer,
  agent uuid,
  channel text,
  kind text NOT NULL,
  severity text NOT NULL,
  opened_at timestamp(6) with time zone NOT NULL,
  acknowledged_at timestamp with time zone,
  acknowledged_by text,
  closed_at timestamp(6) with time zone,
  cause text NOT NULL,
  locations text[] NOT NULL,
  evidence jsonb NOT NULL,
  flapping boolean DEFAULT false NOT NULL,
  labels jsonb DEFAULT '{}'::jsonb NOT NULL
);

ALTER TABLE incidents ADD CONSTRAINT incidents_check CHECK ((num_nonnulls(site_id, agent, channel) <= 1));

ALTER TABLE incidents ADD CONSTRAINT incidents_pkey PRIMARY KEY (id);

CREATE INDEX incidents_open ON public.incidents USING btree (opened_at) WHERE (closed_at IS NULL);

CREATE UNIQUE INDEX incidents_agent ON public.incidents USING btree (agent, kind, opened_at) WHERE (agent IS NOT NULL);

CREATE UNIQUE INDEX incidents_channel ON public.incidents USING btree (channel) WHERE (closed_at IS NULL);

CREATE UNIQUE INDEX incidents_site ON public.incidents USING btree (site_id, kind, opened_at) WHERE (site_id IS NOT NULL);

COMMENT ON COLUMN incidents.agent IS 'of which it is; null: of none';

COMMENT ON COLUMN incidents.channel IS 'of which it is; null: of none';

COMMENT ON COLUMN incidents.closed_at IS 'the same; null while it is open';

COMMENT ON COLUMN incidents.evidence IS 'what each agent saw: [{"agent", "location", "since", "cause", "seen"}]';

COMMENT ON COLUMN incidents.flapping IS 'whether it goes up and down too often to be told of';

COMMENT ON COLUMN incidents.kind IS 'down, degraded, unobserved, slo_fast, slo_slow; of an agent: agent_silent, agent_network; of a channel: channel_failed';

COMMENT ON COLUMN incidents.labels IS 'of the site, when it opened';

COMMENT ON COLUMN incidents.locations IS 'from where it was seen: the agents'' locations, or their UUIDs';

COMMENT ON COLUMN incidents.opened_at IS 'ts of the result that decided it; where time decided, the broker''s time of it';

COMMENT ON COLUMN incidents.severity IS 'critical or warning';

COMMENT ON COLUMN incidents.site_id IS 'null: it is no site''s';

CREATE TABLE notifications (
  id bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
  key uuid DEFAULT gen_random_uuid() NOT NULL,
  incident_id bigint NOT NULL,
  channel text NOT NULL,
  event text NOT NULL,
  state text DEFAULT 'pending'::text NOT NULL,
  attempts integer DEFAULT 0 NOT NULL,
  created_at timestamp with time zone DEFAULT now() NOT NULL,
  due_at timestamp with time zone DEFAULT now() NOT NULL,
  first_tried_at timestamp with time zone,
  leased_until timestamp with time zone,
  silence_id bigint,
  sent_at timestamp with time zone,
  error text
);

ALTER TABLE notifications ADD CONSTRAINT notifications_pkey PRIMARY KEY (id);

CREATE INDEX notifications_incident ON public.notifications USING btree (incident_id, channel, id);

CREATE INDEX notifications_key ON public.notifications USING btree (key);

CREATE INDEX notifications_pending ON public.notifications USING btree (channel, incident_id, id) WHERE (state = 'pending'::text);

COMMENT ON COLUMN notifications.due_at IS 'before it nothing is tried';

COMMENT ON COLUMN notifications.error IS 'of the last try that failed';

COMMENT ON COLUMN notifications.event IS 'opened, acknowledged, reminder or resolved';

COMMENT ON COLUMN notifications.key IS 'of the message that it goes in, the same at each try, so that a receiver can tell a repetition; notifications that go in one message share it';

COMMENT ON COLUMN notifications.leased_until IS 'while a try is under way, when it is given up';

COMMENT ON COLUMN notifications.silence_id IS 'of the silence that held it back last';

COMMENT ON COLUMN notifications.state IS 'pending; sent; merged (told with the resolution); failed (given up); withdrawn (nobody needs it any more)';

COMMENT ON TABLE notifications IS 'the outbox of alerters: those that are pending are sent, oldest first';

CREATE TABLE reasons (
  id integer GENERATED ALWAYS AS IDENTITY NOT NULL,
  reason text,
  error_class text,
  error_message text,
  first_reason text,
  identity uuid NOT NULL,
  last_seen date DEFAULT ((now() AT TIME ZONE 'UTC'::text))::date NOT NULL
);

ALTER TABLE reasons ADD CONSTRAINT reasons_identity_key UNIQUE (identity);

ALTER TABLE reasons ADD CONSTRAINT reasons_pkey PRIMARY KEY (id);

COMMENT ON COLUMN reasons.first_reason IS 'of the first of several attempts; the last one may be up';

COMMENT ON COLUMN reasons.reason IS 'the rule or the error class that decided';

COMMENT ON TABLE reasons IS 'why a verdict was another than up';

CREATE TABLE reports (
  month date NOT NULL,
  site_id integer NOT NULL,
  revision integer NOT NULL,
  frozen_at timestamp with time zone DEFAULT now() NOT NULL,
  figures jsonb NOT NULL
);

ALTER TABLE reports ADD CONSTRAINT reports_pkey PRIMARY KEY (month, site_id, revision);

COMMENT ON COLUMN reports.month IS 'its first day, UTC';

CREATE TABLE retention (
  what text NOT NULL,
  keep_days integer,
  dropped_before date
);

ALTER TABLE retention ADD CONSTRAINT retention_pkey PRIMARY KEY (what);

COMMENT ON COLUMN retention.dropped_before IS 'the first day (UTC) that is not dropped; days do not come back';

COMMENT ON COLUMN retention.keep_days IS 'null: for ever';

CREATE TABLE rollup_daily (
  bucket timestamp(6) with time zone NOT NULL,
  site_id integer NOT NULL,
  agent_id integer NOT NULL,
  checks integer NOT NULL,
  up integer NOT NULL,
  degraded integer NOT NULL,
  down integer NOT NULL,
  unknown integer NOT NULL,
  maintenance integer NOT NULL,
  response_sum double precision NOT NULL,
  responses integer NOT NULL,
  response_min real,
  response_max real,
  sketch integer[]
);

ALTER TABLE rollup_daily ADD CONSTRAINT rollup_daily_pkey PRIMARY KEY (site_id, bucket, agent_id);

CREATE INDEX rollup_daily_bucket_site_id_agent_id_checks_up_degraded_dow_idx ON public.rollup_daily USING btree (bucket) INCLUDE (site_id, agent_id, checks, up, degraded, down, unknown, maintenance, response_sum, responses, response_min, response_max);

COMMENT ON COLUMN rollup_daily.bucket IS 'its start, UTC';

COMMENT ON COLUMN rollup_daily.checks IS 'results; all other counts but "responses" are slots';

COMMENT ON COLUMN rollup_daily.maintenance IS 'these slots count nowhere else';

COMMENT ON COLUMN rollup_daily.responses IS 'results of which response_* and the sketch are';

COMMENT ON COLUMN rollup_daily.sketch IS 'bins of DDSketches of response_time and of each phase, see httpmon_sketch_key(); null without responses';

CREATE TABLE rollup_hourly (
  bucket timestamp(6) with time zone NOT NULL,
  site_id integer NOT NULL,
  agent_id integer NOT NULL,
  checks integer NOT NULL,
  up integer NOT NULL,
  degraded integer NOT NULL,
  down integer NOT NULL,
  unknown integer NOT NULL,
  maintenance integer NOT NULL,
  response_sum double precision NOT NULL,
  responses integer NOT NULL,
  response_min real,
  response_max real,
  sketch integer[]
);

ALTER TABLE rollup_hourly ADD CONSTRAINT rollup_hourly_pkey PRIMARY KEY (site_id, bucket, agent_id);

CREATE INDEX rollup_hourly_bucket ON public.rollup_hourly USING btree (bucket) INCLUDE (site_id, agent_id, checks, up, degraded, down, unknown, maintenance, response_sum, responses, response_min, response_max);

COMMENT ON COLUMN rollup_hourly.bucket IS 'its start, UTC';

COMMENT ON COLUMN rollup_hourly.checks IS 'results; all other counts but "responses" are slots';

COMMENT ON COLUMN rollup_hourly.maintenance IS 'these slots count nowhere else';

COMMENT ON COLUMN rollup_hourly.responses IS 'results of which response_* and the sketch are';

COMMENT ON COLUMN rollup_hourly.sketch IS 'bins of DDSketches of response_time and of each phase, see httpmon_sketch_key(); null without responses';

CREATE TABLE rollup_marks (
  hour timestamp with time zone NOT NULL,
  site_ids integer[] NOT NULL,
  since timestamp(6) with time zone
);

COMMENT ON COLUMN rollup_marks.since IS 'ts of the first of these results; null: the hour''s start';

CREATE TABLE rollup_monthly (
  bucket timestamp(6) with time zone NOT NULL,
  site_id integer NOT NULL,
  agent_id integer NOT NULL,
  checks integer NOT NULL,
  up integer NOT NULL,
  degraded integer NOT NULL,
  down integer NOT NULL,
  unknown integer NOT NULL,
  maintenance integer NOT NULL,
  response_sum double precision NOT NULL,
  responses integer NOT NULL,
  response_min real,
  response_max real,
  sketch integer[]
);

ALTER TABLE rollup_monthly ADD CONSTRAINT rollup_monthly_pkey PRIMARY KEY (site_id, bucket, agent_id);

CREATE INDEX rollup_monthly_bucket_site_id_agent_id_checks_up_degraded_d_idx ON public.rollup_monthly USING btree (bucket) INCLUDE (site_id, agent_id, checks, up, degraded, down, unknown, maintenance, response_sum, responses, response_min, response_max);

COMMENT ON COLUMN rollup_monthly.bucket IS 'its start, UTC';

COMMENT ON COLUMN rollup_monthly.checks IS 'results; all other counts but "responses" are slots';

COMMENT ON COLUMN rollup_monthly.maintenance IS 'these slots count nowhere else';

COMMENT ON COLUMN rollup_monthly.responses IS 'results of which response_* and the sketch are';

COMMENT ON COLUMN rollup_monthly.sketch IS 'bins of DDSketches of response_time and of each phase, see httpmon_sketch_key(); null without responses';

CREATE TABLE rollup_pending (
  site_id integer NOT NULL,
  level text NOT NULL,
  bucket timestamp(6) with time zone NOT NULL
);

ALTER TABLE rollup_pending ADD CONSTRAINT rollup_pending_level_check CHECK ((level = ANY (ARRAY['hour'::text, 'day'::text, 'month'::text])));

ALTER TABLE rollup_pending ADD CONSTRAINT rollup_pending_pkey PRIMARY KEY (site_id, level, bucket);

CREATE TABLE rollup_revision (
  revision bigint NOT NULL
);

CREATE TABLE schema_migrations (
  name text NOT NULL,
  hash text NOT NULL,
  steps integer NOT NULL,
  applied_at timestamp with time zone
);

ALTER TABLE schema_migrations ADD CONSTRAINT schema_migrations_pkey PRIMARY KEY (name);

CREATE TABLE silences (
  id bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
  matchers jsonb NOT NULL,
  starts_at timestamp with time zone DEFAULT now() NOT NULL,
  ends_at timestamp with time zone NOT NULL,
  why text NOT NULL,
  created_by text
);

ALTER TABLE silences ADD CONSTRAINT silences_check CHECK ((ends_at >= starts_at));

ALTER TABLE silences ADD CONSTRAINT silences_matchers_check CHECK ((jsonb_typeof(matchers) = 'array'::text));

ALTER TABLE silences ADD CONSTRAINT silences_pkey PRIMARY KEY (id);

CREATE INDEX silences_ends_at ON public.silences USING btree (ends_at);

COMMENT ON COLUMN silences.matchers IS 'as Alertmanager''s: [{"name", "value", "isRegex", "isEqual"}], all of which must hold; none: everything';

COMMENT ON TABLE silences IS 'when nobody is told of what opens; what opened before is still said to be over';

CREATE TABLE site_certificates (
  site_id integer NOT NULL,
  agent_id integer NOT NULL,
  chain bytea[] NOT NULL,
  first_seen timestamp(6) with time zone NOT NULL,
  last_seen date NOT NULL
);

ALTER TABLE site_certificates ADD CONSTRAINT site_certificates_pkey PRIMARY KEY (site_id, agent_id, chain);

COMMENT ON COLUMN site_certificates.chain IS 'fingerprints, the site''s own certificate''s first';

COMMENT ON COLUMN site_certificates.first_seen IS 'ts of the first stored result that showed it';

COMMENT ON TABLE site_certificates IS 'the chains that a site showed to an agent, each once';

CREATE TABLE site_states (
  site_id integer NOT NULL,
  level text GENERATED ALWAYS AS ((state ->> 'level'::text)) STORED,
  state jsonb NOT NULL
);

ALTER TABLE site_states ADD CONSTRAINT site_states_pkey PRIMARY KEY (site_id);

COMMENT ON COLUMN site_states.level IS 'up, degraded, down or unobserved; null until the agents have said it once';

COMMENT ON COLUMN site_states.state IS 'of alerts/state/site.ts';

COMMENT ON TABLE site_states IS 'what alerters make of each site';

CREATE TABLE site_votes (
  site_id integer NOT NULL,
  votes jsonb,
  passes_at bigint
);

ALTER TABLE site_votes ADD CONSTRAINT site_votes_pkey PRIMARY KEY (site_id);

CREATE INDEX site_votes_passes_at ON public.site_votes USING btree (passes_at);

COMMENT ON COLUMN site_votes.passes_at IS 'when votes may be over; null while nobody votes';

COMMENT ON COLUMN site_votes.votes IS 'of alerts/state/votes.ts';

COMMENT ON TABLE site_votes IS 'what the agents say of each site; changed with the offset of what says it';

CREATE TABLE sites (
  id integer GENERATED ALWAYS AS IDENTITY NOT NULL,
  url text NOT NULL,
  name text,
  identity uuid GENERATED ALWAYS AS (httpmon_site_identity(name, url)) STORED NOT NULL,
  last_seen date DEFAULT ((now() AT TIME ZONE 'UTC'::text))::date NOT NULL
);

ALTER TABLE sites ADD CONSTRAINT sites_identity_key UNIQUE (identity);

ALTER TABLE sites ADD CONSTRAINT sites_pkey PRIMARY KEY (id);

CREATE INDEX sites_called ON public.sites USING hash (COALESCE(name, url));

COMMENT ON COLUMN sites.name IS 'null where the config gives none';

COMMENT ON COLUMN sites.url IS 'exactly as the config writes it';

CREATE TABLE verdict_changes (
  ts timestamp(6) with time zone NOT NULL,
  site_id integer NOT NULL,
  agent_id integer NOT NULL,
  state smallint NOT NULL,
  response_code integer,
  reason text,
  error_class text,
  error_message text
);

ALTER TABLE verdict_changes ADD CONSTRAINT verdict_changes_pkey PRIMARY KEY (site_id, agent_id, ts);

CREATE INDEX verdict_changes_ts ON public.verdict_changes USING btree (ts);

COMMENT ON COLUMN verdict_changes.state IS '0 up, 1 degraded, 2 down, 3 unknown, 4 in maintenance, whatever the verdict';

COMMENT ON COLUMN verdict_changes.ts IS 'of the first result with the new state';

CREATE TABLE verdict_last (
  site_id integer NOT NULL,
  agent_id integer NOT NULL,
  ts timestamp(6) with time zone NOT NULL,
  state smallint NOT NULL
);

ALTER TABLE verdict_last ADD CONSTRAINT verdict_last_pkey PRIMARY KEY (site_id, agent_id);

CREATE VIEW mon_daily AS
 SELECT (r.ts AT TIME ZONE 'UTC'::text) AS ts, a.identity AS agent,
    s.url::character varying(2048) AS url, r.regex_result AS regexresult,
    r.response_code AS responsecode,
        CASE
            WHEN r.response_time IS NOT NULL THEN GREATEST(LEAST(round(r.response_time::double precision), 2147483647::double precision), '-2147483648'::integer::double precision)::integer
            ELSE NULL::integer
        END AS responsetime,
    w.error_message::character varying(256) AS errormessage
   FROM check_results r
     LEFT JOIN sites s ON s.id = r.site_id
     LEFT JOIN agents a ON a.id = r.agent_id
     LEFT JOIN reasons w ON w.id = r.reason_id;

CREATE VIEW results AS
 SELECT r.ts, COALESCE(s.name, s.url) AS site, s.url, a.identity AS agent,
    c.location,
    (ARRAY['up'::text, 'degraded'::text, 'down'::text, 'unknown'::text])[r.verdict + 1] AS verdict,
    w.reason, r.response_code, r.response_time AS response_ms, r.dns_ms,
    r.connect_ms, r.tls_ms, r.first_byte_ms, r.download_ms,
    COALESCE(r.slots, 1) AS slots, COALESCE(r.maintenance, false) AS maintenance,
    w.error_class, w.error_message, n.remote_address, n.tls_version,
    n.expires_at AS certificate_expires_at,
    COALESCE(c.labels, '{}'::jsonb) || COALESCE(c.site_labels, '{}'::jsonb) AS labels
   FROM check_results r
     JOIN sites s ON s.id = r.site_id
     LEFT JOIN agents a ON a.id = r.agent_id
     LEFT JOIN contexts c ON c.id = r.context_id
     LEFT JOIN connections n ON n.id = r.connection_id
     LEFT JOIN reasons w ON w.id = r.reason_id;

COMMENT ON COLUMN results.labels IS 'the agent''s and the site''s; the site''s win';

COMMENT ON COLUMN results.site IS 'the site''s name, or its URL where it has none';

CREATE OR REPLACE FUNCTION public.httpmon_acknowledge(incident bigint, by_whom text DEFAULT NULL::text)
 RETURNS boolean
 LANGUAGE sql
AS $function$
  WITH acknowledged AS (
    UPDATE incidents SET acknowledged_at = now(), acknowledged_by = by_whom
    WHERE id = incident AND acknowledged_at IS NULL AND closed_at IS NULL RETURNING id
  ), told AS (
    INSERT INTO notifications (incident_id, channel, event)
    SELECT incident_id, channel, 'acknowledged' FROM notifications
    WHERE incident_id = (SELECT id FROM acknowledged) AND event = 'opened'
      AND state IN ('pending', 'sent')
  )
  SELECT EXISTS (SELECT FROM acknowledged)
$function$
;

CREATE OR REPLACE FUNCTION public.httpmon_add_up_sql(source regclass, level text, filter text)
 RETURNS text
 LANGUAGE sql
 IMMUTABLE
AS $function$
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
$function$
;

CREATE OR REPLACE FUNCTION public.httpmon_agents_see(within interval DEFAULT '26:00:00'::interval)
 RETURNS TABLE(site_id integer, agent_id integer, ts timestamp with time zone, state smallint, since timestamp with time zone, fresh boolean, response_ms real, response_code integer, context_id integer, connection_id integer, reason_id integer, location text)
 LANGUAGE plpgsql
 STABLE
 SET "TimeZone" TO 'UTC'
 SET "DateStyle" TO 'ISO'
 SET jit TO 'off'
 SET work_mem TO '32MB'
AS $function$
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
$function$
;

CREATE OR REPLACE FUNCTION public.httpmon_batch_rows(columns httpmon_columns, sites integer[], agents integer[], contexts integer[], connections integer[], reasons integer[])
 RETURNS TABLE(n integer, result check_results)
 LANGUAGE sql
 STABLE
AS $function$
  SELECT r.n, ROW(
    r.ts, sites[r.site], agents[r.agent], r.response_time, r.response_code, r.lateness,
    contexts[r.context], connections[r.connection], r.dns_ms, r.connect_ms, r.tls_ms,
    r.first_byte_ms, r.download_ms, r.body_bytes, reasons[r.reason], r.verdict, r.regex_result,
    r.body_truncated, r.maintenance, r.slots, r.attempts, r.loop_delay,
    CASE WHEN columns.redirects IS NOT NULL THEN columns.redirects -> (r.n - 1)::text END
  )::check_results
  FROM (
    SELECT generate_subscripts(columns.ts, 1) AS n, unnest(columns.ts) AS ts,
      unnest(columns.site) AS site, unnest(columns.agent) AS agent,
      unnest(columns.response_time) AS response_time,
      unnest(columns.response_code) AS response_code, unnest(columns.lateness) AS lateness,
      unnest(columns.context) AS context, unnest(columns.connection) AS connection,
      unnest(columns.dns_ms) AS dns_ms, unnest(columns.connect_ms) AS connect_ms,
      unnest(columns.tls_ms) AS tls_ms, unnest(columns.first_byte_ms) AS first_byte_ms,
      unnest(columns.download_ms) AS download_ms, unnest(columns.body_bytes) AS body_bytes,
      unnest(columns.reason) AS reason, unnest(columns.verdict) AS verdict,
      unnest(columns.regex_result) AS regex_result,
      unnest(columns.body_truncated) AS body_truncated,
      unnest(columns.maintenance) AS maintenance, unnest(columns.slots) AS slots,
      unnest(columns.attempts) AS attempts, unnest(columns.loop_delay) AS loop_delay
  ) AS r
$function$
;

CREATE OR REPLACE FUNCTION public.httpmon_bins(sketch integer[], phase integer)
 RETURNS integer[]
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
AS $function$
  SELECT sketch[
    width_bucket(CASE phase WHEN 0 THEN -512 ELSE phase * 80 - 16 END << 22, sketch) + 1
    : width_bucket((phase * 80 + 64) << 22, sketch)
  ]
$function$
;

CREATE OR REPLACE FUNCTION public.httpmon_bounds(parent regclass, OUT partition regclass, OUT bounds tstzrange, OUT detach_pending boolean)
 RETURNS SETOF record
 LANGUAGE sql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET "TimeZone" TO 'UTC'
 SET "DateStyle" TO 'ISO'
AS $function$
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
$function$
;

CREATE OR REPLACE FUNCTION public.httpmon_by_location(site text, since timestamp with time zone, until timestamp with time zone)
 RETURNS TABLE(location text, agent uuid, checks bigint, up bigint, degraded bigint, down bigint, unknown bigint, maintenance bigint, uptime double precision)
 LANGUAGE sql
 STABLE
AS $function$
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
$function$
;

CREATE OR REPLACE FUNCTION public.httpmon_certificates(within interval DEFAULT '30 days'::interval)
 RETURNS TABLE(site text, expires_at timestamp with time zone, days_left double precision, subject text, issuer text, fingerprint bytea)
 LANGUAGE sql
 STABLE
AS $function$
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
$function$
;

CREATE OR REPLACE FUNCTION public.httpmon_changes(site_ids integer[], since timestamp with time zone, until timestamp with time zone)
 RETURNS SETOF verdict_changes
 LANGUAGE plpgsql
 STABLE
 SET plan_cache_mode TO 'force_custom_plan'
AS $function$
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
$function$
;

CREATE OR REPLACE FUNCTION public.httpmon_changes_sql(filter text, since timestamp with time zone, until timestamp with time zone)
 RETURNS text
 LANGUAGE sql
 STABLE
 SET "DateStyle" TO 'ISO'
AS $function$
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
$function$
;

CREATE OR REPLACE FUNCTION public.httpmon_count_sql(filter text, sketches boolean)
 RETURNS text
 LANGUAGE sql
 IMMUTABLE
AS $function$
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
$function$
;

CREATE OR REPLACE FUNCTION public.httpmon_covered(parent regclass)
 RETURNS tstzmultirange
 LANGUAGE sql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  SELECT coalesce(range_agg(bounds), '{}') FROM public.httpmon_bounds(parent)
  WHERE NOT detach_pending
$function$
;

CREATE OR REPLACE FUNCTION public.httpmon_days_allowed(ahead integer)
 RETURNS daterange
 LANGUAGE sql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  SELECT daterange(
    greatest(today - 3653, (SELECT dropped_before FROM public.retention WHERE what = 'raw')),
    today + ahead, '[]'
  )
  FROM (SELECT (now() AT TIME ZONE 'UTC')::date AS today) AS t
$function$
;

CREATE OR REPLACE FUNCTION public.httpmon_due(now timestamp with time zone)
 RETURNS SETOF rollup_pending
 LANGUAGE sql
 STABLE
AS $function$
  SELECT * FROM rollup_pending AS p
  WHERE bucket + CASE level WHEN 'hour' THEN interval '1 hour' WHEN 'day' THEN '24 hours' ELSE '0' END
      <= now
    AND NOT (level = 'hour' AND EXISTS (
      SELECT FROM dropping WHERE parent = 'check_results' AND bounds @> p.bucket
    ))
$function$
;

CREATE OR REPLACE FUNCTION public.httpmon_end_detach(parent regclass, partition regclass)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET lock_timeout TO '500ms'
AS $function$
BEGIN
  EXECUTE format('ALTER TABLE %s DETACH PARTITION %s FINALIZE', parent, partition);
EXCEPTION WHEN lock_not_available THEN
  RAISE EXCEPTION
    'Partition "%" is being detached, and what began before that goes on: its days wait for the end',
    partition
    USING ERRCODE = 'lock_not_available';
END
$function$
;

REVOKE ALL ON FUNCTION httpmon_end_detach(regclass,regclass) FROM PUBLIC;

CREATE OR REPLACE FUNCTION public.httpmon_end_silence(silence bigint)
 RETURNS boolean
 LANGUAGE sql
AS $function$
  WITH ended AS (
    UPDATE silences SET ends_at = now(), starts_at = least(starts_at, now())
    WHERE id = silence AND ends_at > now() RETURNING id
  ), told AS (
    UPDATE notifications SET due_at = now()
    WHERE silence_id = silence AND state = 'pending' AND EXISTS (SELECT FROM ended)
  )
  SELECT EXISTS (SELECT FROM ended)
$function$
;

CREATE OR REPLACE FUNCTION public.httpmon_ensure_partitions(days date[])
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET "TimeZone" TO 'UTC'
 SET "DateStyle" TO 'ISO'
AS $function$
DECLARE
  allowed date[] := ARRAY(
    SELECT day FROM unnest(days) AS day WHERE day <@ public.httpmon_days_allowed(8)
  );
BEGIN
  -- In one order, so that two makers cannot deadlock.
  RETURN public.httpmon_ensure_partitions_of('public.check_results'::regclass, allowed)
    + public.httpmon_ensure_partitions_of('public.evidence'::regclass, allowed);
END
$function$
;

REVOKE ALL ON FUNCTION httpmon_ensure_partitions(date[]) FROM PUBLIC;

CREATE OR REPLACE FUNCTION public.httpmon_ensure_partitions_of(parent regclass, days date[])
 RETURNS integer
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET "TimeZone" TO 'UTC'
 SET "DateStyle" TO 'ISO'
AS $function$
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
  missing := wanted - public.httpmon_covered(parent);
  IF isempty(missing) THEN
    RETURN 0;
  END IF;
  -- One maker at a time, also against DETACH; then look again at what the others have made.
  EXECUTE format('LOCK TABLE %s IN SHARE UPDATE EXCLUSIVE MODE', parent);
  missing := wanted - public.httpmon_covered(parent);
  PERFORM public.httpmon_end_detach(parent, partition) FROM public.httpmon_bounds(parent)
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
    WHILE to_regclass(format('public.%I', partition_name)) IS NOT NULL LOOP
      suffix := suffix + 1;
      partition_name := wanted_name || '_' || suffix;
    END LOOP;
    EXECUTE format(
      'CREATE TABLE public.%I (LIKE %s INCLUDING ALL)', partition_name, parent
    );
    EXECUTE format(
      'ALTER TABLE %s ATTACH PARTITION public.%I FOR VALUES FROM (%L) TO (%L)',
      parent, partition_name, lower(gap), upper(gap)
    );
    made := made + 1;
  END LOOP;
  RETURN made;
END
$function$
;

REVOKE ALL ON FUNCTION httpmon_ensure_partitions_of(regclass,date[]) FROM PUBLIC;

CREATE OR REPLACE FUNCTION public.httpmon_error_budget(site text, slo double precision, until timestamp with time zone DEFAULT now())
 RETURNS double precision
 LANGUAGE sql
 STABLE
AS $function$
  SELECT 1 - (1 - httpmon_uptime(site, until - interval '30 days', until)) / (1 - slo / 100);
$function$
;

CREATE OR REPLACE FUNCTION public.httpmon_failures(site_ids integer[], since timestamp with time zone, until timestamp with time zone)
 RETURNS TABLE(site_id integer, started timestamp with time zone, ended timestamp with time zone, agent_ids integer[], response_code integer, reason text, error_class text, error_message text)
 LANGUAGE plpgsql
 STABLE
 SET plan_cache_mode TO 'force_custom_plan'
AS $function$
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
$function$
;

CREATE OR REPLACE FUNCTION public.httpmon_fresh_for(frequency double precision)
 RETURNS interval
 LANGUAGE sql
 IMMUTABLE
RETURN (COALESCE((((2)::double precision * frequency) + (120)::double precision), (3600)::double precision) * '00:00:01'::interval)
;

CREATE OR REPLACE FUNCTION public.httpmon_ids(kind text, identities uuid[])
 RETURNS integer[]
 LANGUAGE plpgsql
 STABLE
 SET plan_cache_mode TO 'force_generic_plan'
AS $function$
DECLARE
  today date := (now() AT TIME ZONE 'UTC')::date;
BEGIN
  CASE kind
    WHEN 'agents' THEN
      RETURN ARRAY(
        SELECT (SELECT id FROM agents AS t WHERE t.identity = w.identity AND last_seen >= today)
        FROM unnest(identities) WITH ORDINALITY AS w(identity, n) ORDER BY n
      );
    WHEN 'sites' THEN
      RETURN ARRAY(
        SELECT (SELECT id FROM sites AS t WHERE t.identity = w.identity AND last_seen >= today)
        FROM unnest(identities) WITH ORDINALITY AS w(identity, n) ORDER BY n
      );
    WHEN 'contexts' THEN
      RETURN ARRAY(
        SELECT (SELECT id FROM contexts AS t WHERE t.identity = w.identity AND last_seen >= today)
        FROM unnest(identities) WITH ORDINALITY AS w(identity, n) ORDER BY n
      );
    WHEN 'connections' THEN
      RETURN ARRAY(
        SELECT (SELECT id FROM connections AS t WHERE t.identity = w.identity AND last_seen >= today)
        FROM unnest(identities) WITH ORDINALITY AS w(identity, n) ORDER BY n
      );
    WHEN 'reasons' THEN
      RETURN ARRAY(
        SELECT (SELECT id FROM reasons AS t WHERE t.identity = w.identity AND last_seen >= today)
        FROM unnest(identities) WITH ORDINALITY AS w(identity, n) ORDER BY n
      );
  END CASE;
END
$function$
;

CREATE OR REPLACE FUNCTION public.httpmon_last_checks(site_ids integer[], n integer, within interval DEFAULT '26:00:00'::interval)
 RETURNS TABLE(site_id integer, ts timestamp with time zone, agent_id integer, state smallint, response_ms real, response_code integer)
 LANGUAGE plpgsql
 STABLE
 SET "TimeZone" TO 'UTC'
 SET "DateStyle" TO 'ISO'
AS $function$
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
$function$
;

CREATE OR REPLACE FUNCTION public.httpmon_learn(kind text, contents jsonb)
 RETURNS void
 LANGUAGE plpgsql
AS $function$
DECLARE
  today date := (now() AT TIME ZONE 'UTC')::date;
  columns text := (
    SELECT string_agg(DISTINCT quote_ident(key), ', ')
    FROM jsonb_array_elements(contents) AS content, jsonb_object_keys(content) AS key
    -- Made by the table itself.
    WHERE kind <> 'sites' OR key <> 'identity'
  );
BEGIN
  EXECUTE format(
    'UPDATE %1$I SET last_seen = $2
     FROM (
       SELECT id AS seen FROM %1$I
       WHERE identity IN (SELECT (c ->> ''identity'')::uuid FROM jsonb_array_elements($1) AS c)
         AND last_seen < $2
       ORDER BY id FOR NO KEY UPDATE
     ) AS locked
     WHERE id = seen',
    kind
  ) USING contents, today;
  EXECUTE format(
    'INSERT INTO %1$I (%2$s)
     SELECT %2$s FROM jsonb_populate_recordset(NULL::%1$I, $1) AS c
     WHERE NOT EXISTS (SELECT FROM %1$I AS t WHERE t.identity = c.identity)
     ORDER BY c.identity
     ON CONFLICT DO NOTHING',
    kind, columns
  ) USING contents;
END
$function$
;

CREATE OR REPLACE FUNCTION public.httpmon_merge_sql(parts text, by text, phase integer DEFAULT NULL::integer)
 RETURNS text
 LANGUAGE sql
 IMMUTABLE
AS $function$
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
$function$
;

CREATE OR REPLACE FUNCTION public.httpmon_note_changes(since timestamp with time zone, until timestamp with time zone, sites integer[])
 RETURNS void
 LANGUAGE plpgsql
 SET plan_cache_mode TO 'force_custom_plan'
AS $function$
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
$function$
;

CREATE OR REPLACE FUNCTION public.httpmon_note_start(site integer, agent integer, hour timestamp with time zone)
 RETURNS void
 LANGUAGE plpgsql
AS $function$
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
$function$
;

CREATE OR REPLACE FUNCTION public.httpmon_noted_until(site_ids integer[])
 RETURNS timestamp with time zone
 LANGUAGE sql
 STABLE
AS $function$
  SELECT coalesce(min(coalesce(since, date_trunc('hour', hour))), 'infinity') FROM rollup_marks AS m
  WHERE httpmon_noted_until.site_ids IS NULL OR m.site_ids && httpmon_noted_until.site_ids
$function$
;

CREATE OR REPLACE FUNCTION public.httpmon_parts_sql(site_ids integer[], since timestamp with time zone, until timestamp with time zone, step text, sketches boolean)
 RETURNS text
 LANGUAGE plpgsql
 STABLE
 SET "DateStyle" TO 'ISO'
AS $function$
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
$function$
;

CREATE OR REPLACE FUNCTION public.httpmon_percentile(site text, q double precision, since timestamp with time zone, until timestamp with time zone, phase text DEFAULT 'response'::text)
 RETURNS double precision
 LANGUAGE plpgsql
 STABLE
AS $function$
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
$function$
;

CREATE OR REPLACE FUNCTION public.httpmon_percentiles(site text, since timestamp with time zone, until timestamp with time zone, step text, phase text DEFAULT 'response'::text)
 RETURNS TABLE(bucket timestamp with time zone, results bigint, p50 double precision, p95 double precision, p99 double precision)
 LANGUAGE plpgsql
 STABLE
 SET jit TO 'off'
AS $function$
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
$function$
;

CREATE OR REPLACE FUNCTION public.httpmon_percentiles_of(site_ids integer[], since timestamp with time zone, until timestamp with time zone, phase text DEFAULT 'response'::text)
 RETURNS TABLE(site_id integer, results bigint, p50 double precision, p95 double precision, p99 double precision)
 LANGUAGE plpgsql
 STABLE
 SET jit TO 'off'
 SET work_mem TO '64MB'
AS $function$
BEGIN
  RETURN QUERY EXECUTE format($sql$
    SELECT site_id, n, ms[1], ms[2], ms[3]
    FROM (%s) AS merged CROSS JOIN httpmon_quantiles(sketch, '{0.5,0.95,0.99}') WHERE n > 0
  $sql$, httpmon_merge_sql(
    httpmon_parts_sql(site_ids, since, until, NULL, true), 'site_id', httpmon_phase(phase)
  ));
END
$function$
;

CREATE OR REPLACE FUNCTION public.httpmon_phase(name text)
 RETURNS integer
 LANGUAGE plpgsql
 IMMUTABLE
AS $function$
DECLARE
  names text[] := '{response,dns,connect,tls,first_byte,download}';
BEGIN
  IF name <> ALL (names) THEN
    RAISE 'Phase "%" is not known, it is one of %', name, array_to_string(names, ', ')
      USING ERRCODE = 'invalid_parameter_value';
  END IF;
  RETURN array_position(names, name) - 1;
END
$function$
;

CREATE OR REPLACE FUNCTION public.httpmon_quantiles(bins integer[], q double precision[], OUT n bigint, OUT ms double precision[])
 RETURNS record
 LANGUAGE plpgsql
 IMMUTABLE PARALLEL SAFE STRICT
AS $function$
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
$function$
;

CREATE OR REPLACE FUNCTION public.httpmon_recompute(since timestamp with time zone, until timestamp with time zone)
 RETURNS bigint
 LANGUAGE plpgsql
 SET plan_cache_mode TO 'force_custom_plan'
AS $function$
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
$function$
;

CREATE OR REPLACE FUNCTION public.httpmon_report(site integer, since timestamp with time zone, until timestamp with time zone)
 RETURNS jsonb
 LANGUAGE sql
 STABLE
 SET "TimeZone" TO 'UTC'
AS $function$
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
$function$
;

CREATE OR REPLACE FUNCTION public.httpmon_results(site text, since timestamp with time zone, until timestamp with time zone, n integer)
 RETURNS SETOF results
 LANGUAGE plpgsql
 STABLE
 SET plan_cache_mode TO 'force_custom_plan'
AS $function$
#variable_conflict use_column
DECLARE
  asked int4[] := ARRAY(SELECT s.id FROM public.sites AS s WHERE coalesce(s.name, s.url) = $1);
  first timestamptz; last timestamptz; oldest timestamptz;
  missing int4 := $4; given int4;
BEGIN
  FOR first, last IN
    SELECT greatest(lower(bounds), $2), least(upper(bounds), $3)
    FROM public.httpmon_bounds('public.check_results')
    WHERE NOT detach_pending AND bounds && tstzrange($2, $3) AND asked <> '{}'
    ORDER BY bounds DESC
  LOOP
    EXIT WHEN missing <= 0;
    SELECT min(ts) INTO oldest FROM (
      SELECT r.ts
      FROM unnest(asked) AS wanted, public.agents AS a, LATERAL (
        SELECT ts FROM public.check_results AS r
        WHERE r.site_id = wanted AND r.agent_id = a.id AND r.ts >= first AND r.ts < last
        ORDER BY ts DESC LIMIT missing
      ) AS r
      -- A result is of a day ahead at most when it is stored.
      WHERE a.last_seen >= (first AT TIME ZONE 'UTC')::date - 1
      ORDER BY r.ts DESC LIMIT missing
    ) AS newest;
    CONTINUE WHEN oldest IS NULL;
    RETURN QUERY SELECT * FROM public.results AS r
      WHERE r.site = $1 AND r.ts >= oldest AND r.ts < last
      ORDER BY r.ts DESC, r.agent, r.url LIMIT missing;
    GET DIAGNOSTICS given = ROW_COUNT;
    missing := missing - given;
  END LOOP;
END
$function$
;

CREATE OR REPLACE FUNCTION public.httpmon_revision()
 RETURNS bigint
 LANGUAGE sql
 STABLE
AS $function$SELECT revision FROM rollup_revision$function$
;

CREATE OR REPLACE FUNCTION public.httpmon_roll_up(now timestamp with time zone, most integer, OUT level text, OUT bucket timestamp with time zone, OUT buckets integer)
 RETURNS record
 LANGUAGE plpgsql
 SET "TimeZone" TO 'UTC'
 SET jit TO 'off'
 SET work_mem TO '256MB'
 SET hash_mem_multiplier TO '4'
AS $function$
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
$function$
;

CREATE OR REPLACE FUNCTION public.httpmon_rollup(site_ids integer[], since timestamp with time zone, until timestamp with time zone, step text DEFAULT NULL::text)
 RETURNS TABLE(bucket timestamp with time zone, site_id integer, agent_id integer, checks bigint, up bigint, degraded bigint, down bigint, unknown bigint, maintenance bigint, responses bigint, response_min real, response_max real, response_sum double precision)
 LANGUAGE plpgsql
 STABLE
AS $function$
BEGIN
  RETURN QUERY EXECUTE format(
    $sql$SELECT date_trunc($1, bucket, 'UTC') AS bucket, site_id, agent_id, sum(checks), sum(up),
      sum(degraded), sum(down), sum(unknown), sum(maintenance), sum(responses), min(response_min),
      max(response_max), sum(round(response_sum * 1000)) / 1000
    FROM (%s) AS part GROUP BY 1, 2, 3$sql$,
    httpmon_parts_sql(site_ids, since, until, step, false)
  ) USING step;
END
$function$
;

CREATE OR REPLACE FUNCTION public.httpmon_same_result(stored check_results, other check_results)
 RETURNS boolean
 LANGUAGE sql
 STABLE
AS $function$
  SELECT stored IS NOT DISTINCT FROM other OR (
    (
      stored.context_id, stored.connection_id, stored.dns_ms, stored.body_bytes,
      stored.body_truncated, stored.maintenance, stored.slots, stored.attempts, stored.loop_delay,
      stored.redirects
    ) IS NULL
    AND (stored.verdict, stored.response_code, stored.regex_result, stored.lateness)
      IS NOT DISTINCT FROM
      (other.verdict, other.response_code, other.regex_result, other.lateness)
    AND (
      stored.reason_id IS NOT DISTINCT FROM other.reason_id
      OR EXISTS (
        SELECT FROM reasons AS known, reasons AS told
        WHERE known.id = stored.reason_id AND told.id = other.reason_id
          AND known.first_reason IS NULL
          AND (known.reason, known.error_class, known.error_message)
            IS NOT DISTINCT FROM (told.reason, told.error_class, told.error_message)
      )
    )
    AND (
      stored.response_time IS NOT DISTINCT FROM other.response_time
      OR stored.response_time = floor(stored.response_time)
        AND abs(stored.response_time - other.response_time) < 1
    )
  )
$function$
;

CREATE OR REPLACE FUNCTION public.httpmon_series(site_ids integer[], since timestamp with time zone, until timestamp with time zone, step text, each_agent boolean DEFAULT false)
 RETURNS TABLE(bucket timestamp with time zone, agent_id integer, checks bigint, up bigint, degraded bigint, down bigint, unknown bigint, maintenance bigint, responses bigint, p50 double precision, p95 double precision, p99 double precision, dns double precision, connect double precision, tls double precision, first_byte double precision, download double precision)
 LANGUAGE plpgsql
 STABLE
 SET jit TO 'off'
AS $function$
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
$function$
;

CREATE OR REPLACE FUNCTION public.httpmon_silence(matchers jsonb, until timestamp with time zone, why text, by_whom text DEFAULT NULL::text, since timestamp with time zone DEFAULT now())
 RETURNS bigint
 LANGUAGE sql
AS $function$
  INSERT INTO silences (matchers, starts_at, ends_at, why, created_by)
  VALUES (matchers, since, until, why, by_whom) RETURNING id
$function$
;

CREATE OR REPLACE FUNCTION public.httpmon_site_identity(name text, url text)
 RETURNS uuid
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
RETURN (encode("substring"(sha256(convert_to(((CASE WHEN (name IS NULL) THEN ''::text ELSE encode(sha256(convert_to(name, 'UTF8'::name)), 'hex'::text) END || ':'::text) || url), 'UTF8'::name)), 1, 16), 'hex'::text))::uuid
;

CREATE OR REPLACE FUNCTION public.httpmon_site_ids(site text)
 RETURNS integer[]
 LANGUAGE sql
 STABLE
AS $function$
  SELECT coalesce(array_agg(id), '{}') FROM sites WHERE coalesce(name, url) = site
$function$
;

CREATE OR REPLACE FUNCTION public.httpmon_sites_now(within interval DEFAULT '26:00:00'::interval)
 RETURNS TABLE(site_id integer, site text, url text, state text, since timestamp with time zone, last_result timestamp with time zone, agents integer, agents_down integer, response_ms real, response_code integer, reason text, error_message text, certificate_expires_at timestamp with time zone, frequency double precision, labels jsonb, locations text[])
 LANGUAGE sql
 STABLE
AS $function$
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
$function$
;

CREATE OR REPLACE FUNCTION public.httpmon_sketch_key(phase integer, ms real)
 RETURNS integer
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
AS $function$
  SELECT CASE
    -- Not by least() and greatest(), which take three times as long.
    WHEN ms > 0.001::float4 AND ms < 1e7::float4 THEN
      CASE phase WHEN 0 THEN -340 ELSE phase * 80 + 6 END::float8 + ceil(ln(ms::float8)
        / CASE phase WHEN 0 THEN 0.04000533461369913::float8 ELSE 0.3022808718729335::float8 END)
    WHEN ms >= 1e7::float4 THEN CASE phase WHEN 0 THEN 63 ELSE phase * 80 + 59 END::float8
    WHEN ms > 0::float4 OR phase = 0 THEN CASE phase WHEN 0 THEN -512 ELSE phase * 80 - 16 END::float8
  END::int4
$function$
;

CREATE OR REPLACE FUNCTION public.httpmon_sketch_value(key integer)
 RETURNS double precision
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
AS $function$
  SELECT CASE WHEN key < 64 THEN exp((key + 340) * 0.04000533461369913::float8) * 0.98
    ELSE exp(((key - 64) % 80 - 22) * 0.3022808718729335::float8) * 0.85
  END
$function$
;

CREATE OR REPLACE FUNCTION public.httpmon_slowest(since timestamp with time zone, until timestamp with time zone, q double precision DEFAULT 0.95, n integer DEFAULT 20)
 RETURNS TABLE(site text, results bigint, ms double precision)
 LANGUAGE plpgsql
 STABLE
 SET jit TO 'off'
 SET work_mem TO '64MB'
AS $function$
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
$function$
;

CREATE OR REPLACE FUNCTION public.httpmon_state(result check_results)
 RETURNS smallint
 LANGUAGE sql
 IMMUTABLE
RETURN (CASE WHEN (result).maintenance THEN 4 ELSE ((result).verdict)::integer END)::smallint
;

CREATE OR REPLACE FUNCTION public.httpmon_state_before(site integer, agent integer, moment timestamp with time zone)
 RETURNS smallint
 LANGUAGE sql
 STABLE
AS $function$
  SELECT state FROM verdict_changes
  WHERE site_id = site AND agent_id = agent AND ts < moment ORDER BY ts DESC LIMIT 1
$function$
;

CREATE OR REPLACE FUNCTION public.httpmon_store(batch jsonb, agents uuid[] DEFAULT NULL::uuid[], sites uuid[] DEFAULT NULL::uuid[], contexts uuid[] DEFAULT NULL::uuid[], connections uuid[] DEFAULT NULL::uuid[], reasons uuid[] DEFAULT NULL::uuid[], ts timestamp with time zone[] DEFAULT NULL::timestamp with time zone[], site integer[] DEFAULT NULL::integer[], agent integer[] DEFAULT NULL::integer[], response_time real[] DEFAULT NULL::real[], response_code integer[] DEFAULT NULL::integer[], lateness real[] DEFAULT NULL::real[], context integer[] DEFAULT NULL::integer[], connection integer[] DEFAULT NULL::integer[], dns_ms real[] DEFAULT NULL::real[], connect_ms real[] DEFAULT NULL::real[], tls_ms real[] DEFAULT NULL::real[], first_byte_ms real[] DEFAULT NULL::real[], download_ms real[] DEFAULT NULL::real[], body_bytes integer[] DEFAULT NULL::integer[], reason integer[] DEFAULT NULL::integer[], verdict smallint[] DEFAULT NULL::smallint[], regex_result boolean[] DEFAULT NULL::boolean[], body_truncated boolean[] DEFAULT NULL::boolean[], maintenance boolean[] DEFAULT NULL::boolean[], slots integer[] DEFAULT NULL::integer[], attempts integer[] DEFAULT NULL::integer[], loop_delay real[] DEFAULT NULL::real[])
 RETURNS jsonb
 LANGUAGE plpgsql
 SET "TimeZone" TO 'UTC'
 SET "DateStyle" TO 'ISO'
 SET plan_cache_mode TO 'force_generic_plan'
AS $function$
#variable_conflict use_column
DECLARE
  source jsonb := batch -> 'source';
  place consumer_offsets;
  columns httpmon_columns := ROW(
    ts, site, agent, response_time, response_code, lateness, context, connection, dns_ms,
    connect_ms, tls_ms, first_byte_ms, download_ms, body_bytes, reason, verdict, regex_result,
    body_truncated, maintenance, slots, attempts, loop_delay, batch -> 'redirects'
  );
  agent_ids int4[] := httpmon_ids('agents', agents);
  site_ids int4[] := httpmon_ids('sites', sites);
  context_ids int4[] := httpmon_ids('contexts', contexts);
  connection_ids int4[] := httpmon_ids('connections', connections);
  reason_ids int4[] := httpmon_ids('reasons', reasons);
  total int4 := coalesce(cardinality(ts), 0);
  first timestamptz; last timestamptz;
  too_old timestamptz := (now() AT TIME ZONE 'UTC')::date - 3653;
  dropped timestamptz := (SELECT dropped_before FROM retention WHERE what = 'raw');
  -- Ranges of results that are still to be inserted, as a stack.
  ranges int4[] := ARRAY[1, total];
  lo int4; hi int4; middle int4; put int4; inserted int4 := 0;
  failed jsonb := '[]'; taken jsonb := '[]'; answer jsonb;
  violated text; why text;
BEGIN
  IF num_nonnulls(
    array_position(agent_ids, NULL), array_position(site_ids, NULL),
    array_position(context_ids, NULL), array_position(connection_ids, NULL),
    array_position(reason_ids, NULL)
  ) > 0 THEN
    SELECT jsonb_object_agg(kind, missing) INTO answer FROM (
      SELECT kind, jsonb_agg(n - 1 ORDER BY n) AS missing
      FROM (
        SELECT 'agents' AS kind, id, n FROM unnest(agent_ids) WITH ORDINALITY AS u(id, n)
        UNION ALL SELECT 'sites', id, n FROM unnest(site_ids) WITH ORDINALITY AS u(id, n)
        UNION ALL SELECT 'contexts', id, n FROM unnest(context_ids) WITH ORDINALITY AS u(id, n)
        UNION ALL SELECT 'connections', id, n FROM unnest(connection_ids) WITH ORDINALITY AS u(id, n)
        UNION ALL SELECT 'reasons', id, n FROM unnest(reason_ids) WITH ORDINALITY AS u(id, n)
      ) AS found
      WHERE id IS NULL
      GROUP BY kind
    ) AS unknown;
    RETURN jsonb_build_object('kind', 'unknown', 'unknown', answer);
  END IF;

  SELECT min(t), max(t) INTO first, last FROM unnest(columns.ts) AS t;
  IF first < greatest(dropped, too_old) OR last > now() + interval '1 day' THEN
    RETURN (
      SELECT jsonb_build_object(
        'kind', 'refused',
        'expired', coalesce(jsonb_agg(n - 1) FILTER (WHERE ts < dropped), '[]'),
        'out_of_range', coalesce(jsonb_agg(n - 1) FILTER (
          WHERE (ts < dropped) IS NOT TRUE AND (ts < too_old OR ts > now() + interval '1 day')
        ), '[]')
      )
      FROM unnest(columns.ts) WITH ORDINALITY AS t(ts, n)
    );
  END IF;

  BEGIN
    IF (batch ->> 'begin')::boolean THEN
      INSERT INTO consumer_offsets (consumer, cluster_id, topic, partition, next_offset)
      VALUES (
        source ->> 'consumer', source ->> 'cluster', source ->> 'topic',
        (source ->> 'partition')::int4, (batch ->> 'position')::int8
      )
      ON CONFLICT DO NOTHING;
    END IF;
    -- The lock fences off a writer that lost the partition.
    SELECT * INTO place FROM consumer_offsets
    WHERE (consumer, cluster_id, topic, partition) = (
      source ->> 'consumer', source ->> 'cluster', source ->> 'topic', (source ->> 'partition')::int4
    ) FOR UPDATE;
    IF place.next_offset IS DISTINCT FROM (batch ->> 'position')::int8 THEN
      RETURN jsonb_build_object('kind', 'moved', 'at', place.next_offset::text);
    END IF;
    -- What fails by a row's fault is halved until it is one result; all others go in.
    WHILE total > 0 AND cardinality(ranges) > 0 LOOP
      lo := ranges[1];
      hi := ranges[2];
      ranges := ranges[3:];
      BEGIN
        BEGIN
          INSERT INTO check_results
          SELECT (rows.result).*
          FROM httpmon_batch_rows(
            columns, site_ids, agent_ids, context_ids, connection_ids, reason_ids
          ) AS rows
          WHERE rows.n BETWEEN lo AND hi
          -- As the key has them, which is then filled place by place; of two with one identity, the earlier.
          ORDER BY (rows.result).site_id, (rows.result).agent_id, (rows.result).ts, rows.n;
          GET DIAGNOSTICS put = ROW_COUNT;
        -- Seldom is one there already, and ON CONFLICT costs half as much again for each that is not.
        EXCEPTION WHEN unique_violation THEN
          INSERT INTO check_results
          SELECT (rows.result).*
          FROM httpmon_batch_rows(
            columns, site_ids, agent_ids, context_ids, connection_ids, reason_ids
          ) AS rows
          WHERE rows.n BETWEEN lo AND hi
          ORDER BY (rows.result).site_id, (rows.result).agent_id, (rows.result).ts, rows.n
          ON CONFLICT DO NOTHING;
          GET DIAGNOSTICS put = ROW_COUNT;
        END;
        IF batch ?| '{evidence,chains}' THEN
          PERFORM httpmon_store_evidence(batch, columns, site_ids, agent_ids, lo, hi);
        END IF;
        -- Else a constraint could fail as late as in COMMIT, where nobody knows whose fault it was.
        SET CONSTRAINTS ALL IMMEDIATE;
        inserted := inserted + put;
      EXCEPTION
        -- What only a value can cause; all else needs a person or time.
        WHEN cardinality_violation OR data_exception OR integrity_constraint_violation
          OR with_check_option_violation OR program_limit_exceeded OR plpgsql_error THEN
          GET STACKED DIAGNOSTICS violated = CONSTRAINT_NAME, why = PG_EXCEPTION_DETAIL;
          -- No partition, or a sequence at its end: the database's.
          IF SQLSTATE = '2200H' OR SQLSTATE = '23514' AND violated = '' THEN
            RAISE;
          ELSIF lo = hi THEN
            failed := failed || jsonb_build_object(
              'n', lo - 1, 'code', SQLSTATE, 'message', SQLERRM, 'detail', why
            );
          ELSE
            middle := (lo + hi) / 2;
            -- The earlier half next, so that of two with one identity the earlier one is stored.
            ranges := ARRAY[lo, middle, middle + 1, hi] || ranges;
          END IF;
      END;
    END LOOP;
    IF inserted < total THEN
      taken := httpmon_taken(
        columns, site_ids, agent_ids, context_ids, connection_ids, reason_ids
      );
    END IF;
    IF failed <> '[]' OR taken <> '[]' THEN
      RAISE SQLSTATE 'HM001';
    END IF;
  EXCEPTION WHEN SQLSTATE 'HM001' THEN
    RETURN jsonb_build_object('kind', 'refused', 'failed', failed, 'taken', taken);
  END;

  INSERT INTO dead_letters
    (cluster_id, topic, partition, "offset", last_offset, key, value, reason, detail)
  SELECT place.cluster_id, place.topic, place.partition, l."offset", l.last_offset,
    decode(l.key, 'base64'), decode(l.value, 'base64'), l.reason, l.detail
  FROM jsonb_to_recordset(batch -> 'letters') AS l(
    "offset" int8, last_offset int8, key text, value text, reason text, detail text
  )
  ON CONFLICT DO NOTHING;

  IF inserted > 0 AND date_trunc('hour', first) = date_trunc('hour', last) THEN
    INSERT INTO rollup_marks VALUES (date_trunc('hour', first), site_ids, first);
  ELSIF inserted > 0 THEN
    INSERT INTO rollup_marks
    SELECT date_trunc('hour', r.ts), array_agg(DISTINCT site_ids[r.site]), min(r.ts)
    FROM unnest(columns.ts, columns.site) AS r(ts, site)
    GROUP BY 1;
  END IF;

  UPDATE consumer_offsets SET
    next_offset = (batch ->> 'next')::int8,
    last_timestamp = (batch ->> 'last_timestamp')::int8,
    last_hash = decode(batch ->> 'last_hash', 'hex'),
    updated_at = now()
  WHERE (consumer, cluster_id, topic, partition)
    = (place.consumer, place.cluster_id, place.topic, place.partition);
  RETURN jsonb_build_object('kind', 'stored', 'inserted', inserted);
END
$function$
;

CREATE OR REPLACE FUNCTION public.httpmon_store_evidence(batch jsonb, columns httpmon_columns, sites integer[], agents integer[], lo integer, hi integer)
 RETURNS void
 LANGUAGE plpgsql
 SET "TimeZone" TO 'UTC'
AS $function$
DECLARE
  today date := now()::date;
  times timestamptz[] := columns.ts;
  site int4[] := columns.site;
  agent int4[] := columns.agent;
BEGIN
  IF batch ? 'evidence' THEN
    INSERT INTO evidence (ts, site_id, agent_id, status_line, headers, body)
    SELECT times[e.n + 1], sites[site[e.n + 1]], agents[agent[e.n + 1]],
      e.status_line, e.headers, e.body
    FROM jsonb_to_recordset(batch -> 'evidence')
      AS e(n int4, status_line text, headers jsonb, body text)
    WHERE e.n + 1 BETWEEN lo AND hi
    ON CONFLICT DO NOTHING;
  END IF;
  IF batch ? 'chains' THEN
    INSERT INTO certificates
      (fingerprint, not_before, not_after, subject, issuer, serial, names, last_seen)
    SELECT DISTINCT ON (c.fingerprint) c.fingerprint, c.not_before, c.not_after, c.subject, c.issuer,
      c.serial, c.names, today
    FROM jsonb_to_recordset(batch -> 'chains') AS shown(n int4, certificates jsonb),
      jsonb_to_recordset(shown.certificates) AS c(
        fingerprint bytea, not_before timestamptz, not_after timestamptz, subject text, issuer text,
        serial text, names text[]
      )
    WHERE shown.n + 1 BETWEEN lo AND hi
      -- ON CONFLICT locks a row that it leaves as it is, too, and many sites share an issuer's.
      AND NOT EXISTS (
        SELECT FROM certificates AS known
        WHERE known.fingerprint = c.fingerprint AND known.last_seen >= today
      )
    ORDER BY c.fingerprint
    ON CONFLICT (fingerprint) DO UPDATE SET last_seen = today WHERE certificates.last_seen < today;
    INSERT INTO site_certificates (site_id, agent_id, chain, first_seen, last_seen)
    SELECT DISTINCT ON (1, 2, 3) sites[site[shown.n + 1]], agents[agent[shown.n + 1]],
      ARRAY(
        SELECT (c ->> 'fingerprint')::bytea
        FROM jsonb_array_elements(shown.certificates) WITH ORDINALITY AS u(c, at) ORDER BY at
      ),
      times[shown.n + 1], today
    FROM jsonb_to_recordset(batch -> 'chains') AS shown(n int4, certificates jsonb)
    WHERE shown.n + 1 BETWEEN lo AND hi
    ORDER BY 1, 2, 3, 4
    ON CONFLICT (site_id, agent_id, chain)
      DO UPDATE SET last_seen = today WHERE site_certificates.last_seen < today;
  END IF;
END
$function$
;

CREATE OR REPLACE FUNCTION public.httpmon_strips(site_ids integer[], since timestamp with time zone, until timestamp with time zone, step text)
 RETURNS TABLE(site_id integer, bucket timestamp with time zone, up bigint, degraded bigint, down bigint, unknown bigint, maintenance bigint)
 LANGUAGE sql
 STABLE
AS $function$
  SELECT site_id, bucket, sum(up)::int8, sum(degraded)::int8, sum(down)::int8, sum(unknown)::int8,
    sum(maintenance)::int8
  FROM httpmon_rollup(site_ids, since, until, step) GROUP BY 1, 2 ORDER BY 1, 2
$function$
;

CREATE OR REPLACE FUNCTION public.httpmon_taken(columns httpmon_columns, sites integer[], agents integer[], contexts integer[], connections integer[], reasons integer[])
 RETURNS jsonb
 LANGUAGE plpgsql
 STABLE
 SET "TimeZone" TO 'UTC'
 SET plan_cache_mode TO 'force_custom_plan'
AS $function$
DECLARE
  taken jsonb := '[]';
  -- Both are constants to the planner; what it had to compute would leave it all later partitions.
  day timestamptz; next_day timestamptz;
BEGIN
  FOR day, next_day IN
    SELECT DISTINCT start, start + interval '1 day'
    FROM (SELECT date_trunc('day', ts) AS start FROM unnest(columns.ts) AS ts) AS starts
  LOOP
    SELECT taken || coalesce(jsonb_agg(rows.n - 1 ORDER BY rows.n), '[]')
    INTO taken
    FROM httpmon_batch_rows(columns, sites, agents, contexts, connections, reasons) AS rows
    CROSS JOIN LATERAL (
      SELECT r FROM check_results AS r
      WHERE r.site_id = (rows.result).site_id AND r.agent_id = (rows.result).agent_id
        AND r.ts = (rows.result).ts AND r.ts >= day AND r.ts < next_day
      -- Keeps the planner from joining the whole day instead of looking each row up.
      OFFSET 0
    ) AS stored
    WHERE (rows.result).ts >= day AND (rows.result).ts < next_day
      -- Comparing rows is cheap, the function is not: only for those that differ.
      AND stored.r IS DISTINCT FROM rows.result
      AND NOT httpmon_same_result(stored.r, rows.result);
  END LOOP;
  RETURN taken;
END
$function$
;

CREATE OR REPLACE FUNCTION public.httpmon_touched(unit text, ranges tstzmultirange)
 RETURNS tstzmultirange
 LANGUAGE sql
 STABLE
AS $function$
  SELECT coalesce(range_agg(tstzrange(
    date_trunc(unit, lower(r), 'UTC'), httpmon_up_to(unit, upper(r))
  )), '{}')
  FROM unnest(ranges) AS r
$function$
;

CREATE OR REPLACE FUNCTION public.httpmon_unobserved(site text, since timestamp with time zone, until timestamp with time zone)
 RETURNS tstzmultirange
 LANGUAGE plpgsql
 STABLE
 SET plan_cache_mode TO 'force_custom_plan'
AS $function$
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
$function$
;

CREATE OR REPLACE FUNCTION public.httpmon_unobserved_hours(site text, since timestamp with time zone, until timestamp with time zone)
 RETURNS TABLE(started timestamp with time zone, ended timestamp with time zone)
 LANGUAGE sql
 STABLE
AS $function$
  SELECT lower(gap), upper(gap)
  FROM unnest(
    tstzmultirange(tstzrange(httpmon_up_to('hour', since), date_trunc('hour', until, 'UTC'))) - (
      SELECT coalesce(range_agg(tstzrange(bucket, bucket + interval '1 hour')), '{}')
      FROM httpmon_rollup(httpmon_site_ids(site), since, until, 'hour') WHERE checks > 0
    )
  ) AS gap
  WHERE until > since
  ORDER BY 1
$function$
;

CREATE OR REPLACE FUNCTION public.httpmon_up_to(unit text, t timestamp with time zone)
 RETURNS timestamp with time zone
 LANGUAGE sql
 STABLE
AS $function$
  SELECT CASE WHEN date_trunc(unit, t, 'UTC') = t THEN t
    ELSE (date_trunc(unit, t, 'UTC') AT TIME ZONE 'UTC' + ('1 ' || unit)::interval) AT TIME ZONE 'UTC' END
$function$
;

CREATE OR REPLACE FUNCTION public.httpmon_uptime(site text, since timestamp with time zone, until timestamp with time zone)
 RETURNS double precision
 LANGUAGE sql
 STABLE
AS $function$
  SELECT sum(up + degraded)::float8 / nullif(sum(up + degraded + down), 0)::float8
  FROM httpmon_rollup(httpmon_site_ids(site), since, until)
$function$
;

CREATE OR REPLACE FUNCTION public.httpmon_uptimes(days integer, site_ids integer[] DEFAULT NULL::integer[])
 RETURNS TABLE(site_id integer, site text, uptime double precision, counted bigint)
 LANGUAGE plpgsql
 STABLE
 SET "TimeZone" TO 'UTC'
 SET "DateStyle" TO 'ISO'
 SET jit TO 'off'
AS $function$
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
$function$
;

CREATE OR REPLACE FUNCTION public.httpmon_whole(unit text, since timestamp with time zone, until timestamp with time zone)
 RETURNS tstzmultirange
 LANGUAGE sql
 STABLE
AS $function$
  SELECT tstzmultirange(tstzrange(
    httpmon_up_to(unit, since), greatest(date_trunc(unit, until, 'UTC'), httpmon_up_to(unit, since))
  ))
$function$
;
