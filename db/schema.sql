-- What the migrations make, as PostgreSQL 18 tells it: written by `deno task schema`.

CREATE TABLE agents (
  id integer GENERATED ALWAYS AS IDENTITY NOT NULL,
  identity uuid NOT NULL,
  last_seen date DEFAULT ((now() AT TIME ZONE 'UTC'::text))::date NOT NULL
);

ALTER TABLE agents ADD CONSTRAINT agents_identity_key UNIQUE (identity);

ALTER TABLE agents ADD CONSTRAINT agents_pkey PRIMARY KEY (id);

COMMENT ON COLUMN agents.identity IS 'the agent''s UUID';

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

ALTER TABLE check_results ADD CONSTRAINT check_results_pkey PRIMARY KEY (site_id, agent_id, ts);

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

CREATE TABLE reasons (
  id integer GENERATED ALWAYS AS IDENTITY NOT NULL,
  reason text,
  error_class text,
  error_message text,
  identity uuid NOT NULL,
  last_seen date DEFAULT ((now() AT TIME ZONE 'UTC'::text))::date NOT NULL
);

ALTER TABLE reasons ADD CONSTRAINT reasons_identity_key UNIQUE (identity);

ALTER TABLE reasons ADD CONSTRAINT reasons_pkey PRIMARY KEY (id);

COMMENT ON COLUMN reasons.reason IS 'the rule or the error class that decided';

COMMENT ON TABLE reasons IS 'why a verdict was another than up';

CREATE TABLE retention (
  what text NOT NULL,
  keep_days integer,
  dropped_before date
);

ALTER TABLE retention ADD CONSTRAINT retention_pkey PRIMARY KEY (what);

COMMENT ON COLUMN retention.dropped_before IS 'the first day (UTC) that is not dropped; days do not come back';

COMMENT ON COLUMN retention.keep_days IS 'null: for ever';

CREATE TABLE rollup_marks (
  hour timestamp with time zone NOT NULL,
  site_ids integer[] NOT NULL
);

CREATE TABLE schema_migrations (
  name text NOT NULL,
  hash text NOT NULL,
  steps integer NOT NULL,
  applied_at timestamp with time zone
);

ALTER TABLE schema_migrations ADD CONSTRAINT schema_migrations_pkey PRIMARY KEY (name);

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
     LEFT JOIN sites s ON s.id = r.site_id
     LEFT JOIN agents a ON a.id = r.agent_id
     LEFT JOIN contexts c ON c.id = r.context_id
     LEFT JOIN connections n ON n.id = r.connection_id
     LEFT JOIN reasons w ON w.id = r.reason_id;

COMMENT ON COLUMN results.labels IS 'the agent''s and the site''s; the site''s win';

COMMENT ON COLUMN results.site IS 'the site''s name, or its URL where it has none';

CREATE OR REPLACE FUNCTION public.httpmon_batch_rows(batch jsonb, sites integer[], agents integer[], contexts integer[], connections integer[], reasons integer[])
 RETURNS TABLE(n bigint, result check_results)
 LANGUAGE sql
 STABLE
AS $function$
  SELECT r.n, ROW(
    r.ts, sites[r.site], agents[r.agent], r.response_time, r.response_code, r.lateness,
    contexts[r.context], connections[r.connection], r.dns_ms, r.connect_ms, r.tls_ms,
    r.first_byte_ms, r.download_ms, r.body_bytes, reasons[r.reason], r.verdict, r.regex_result,
    r.body_truncated, r.maintenance, r.slots, r.attempts, r.loop_delay,
    batch -> 'redirects' -> (r.n - 1)::text
  )::check_results
  FROM unnest(
    (batch ->> 'ts')::timestamptz[], (batch ->> 'site')::int4[], (batch ->> 'agent')::int4[],
    (batch ->> 'response_time')::float4[], (batch ->> 'response_code')::int4[],
    (batch ->> 'lateness')::float4[], (batch ->> 'context')::int4[],
    (batch ->> 'connection')::int4[], (batch ->> 'dns_ms')::float4[],
    (batch ->> 'connect_ms')::float4[], (batch ->> 'tls_ms')::float4[],
    (batch ->> 'first_byte_ms')::float4[], (batch ->> 'download_ms')::float4[],
    (batch ->> 'body_bytes')::int4[], (batch ->> 'reason')::int4[], (batch ->> 'verdict')::int2[],
    (batch ->> 'regex_result')::bool[], (batch ->> 'body_truncated')::bool[],
    (batch ->> 'maintenance')::bool[], (batch ->> 'slots')::int4[],
    (batch ->> 'attempts')::int4[], (batch ->> 'loop_delay')::float4[]
  ) WITH ORDINALITY AS r(
    ts, site, agent, response_time, response_code, lateness, context, connection, dns_ms,
    connect_ms, tls_ms, first_byte_ms, download_ms, body_bytes, reason, verdict, regex_result,
    body_truncated, maintenance, slots, attempts, loop_delay, n
  )
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

