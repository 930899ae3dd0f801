-- What a check sees beside its verdict: phases, sizes and the connection with the result; evidence and
-- certificates in tables of their own. What many results share (an agent's labels, a handshake's
-- outcome) is stored once and has an id in the result, so that a row stays small.

-- New columns need the table to themselves for an instant. Who waits for that holds up everyone who
-- comes later, so it is waited for in short turns; a dbdump may take hours.
DO $$
BEGIN
  LOOP
    BEGIN
      SET LOCAL lock_timeout = '3s';
      LOCK TABLE check_results IN ACCESS EXCLUSIVE MODE;
      EXIT;
    EXCEPTION WHEN lock_not_available THEN
      PERFORM pg_sleep(1);
    END;
  END LOOP;
  SET LOCAL lock_timeout = 0;
END
$$;

-- Four bytes hold a phase to the microsecond up to 8 s. What PostgreSQL prints of one reads back as
-- the same one, so a dump that is stored again is a duplicate.
ALTER TABLE check_results
  ADD body_bytes int8,
  ADD dns_ms float4,
  ADD connect_ms float4,
  ADD tls_ms float4,
  ADD first_byte_ms float4,
  ADD download_ms float4,
  ADD tls_handshake_id int4,
  ADD agent_context_id int4,
  ADD body_truncated boolean,
  ADD maintenance boolean,
  ADD remote_address inet,
  ADD http_version text,
  ADD redirects jsonb;
COMMENT ON COLUMN check_results.body_bytes IS 'of the decoded body, as far as it was read';
COMMENT ON COLUMN check_results.body_truncated IS 'whether the body was longer than that';
COMMENT ON COLUMN check_results.dns_ms IS
  'phases are of the last hop, in milliseconds, and add up to its time';
COMMENT ON COLUMN check_results.redirects IS
  'each request but the last, [{"url", "status", "ms"}]; null where there was one';

CREATE TABLE agent_contexts (
  id int4 GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  location text,
  labels jsonb,
  identity uuid NOT NULL UNIQUE
);
COMMENT ON TABLE agent_contexts IS 'where agents stand and their labels, as sent with a result';
COMMENT ON COLUMN agent_contexts.identity IS 'hash of the others, by which the writer finds it';

CREATE TABLE tls_handshakes (
  id int4 GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  version text,
  cipher text,
  verified boolean NOT NULL,
  error text,
  expires_at timestamptz(6),
  fingerprint bytea,
  identity uuid NOT NULL UNIQUE
);
COMMENT ON TABLE tls_handshakes IS 'outcomes of TLS handshakes, each once';
COMMENT ON COLUMN tls_handshakes.error IS 'why the certificate did not verify';
COMMENT ON COLUMN tls_handshakes.expires_at IS 'the first end of validity in the chain';
COMMENT ON COLUMN tls_handshakes.fingerprint IS 'SHA-256 of the site''s own certificate';
COMMENT ON COLUMN tls_handshakes.identity IS 'hash of the others, by which the writer finds it';

CREATE TABLE certificates (
  fingerprint bytea PRIMARY KEY,
  not_before timestamptz(6) NOT NULL,
  not_after timestamptz(6) NOT NULL,
  subject text NOT NULL,
  issuer text NOT NULL,
  serial text NOT NULL,
  names text[] NOT NULL
);
COMMENT ON COLUMN certificates.fingerprint IS 'SHA-256';
COMMENT ON COLUMN certificates.names IS '"DNS:example.org"';

CREATE TABLE site_certificates (
  seen_at timestamptz(6) NOT NULL,
  site_id int4 NOT NULL,
  agent_id int4 NOT NULL,
  chain bytea[] NOT NULL,
  PRIMARY KEY (site_id, agent_id, seen_at)
);
COMMENT ON TABLE site_certificates IS 'a row each time that an agent sees a site''s chain change';
COMMENT ON COLUMN site_certificates.seen_at IS 'ts of the first result that showed the chain';
COMMENT ON COLUMN site_certificates.chain IS 'fingerprints, the site''s own certificate''s first';

-- By day, as the results are, so that old days can be dropped.
CREATE TABLE evidence (
  ts timestamptz(6) NOT NULL,
  site_id int4 NOT NULL,
  agent_id int4 NOT NULL,
  status_line text,
  headers jsonb NOT NULL,
  body text,
  PRIMARY KEY (site_id, ts, agent_id)
) PARTITION BY RANGE (ts);
COMMENT ON TABLE evidence IS 'what a site answered where it was down or degraded';

