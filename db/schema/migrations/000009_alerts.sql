-- What alerters know of sites, and the incidents.

CREATE TABLE site_states (
  site_id int4 PRIMARY KEY,
  level text,
  state jsonb
) WITH (fillfactor = 70);
COMMENT ON TABLE site_states IS 'what alerters know of each site; changed with the offset of what says it';
COMMENT ON COLUMN site_states.level IS 'up, degraded or down; null until the agents have said it once';
COMMENT ON COLUMN site_states.state IS 'the agents'' votes, of alerts/state.ts';

CREATE TABLE incidents (
  id int8 GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  site_id int4 NOT NULL,
  kind text NOT NULL,
  severity text NOT NULL,
  opened_at timestamptz(6) NOT NULL,
  acknowledged_at timestamptz,
  acknowledged_by text,
  closed_at timestamptz(6),
  cause text NOT NULL,
  locations text[] NOT NULL,
  evidence jsonb NOT NULL,
  labels jsonb NOT NULL DEFAULT '{}',
  -- What makes an incident the same one when the topic is read again.
  UNIQUE (site_id, kind, opened_at)
);
COMMENT ON COLUMN incidents.kind IS 'down or degraded';
COMMENT ON COLUMN incidents.severity IS 'critical or warning';
COMMENT ON COLUMN incidents.opened_at IS 'ts of the result that decided it';
COMMENT ON COLUMN incidents.closed_at IS 'ts of the result that decided it; null while it is open';
COMMENT ON COLUMN incidents.locations IS 'from where it was seen: the agents'' locations, or their UUIDs';
COMMENT ON COLUMN incidents.evidence IS
  'what each agent saw: [{"agent", "location", "since", "cause", "seen"}]';
COMMENT ON COLUMN incidents.labels IS 'of the site, when it opened';
CREATE INDEX incidents_open ON incidents (opened_at) WHERE closed_at IS NULL;