CREATE OR REPLACE FUNCTION public.httpmon_ids(kind text, identities uuid[])
 RETURNS integer[]
 LANGUAGE plpgsql
 STABLE
AS $function$
DECLARE
  ids int4[];
BEGIN
  IF identities IS NULL THEN
    RETURN NULL;
  END IF;
  EXECUTE format(
    'SELECT array_agg(t.id ORDER BY n)
     FROM unnest($1) WITH ORDINALITY AS wanted(identity, n)
     LEFT JOIN %I AS t
       ON t.identity = wanted.identity AND t.last_seen >= (now() AT TIME ZONE ''UTC'')::date',
    kind
  ) INTO ids USING identities;
  RETURN ids;
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
    SELECT string_agg(quote_ident(key), ', ' ORDER BY key)
    FROM jsonb_object_keys(contents -> 0) AS key
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
      ORDER BY r.ts DESC LIMIT missing;
    GET DIAGNOSTICS given = ROW_COUNT;
    missing := missing - given;
  END LOOP;
END
$function$
;

CREATE OR REPLACE FUNCTION public.httpmon_same_result(stored check_results, other check_results)
 RETURNS boolean
 LANGUAGE sql
 IMMUTABLE
AS $function$
  SELECT stored IS NOT DISTINCT FROM other OR (
    (
      stored.context_id, stored.connection_id, stored.dns_ms, stored.body_bytes,
      stored.body_truncated, stored.maintenance, stored.slots, stored.attempts, stored.loop_delay,
      stored.redirects
    ) IS NULL
    AND (stored.verdict, stored.reason_id, stored.response_code, stored.regex_result, stored.lateness)
      IS NOT DISTINCT FROM
      (other.verdict, other.reason_id, other.response_code, other.regex_result, other.lateness)
    AND (
      stored.response_time IS NOT DISTINCT FROM other.response_time
      OR stored.response_time = floor(stored.response_time)
        AND abs(stored.response_time - other.response_time) < 1
    )
  )
$function$
;

CREATE OR REPLACE FUNCTION public.httpmon_site_identity(name text, url text)
 RETURNS uuid
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
RETURN (encode("substring"(sha256(convert_to(((CASE WHEN (name IS NULL) THEN ''::text ELSE encode(sha256(convert_to(name, 'UTF8'::name)), 'hex'::text) END || ':'::text) || url), 'UTF8'::name)), 1, 16), 'hex'::text))::uuid
;

CREATE OR REPLACE FUNCTION public.httpmon_store(batch jsonb)
 RETURNS jsonb
 LANGUAGE plpgsql
 SET "TimeZone" TO 'UTC'
 SET "DateStyle" TO 'ISO'
 SET plan_cache_mode TO 'force_custom_plan'
AS $function$
DECLARE
  source jsonb := batch -> 'source';
  place consumer_offsets;
  sites int4[]; agents int4[]; contexts int4[]; connections int4[]; reasons int4[];
  times timestamptz[] := (batch ->> 'ts')::timestamptz[];
  total int4 := coalesce(cardinality(times), 0);
  first timestamptz; last timestamptz;
  too_old timestamptz := (now() AT TIME ZONE 'UTC')::date - 3653;
  dropped timestamptz := (SELECT dropped_before FROM retention WHERE what = 'raw');
  -- Ranges of results that are still to be inserted, as a stack.
  ranges int4[] := ARRAY[1, total];
  lo int4; hi int4; middle int4; put int4; inserted int4 := 0;
  failed jsonb := '[]'; taken jsonb; answer jsonb;
  violated text; why text;
  -- Both are constants to the planner; what it had to compute would leave it all later partitions.
  day timestamptz; next_day timestamptz;