-- A function that lends its owner's rights must look up nothing where others may put things: neither
-- its caller's schemas nor, as whoever may create there could shadow a function by one with the very
-- types, our own. So it looks into pg_catalog alone, and our names are written out.
DO $migration$
BEGIN
  EXECUTE replace($functions$
-- As in 000001, for any table that is partitioned by day.
CREATE FUNCTION @home@.httpmon_ensure_partitions_of(parent regclass, days date[]) RETURNS int4
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' SET datestyle = 'ISO' AS $$
DECLARE
  wanted tstzmultirange := (
    SELECT coalesce(range_agg(tstzrange(day, day + 1)), '{}') FROM unnest(days) AS day
  );
  missing tstzmultirange;
  day_start timestamptz;
  gap tstzrange;
  partition_name text;
  made int4 := 0;
BEGIN
  missing := wanted - @home@.httpmon_covered(parent);
  IF isempty(missing) THEN
    RETURN 0;
  END IF;
  -- One maker at a time, also against DETACH; then look again at what the others have made.
  EXECUTE format('LOCK TABLE %s IN SHARE UPDATE EXCLUSIVE MODE', parent);
  missing := wanted - @home@.httpmon_covered(parent);
  FOR day_start, gap IN
    SELECT d, unnest(missing * tstzmultirange(tstzrange(d, d + interval '1 day')))
    FROM (SELECT DISTINCT day::timestamptz AS d FROM unnest(days) AS day) AS each_day
    ORDER BY d
  LOOP
    partition_name := (SELECT relname FROM pg_class WHERE oid = parent)
      || to_char(day_start, '_pYYYYMMDD');
    IF gap <> tstzrange(day_start, day_start + interval '1 day') THEN
      partition_name := partition_name || to_char(lower(gap), '_HH24MISS');
    END IF;
    EXECUTE format(
      'CREATE TABLE @home@.%I (LIKE %s INCLUDING ALL)', partition_name, parent
    );
    EXECUTE format(
      'ALTER TABLE %s ATTACH PARTITION @home@.%I FOR VALUES FROM (%L) TO (%L)',
      parent, partition_name, lower(gap), upper(gap)
    );
    made := made + 1;
  END LOOP;
  RETURN made;
END
$$;

-- What the partitions of a table cover, whatever their widths.
CREATE FUNCTION @home@.httpmon_covered(parent regclass) RETURNS tstzmultirange
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' SET datestyle = 'ISO' AS $$
  SELECT coalesce(range_agg(tstzrange(
    CASE WHEN bound[1] = 'MINVALUE' THEN NULL ELSE trim('''' FROM bound[1])::timestamptz END,
    CASE WHEN bound[2] = 'MAXVALUE' THEN NULL ELSE trim('''' FROM bound[2])::timestamptz END
  )), '{}')
  FROM pg_inherits AS i
  JOIN pg_class AS c ON c.oid = i.inhrelid
  CROSS JOIN regexp_match(
    pg_get_expr(c.relpartbound, c.oid), '^FOR VALUES FROM \((.*)\) TO \((.*)\)$'
  ) AS bound
  WHERE i.inhparent = parent AND NOT i.inhdetachpending AND bound IS NOT NULL
$$;

-- Writers and dumps of before this migration go on with the functions that they know.
CREATE OR REPLACE FUNCTION @home@.httpmon_ensure_partitions(days date[]) RETURNS int4
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' SET datestyle = 'ISO' AS $$
BEGIN
  -- In one order, so that two makers cannot deadlock.
  RETURN @home@.httpmon_ensure_partitions_of('@home@.check_results'::regclass, days)
    + @home@.httpmon_ensure_partitions_of('@home@.evidence'::regclass, days);
END
$$;
CREATE OR REPLACE FUNCTION @home@.httpmon_covered() RETURNS tstzmultirange
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp AS $$
  SELECT @home@.httpmon_covered('@home@.check_results'::regclass)
$$;
$functions$, '@home@', quote_ident(current_schema()));
END
$migration$;
REVOKE ALL ON FUNCTION httpmon_ensure_partitions_of(regclass, date[]) FROM PUBLIC;

-- Who could read or add results can do so with what belongs to them.
DO $$
DECLARE
  given record;
BEGIN
  FOR given IN
    SELECT privilege_type AS privilege,
      CASE grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END AS role
    FROM pg_class, aclexplode(relacl)
    WHERE oid = 'check_results'::regclass AND grantee <> relowner
      AND privilege_type IN ('SELECT', 'INSERT')
  LOOP
    EXECUTE format(
      'GRANT %s ON agent_contexts, tls_handshakes, certificates, site_certificates, evidence TO %s',
      given.privilege, given.role
    );
  END LOOP;
END
$$;
