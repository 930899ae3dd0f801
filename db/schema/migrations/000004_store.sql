-- Storing a batch is one call: httpmon_store(batch). What a writer sends is one jsonb, so a writer of an
-- earlier version goes on: what it does not send is null.

-- The ids of what results share, in the order of their identities; null where it is not there, or was
-- not seen today yet: httpmon_learn is to be called first. So whatever a result refers to was seen on
-- the day that the result was stored, and nothing that is swept can be in use.
CREATE FUNCTION httpmon_ids(kind text, identities uuid[]) RETURNS int4[]
LANGUAGE plpgsql STABLE AS $$
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

-- The batch's results as rows, `n` from 1 on. Its columns travel as arrays' literals, null where all in
-- them would be null: unnest fills up what is short.
CREATE FUNCTION httpmon_batch_rows(
  batch jsonb, sites int4[], agents int4[], contexts int4[], connections int4[], reasons int4[]
) RETURNS TABLE (n int8, result check_results)
LANGUAGE sql STABLE AS $$
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

-- Stores a batch, all or nothing, and moves the offset behind it. Answers with "kind":
--   stored   with "inserted", rows; the other results were there already, the same
--   moved    the offset is not where the writer takes it to be, but "at", null where there is none
--   unknown  what results refer to is not there: {"sites": [indexes]}, to be learned first
--   refused  nothing was stored, for these results' sake (indexes), to be sent again without them:
--            "expired" (of a day that was dropped), "out_of_range" (over a day ahead, or ten years old),
--            "taken" (another result has the identity), "failed" (the database refuses them: "n", "code",
--            "message", "detail")
-- Only the partitions of the batch's own days are touched: each statement is planned with its bounds.
CREATE FUNCTION httpmon_store(batch jsonb) RETURNS jsonb
LANGUAGE plpgsql
SET timezone = 'UTC' SET datestyle = 'ISO' SET plan_cache_mode = force_custom_plan AS $$
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
        -- As the key has them, which is then filled place by place; of two with one identity, the earlier.
        ORDER BY (rows.result).site_id, (rows.result).agent_id, (rows.result).ts, rows.n
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
          -- Comparing rows is cheap, the function is not: only for those that differ.
          AND stored.r IS DISTINCT FROM rows.result
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
    INSERT INTO rollup_marks VALUES (date_trunc('hour', first), sites, first);
  ELSIF inserted > 0 THEN
    INSERT INTO rollup_marks
    SELECT date_trunc('hour', r.ts), array_agg(DISTINCT sites[r.site]), min(r.ts)
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
$$;

-- What belongs to the results from `lo` to `hi`: evidence, and the chains that sites showed. What is
-- there already stays.
CREATE FUNCTION httpmon_store_evidence(
  batch jsonb, sites int4[], agents int4[], times timestamptz[], lo int4, hi int4
) RETURNS void
LANGUAGE plpgsql SET timezone = 'UTC' AS $$
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
