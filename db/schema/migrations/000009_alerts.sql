-- What alerters know of sites, the incidents, and the notifications that are owed for them.

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
  closed_at timestamptz(6),
  cause text NOT NULL,
  locations text[] NOT NULL,
  evidence jsonb NOT NULL,
  -- What makes an incident the same one when the topic is read again.
  UNIQUE (site_id, kind, opened_at)
);
COMMENT ON COLUMN incidents.kind IS 'down or degraded';
COMMENT ON COLUMN incidents.severity IS 'critical or warning';
COMMENT ON COLUMN incidents.opened_at IS 'ts of the result that decided it';
COMMENT ON COLUMN incidents.closed_at IS 'ts of the result that decided it; null while it is open';
COMMENT ON COLUMN incidents.locations IS 'from where it was seen: the agents'' locations, or their UUIDs';
COMMENT ON COLUMN incidents.evidence IS 'what each agent saw: [{"agent", "location", "since", "cause"}]';
CREATE INDEX incidents_open ON incidents (opened_at) WHERE closed_at IS NULL;

CREATE TABLE notifications (
  id int8 GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  key uuid NOT NULL UNIQUE DEFAULT gen_random_uuid(),
  incident_id int8 NOT NULL,
  channel text NOT NULL,
  event text NOT NULL,
  state text NOT NULL DEFAULT 'pending',
  attempts int4 NOT NULL DEFAULT 0,
  body text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  due_at timestamptz NOT NULL DEFAULT now(),
  sent_at timestamptz,
  error text
);
COMMENT ON TABLE notifications IS 'the outbox of alerters: those that are pending are sent, oldest first';
COMMENT ON COLUMN notifications.key IS 'the same at each try, so that a receiver can tell a repetition';
COMMENT ON COLUMN notifications.event IS 'opened or resolved';
COMMENT ON COLUMN notifications.state IS
  'pending; sent; failed (given up); withdrawn (over before anybody was told)';
COMMENT ON COLUMN notifications.due_at IS 'of the next try; while one is under way, when it is given up';
COMMENT ON COLUMN notifications.error IS 'of the last try that failed';
CREATE INDEX notifications_pending ON notifications (channel, due_at) WHERE state = 'pending';
CREATE INDEX notifications_incident ON notifications (incident_id, channel, id);