BEGIN
  agents := httpmon_ids('agents', (batch ->> 'agents')::uuid[]);
  sites := httpmon_ids('sites', (batch ->> 'sites')::uuid[]);
  contexts := httpmon_ids('contexts', (batch ->> 'contexts')::uuid[]);
  connections := httpmon_ids('connections', (batch ->> 'connections')::uuid[]);
  reasons := httpmon_ids('reasons', (batch ->> 'reasons')::uuid[]);
  SELECT jsonb_object_agg(kind, missing) INTO answer FROM (
    SELECT kind, jsonb_agg(n - 1) AS missing
    FROM (
      SELECT 'agents' AS kind, id, n FROM unnest(agents) WITH ORDINALITY AS u(id, n)
      UNION ALL SELECT 'sites', id, n FROM unnest(sites) WITH ORDINALITY AS u(id, n)
      UNION ALL SELECT 'contexts', id, n FROM unnest(contexts) WITH ORDINALITY AS u(id, n)
      UNION ALL SELECT 'connections', id, n FROM unnest(connections) WITH ORDINALITY AS u(id, n)
      UNION ALL SELECT 'reasons', id, n FROM unnest(reasons) WITH ORDINALITY AS u(id, n)
    ) AS found
    WHERE id IS NULL
    GROUP BY kind
  ) AS unknown;
  IF answer IS NOT NULL THEN
    RETURN jsonb_build_object('kind', 'unknown', 'unknown', answer);
  END IF;

  SELECT min(ts), max(ts) INTO first, last FROM unnest(times) AS ts;
  IF first < greatest(dropped, too_old) OR last > now() + interval '1 day' THEN
    RETURN (
      SELECT jsonb_build_object(
        'kind', 'refused',
        'expired', coalesce(jsonb_agg(n - 1) FILTER (WHERE ts < dropped), '[]'),
        'out_of_range', coalesce(jsonb_agg(n - 1) FILTER (
          WHERE (ts < dropped) IS NOT TRUE AND (ts < too_old OR ts > now() + interval '1 day')
        ), '[]')
      )
      FROM unnest(times) WITH ORDINALITY AS t(ts, n)
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
        INSERT INTO check_results
        SELECT (rows.result).*
        FROM httpmon_batch_rows(batch, sites, agents, contexts, connections, reasons) AS rows
        WHERE rows.n BETWEEN lo AND hi
        ON CONFLICT DO NOTHING;
        GET DIAGNOSTICS put = ROW_COUNT;
        PERFORM httpmon_store_evidence(batch, sites, agents, times, lo, hi);
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
      FOR day, next_day IN
        SELECT DISTINCT start, start + interval '1 day'
        FROM (SELECT date_trunc('day', ts) AS start FROM unnest(times) AS ts) AS starts
      LOOP
        SELECT coalesce(taken, '[]') || coalesce(jsonb_agg(rows.n - 1 ORDER BY rows.n), '[]')
        INTO taken
        FROM httpmon_batch_rows(batch, sites, agents, contexts, connections, reasons) AS rows
        CROSS JOIN LATERAL (
          SELECT r FROM check_results AS r
          WHERE r.site_id = (rows.result).site_id AND r.agent_id = (rows.result).agent_id
            AND r.ts = (rows.result).ts AND r.ts >= day AND r.ts < next_day
          -- Keeps the planner from joining the whole day instead of looking each row up.
          OFFSET 0
        ) AS stored
        WHERE (rows.result).ts >= day AND (rows.result).ts < next_day
          AND NOT httpmon_same_result(stored.r, rows.result);
      END LOOP;
    END IF;
    IF failed <> '[]' OR taken <> '[]' THEN
      RAISE SQLSTATE 'HM001';
    END IF;
  EXCEPTION WHEN SQLSTATE 'HM001' THEN
    RETURN jsonb_build_object('kind', 'refused', 'failed', failed, 'taken', coalesce(taken, '[]'));
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
    INSERT INTO rollup_marks VALUES (date_trunc('hour', first), sites);
  ELSIF inserted > 0 THEN
    INSERT INTO rollup_marks
    SELECT date_trunc('hour', r.ts), array_agg(DISTINCT sites[r.site])
    FROM unnest(times, (batch ->> 'site')::int4[]) AS r(ts, site)
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

CREATE OR REPLACE FUNCTION public.httpmon_store_evidence(batch jsonb, sites integer[], agents integer[], times timestamp with time zone[], lo integer, hi integer)
 RETURNS void
 LANGUAGE plpgsql
 SET "TimeZone" TO 'UTC'
AS $function$
DECLARE
  today date := now()::date;
  site int4[];
  agent int4[];
BEGIN
  IF batch ? 'evidence' OR batch ? 'chains' THEN
    site := (batch ->> 'site')::int4[];
    agent := (batch ->> 'agent')::int4[];
  END IF;
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
