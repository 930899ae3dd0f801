-- What each role may do, in the database that has the tables: run by who owns the database, after
-- init-schema and again after an upgrade. Make the roles first ("CREATE ROLE httpmon_writer LOGIN
-- PASSWORD '...'"); leave out those that you do not use.

-- owner: runs init-schema, so that the tables are its own. (Before the first one, this alone.)
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT USAGE, CREATE ON SCHEMA public TO httpmon_owner;

-- writer: adds results, and makes partitions by a function that runs with its owner's rights; changes,
-- deletes and drops nothing that is stored.
GRANT USAGE ON SCHEMA public TO httpmon_writer;
GRANT SELECT, INSERT ON agents, sites, contexts, connections, reasons, certificates,
  site_certificates, check_results, evidence, dead_letters TO httpmon_writer;
GRANT UPDATE (last_seen) ON agents, sites, contexts, connections, reasons, certificates,
  site_certificates TO httpmon_writer;
GRANT INSERT ON rollup_marks TO httpmon_writer;
GRANT SELECT, INSERT, UPDATE ON consumer_offsets TO httpmon_writer;
GRANT SELECT ON retention, schema_migrations TO httpmon_writer;
GRANT EXECUTE ON FUNCTION httpmon_ensure_partitions(date[]) TO httpmon_writer;

-- alerter: keeps what it knows of sites, incidents and notifications; adds sites that no writer has
-- stored yet.
GRANT USAGE ON SCHEMA public TO httpmon_alerter;
GRANT SELECT, INSERT, UPDATE ON site_votes, alert_clocks, incidents, notifications, channels,
  consumer_offsets TO httpmon_alerter;
GRANT SELECT ON silences TO httpmon_alerter;
GRANT SELECT, INSERT, UPDATE, DELETE ON alert_events, site_states, agent_states TO httpmon_alerter;
GRANT SELECT, UPDATE ON alert_rounds TO httpmon_alerter;
GRANT SELECT, INSERT ON sites TO httpmon_alerter;
GRANT UPDATE (last_seen) ON sites TO httpmon_alerter;

-- operator: what people do in the dashboard, beside what a reader sees; httpmon silence.
GRANT USAGE ON SCHEMA public TO httpmon_operator;
GRANT SELECT, UPDATE (acknowledged_at, acknowledged_by) ON incidents TO httpmon_operator;
GRANT SELECT, INSERT, UPDATE (due_at) ON notifications TO httpmon_operator;
GRANT SELECT, INSERT, UPDATE ON silences TO httpmon_operator;
GRANT SELECT, INSERT ON incident_notes TO httpmon_operator;
-- To replay dead letters, it stores as a writer does.
GRANT httpmon_writer TO httpmon_operator;
GRANT UPDATE (reason, detail, replayed_at) ON dead_letters TO httpmon_operator;

-- reader: dbdump, report, web. Partitions are read through their table; the last line is for tables
-- of a later version.
GRANT USAGE ON SCHEMA public TO httpmon_reader;
GRANT SELECT ON ALL TABLES IN SCHEMA public TO httpmon_reader;
ALTER DEFAULT PRIVILEGES FOR ROLE httpmon_owner IN SCHEMA public
  GRANT SELECT ON TABLES TO httpmon_reader;

-- maintainer: only a table's owner can detach its partitions.
GRANT httpmon_owner TO httpmon_maintainer;
