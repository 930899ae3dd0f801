-- What alerters know of sites, and the incidents.

-- First the votes, partition by partition and side by side, each batch in a transaction with its offset.
-- What they make known is in alert_events. It is taken from there in the order of its time, by one alerter
-- at a time, as soon as all partitions are read that far: so what concerns several sites comes out the
-- same, whoever read which partition when. Times here are milliseconds since 1970 by the broker's clock.

CREATE TABLE site_votes (
  site_id int4 PRIMARY KEY,
  votes jsonb,
  passes_at int8
) WITH (fillfactor = 70);
COMMENT ON TABLE site_votes IS 'what the agents say of each site; changed with the offset of what says it';
COMMENT ON COLUMN site_votes.votes IS 'of alerts/state/votes.ts';
COMMENT ON COLUMN site_votes.passes_at IS 'when votes may be over; null while nobody votes';
CREATE INDEX site_votes_passes_at ON site_votes (passes_at);

CREATE TABLE alert_clocks (
  cluster_id text NOT NULL,
  topic text NOT NULL,
  partition int4 NOT NULL,
  at int8 NOT NULL,
  moved_at timestamptz NOT NULL DEFAULT now(),
  agents jsonb NOT NULL DEFAULT '{}',
  PRIMARY KEY (cluster_id, topic, partition)
) WITH (fillfactor = 50);
COMMENT ON TABLE alert_clocks IS 'how far alerters have read each partition, in time';
COMMENT ON COLUMN alert_clocks.agents IS 'when each agent was heard last, as others were told';

CREATE TABLE alert_events (
  at int8 NOT NULL,
  kind text NOT NULL,
  site_id int4 NOT NULL,
  agent uuid NOT NULL,
  ts int8 NOT NULL,
  detail jsonb,
  PRIMARY KEY (at, kind, site_id, agent, ts)
);
COMMENT ON TABLE alert_events IS 'what votes made known and nobody has taken yet; AlertEvent of alerts/state/view.ts';

CREATE TABLE alert_rounds (
  is_only boolean PRIMARY KEY DEFAULT true CHECK (is_only),
  round int8 NOT NULL DEFAULT 0,
  held_at timestamptz NOT NULL DEFAULT '-infinity',
  now int8 NOT NULL DEFAULT 0,
  reached int8 NOT NULL DEFAULT 0,
  spells jsonb NOT NULL DEFAULT '[]'
) WITH (fillfactor = 10);
COMMENT ON TABLE alert_rounds IS 'the alerter that takes events counts its rounds here; silent for seconds, it is replaced';
COMMENT ON COLUMN alert_rounds.now IS 'up to when all is decided';
COMMENT ON COLUMN alert_rounds.reached IS 'when the topic was reached last';
COMMENT ON COLUMN alert_rounds.spells IS 'from when until when it was out of reach';
INSERT INTO alert_rounds DEFAULT VALUES;

CREATE TABLE site_states (
  site_id int4 PRIMARY KEY,
  level text GENERATED ALWAYS AS (state ->> 'level') STORED,
  state jsonb NOT NULL
) WITH (fillfactor = 70);
COMMENT ON TABLE site_states IS 'what alerters make of each site';
COMMENT ON COLUMN site_states.level IS
  'up, degraded, down or unobserved; null until the agents have said it once';
COMMENT ON COLUMN site_states.state IS 'of alerts/state/site.ts';

CREATE TABLE agent_states (
  agent uuid PRIMARY KEY,
  state jsonb NOT NULL
) WITH (fillfactor = 70);
COMMENT ON TABLE agent_states IS 'what alerters make of each agent';
COMMENT ON COLUMN agent_states.state IS 'of alerts/state/agent.ts';

CREATE TABLE incidents (
  id int8 GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  site_id int4,
  agent uuid,
  channel text,
  subject text GENERATED ALWAYS AS (coalesce(site_id::text, agent::text, channel)) STORED,
  kind text NOT NULL,
  severity text NOT NULL,
  opened_at timestamptz(6) NOT NULL,
  acknowledged_at timestamptz,
  acknowledged_by text,
  closed_at timestamptz(6),
  cause text NOT NULL,
  locations text[] NOT NULL,
  evidence jsonb NOT NULL,
  flapping boolean NOT NULL DEFAULT false,
  labels jsonb NOT NULL DEFAULT '{}',
  CHECK (num_nonnulls(site_id, agent, channel) <= 1)
);
COMMENT ON COLUMN incidents.site_id IS 'null: it is no site''s';
COMMENT ON COLUMN incidents.agent IS 'of which it is; null: of none';
COMMENT ON COLUMN incidents.channel IS 'of which it is; null: of none';
COMMENT ON COLUMN incidents.subject IS 'one of these three';
COMMENT ON COLUMN incidents.kind IS
  'down, degraded, unobserved, slo_fast, slo_slow; of an agent: agent_silent, agent_network; of a channel: channel_failed';
COMMENT ON COLUMN incidents.severity IS 'critical or warning';
COMMENT ON COLUMN incidents.opened_at IS
  'ts of the result that decided it; where time decided, the broker''s time of it';
COMMENT ON COLUMN incidents.closed_at IS 'the same; null while it is open';
COMMENT ON COLUMN incidents.locations IS 'from where it was seen: the agents'' locations, or their UUIDs';
COMMENT ON COLUMN incidents.evidence IS
  'what each agent saw: [{"agent", "location", "since", "cause", "seen"}]';
COMMENT ON COLUMN incidents.labels IS 'of the site, when it opened';
COMMENT ON COLUMN incidents.flapping IS 'whether it goes up and down too often to be told of';
-- What makes an incident the same one when the topic is read again.
CREATE UNIQUE INDEX incidents_subject ON incidents (subject, kind, opened_at);
CREATE UNIQUE INDEX incidents_channel ON incidents (channel) WHERE closed_at IS NULL;
CREATE INDEX incidents_site ON incidents (site_id);
CREATE INDEX incidents_open ON incidents (opened_at) WHERE closed_at IS NULL;

-- What is left of the due times that a site may miss in the 30 days before `until`: 1 is all, 0 none,
-- below 0 it has missed its objective by so much.
CREATE FUNCTION httpmon_error_budget(site text, slo float8, until timestamptz DEFAULT now())
RETURNS float8
LANGUAGE sql STABLE AS $$
  SELECT 1 - (1 - httpmon_uptime(site, until - interval '30 days', until)) / (1 - slo / 100);
$$;
COMMENT ON FUNCTION httpmon_error_budget(text, float8, timestamptz) IS
  'of an objective in percent over 30 days: 1 is all of it, 0 none; null where nothing counts';
