-- Storing a batch is one call: httpmon_store(batch, ...). What a writer sends has names and defaults, so a
-- writer of an earlier version goes on: what it does not send is null.

-- The ids of what results share, in the order of their identities; null where it is not there, or was
-- not seen today yet: httpmon_learn is to be called first. So whatever a result refers to was seen on
-- the day that the result was stored, and nothing that is swept can be in use. A statement a table, as
-- the plan of one that is put together would be made anew at each call.
CREATE FUNCTION httpmon_ids(kind text, identities uuid[]) RETURNS int4[]
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_generic_plan AS $$
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
$$;

-- Makes what is missing of `kind` and notes that all of it was seen today. `contents` is an array of
-- objects with the table's columns, each with its identity. The columns are named, so that a writer
-- that does not know one of a later version leaves its default. In one order, so that two writers that
-- make the same things cannot deadlock.
CREATE FUNCTION httpmon_learn(kind text, contents jsonb) RETURNS void
LANGUAGE plpgsql AS $$
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
$$;

-- A batch's results, an array a column; null where all in it would be null. What they share is said by
-- its place among the batch's things of its kind.
CREATE TYPE httpmon_columns AS (
  ts timestamptz[], site int4[], agent int4[], response_time float4[], response_code int4[],
  lateness float4[], context int4[], connection int4[], dns_ms float4[], connect_ms float4[],
  tls_ms float4[], first_byte_ms float4[], download_ms float4[], body_bytes int4[], reason int4[],
  verdict int2[], regex_result bool[], body_truncated bool[], maintenance bool[], slots int4[],
  attempts int4[], loop_delay float4[], redirects jsonb
);

-- They as rows, `n` from 1 on. Several unnest() in one list go side by side, and fill up what is short;
-- in FROM they would take twice the time.
CREATE FUNCTION httpmon_batch_rows(
  columns httpmon_columns, sites int4[], agents int4[], contexts int4[], connections int4[],
  reasons int4[]
) RETURNS TABLE (n int4, result check_results)
LANGUAGE sql STABLE AS $$
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
$$;

-- Whether two results of one identity are the same. One that the older program stored knows no details,
-- and its time is in whole milliseconds.
CREATE FUNCTION httpmon_same_result(stored check_results, other check_results) RETURNS boolean
LANGUAGE sql STABLE AS $$
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
$$;

-- The batch's results, from 0 on, of which another one with their identity is stored. Day by day, as only
-- a plan for the day's own bounds leaves the other partitions alone.
CREATE FUNCTION httpmon_taken(
  columns httpmon_columns, sites int4[], agents int4[], contexts int4[], connections int4[],
  reasons int4[]
) RETURNS jsonb
LANGUAGE plpgsql STABLE SET timezone = 'UTC' SET plan_cache_mode = force_custom_plan AS $$
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
$$;

-- Stores a batch, all or nothing, and moves the offset behind it. `batch` has the place in the topic,
-- dead letters, evidence and chains; `agents` to `reasons` are the identities of what results share; then
-- come the columns of httpmon_columns. Answers with "kind":
--   stored   with "inserted", rows; the other results were there already, the same
--   moved    the offset is not where the writer takes it to be, but "at", null where there is none
--   unknown  what results refer to is not there: {"sites": [indexes]}, to be learned first
--   refused  nothing was stored, for these results' sake (indexes), to be sent again without them:
--            "expired" (of a day that was dropped), "out_of_range" (over a day ahead, or ten years old),
--            "taken" (another result has the identity), "failed" (the database refuses them: "n", "code",
--            "message", "detail")
-- Only the partitions of the batch's own days are touched.
CREATE FUNCTION httpmon_store(
  batch jsonb, agents uuid[] = NULL, sites uuid[] = NULL, contexts uuid[] = NULL,
  connections uuid[] = NULL, reasons uuid[] = NULL,
  ts timestamptz[] = NULL, site int4[] = NULL, agent int4[] = NULL, response_time float4[] = NULL,
  response_code int4[] = NULL, lateness float4[] = NULL, context int4[] = NULL,
  connection int4[] = NULL, dns_ms float4[] = NULL, connect_ms float4[] = NULL,
  tls_ms float4[] = NULL, first_byte_ms float4[] = NULL, download_ms float4[] = NULL,
  body_bytes int4[] = NULL, reason int4[] = NULL, verdict int2[] = NULL, regex_result bool[] = NULL,
  body_truncated bool[] = NULL, maintenance bool[] = NULL, slots int4[] = NULL,
  attempts int4[] = NULL, loop_delay float4[] = NULL
) RETURNS jsonb
LANGUAGE plpgsql
SET timezone = 'UTC' SET datestyle = 'ISO' SET plan_cache_mode = force_generic_plan AS $$
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
$$;

-- What belongs to the results from `lo` to `hi`: evidence, and the chains that sites showed. What is
-- there already stays.
CREATE FUNCTION httpmon_store_evidence(
  batch jsonb, columns httpmon_columns, sites int4[], agents int4[], lo int4, hi int4
) RETURNS void
LANGUAGE plpgsql SET timezone = 'UTC' AS $$
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
$$;
