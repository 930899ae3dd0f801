-- Who is told of incidents: the notifications that are owed, how channels fare, what is silenced.

CREATE TABLE notifications (
  id int8 GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  key uuid NOT NULL DEFAULT gen_random_uuid(),
  incident_id int8 NOT NULL,
  channel text NOT NULL,
  event text NOT NULL,
  state text NOT NULL DEFAULT 'pending',
  attempts int4 NOT NULL DEFAULT 0,
  created_at timestamptz NOT NULL DEFAULT now(),
  due_at timestamptz NOT NULL DEFAULT now(),
  first_tried_at timestamptz,
  leased_until timestamptz,
  silence_id int8,
  sent_at timestamptz,
  error text
);
COMMENT ON TABLE notifications IS 'the outbox of alerters: those that are pending are sent, oldest first';
COMMENT ON COLUMN notifications.key IS
  'of the message that it goes in, the same at each try, so that a receiver can tell a repetition; notifications that go in one message share it';
COMMENT ON COLUMN notifications.event IS 'opened, acknowledged, reminder or resolved';
COMMENT ON COLUMN notifications.state IS
  'pending; sent; merged (told with the resolution); failed (given up); withdrawn (nobody needs it any more)';
COMMENT ON COLUMN notifications.due_at IS 'before it nothing is tried';
COMMENT ON COLUMN notifications.leased_until IS 'while a try is under way, when it is given up';
COMMENT ON COLUMN notifications.silence_id IS 'of the silence that held it back last';
COMMENT ON COLUMN notifications.error IS 'of the last try that failed';
CREATE INDEX notifications_pending ON notifications (channel, incident_id, id)
  WHERE state = 'pending';
CREATE INDEX notifications_incident ON notifications (incident_id, channel, id);
CREATE INDEX notifications_key ON notifications (key);

CREATE TABLE channels (
  name text PRIMARY KEY,
  failing_since timestamptz,
  failures int4 NOT NULL DEFAULT 0,
  next_try_at timestamptz,
  error text
);
COMMENT ON TABLE channels IS 'how the channels of alerters fare';
COMMENT ON COLUMN channels.failing_since IS 'of the first try that failed and after which none was taken; null: all is well';
COMMENT ON COLUMN channels.failures IS 'tries in a row that failed, those that were refused for their content not counted';
COMMENT ON COLUMN channels.next_try_at IS 'before it nothing is tried; while tries fail, one at a time is';

CREATE TABLE silences (
  id int8 GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  matchers jsonb NOT NULL CHECK (jsonb_typeof(matchers) = 'array'),
  starts_at timestamptz NOT NULL DEFAULT now(),
  ends_at timestamptz NOT NULL CHECK (ends_at >= starts_at),
  why text NOT NULL,
  created_by text
);
COMMENT ON TABLE silences IS 'when nobody is told of what opens; what opened before is still said to be over';
COMMENT ON COLUMN silences.matchers IS
  'as Alertmanager''s: [{"name", "value", "isRegex", "isEqual"}], all of which must hold; none: everything';
CREATE INDEX silences_ends_at ON silences (ends_at);

-- Tells nobody of incidents that the matchers hold for, until a time. Gives the silence's id.
CREATE FUNCTION httpmon_silence(
  matchers jsonb, until timestamptz, why text, by_whom text DEFAULT NULL, since timestamptz DEFAULT now()
) RETURNS int8
LANGUAGE sql AS $$
  INSERT INTO silences (matchers, starts_at, ends_at, why, created_by)
  VALUES (matchers, since, until, why, by_whom) RETURNING id
$$;

-- Ends a silence now; what it held back is told at once, unless another one holds it. False: it is over,
-- or there is none.
CREATE FUNCTION httpmon_end_silence(silence int8) RETURNS boolean
LANGUAGE sql AS $$
  WITH ended AS (
    UPDATE silences SET ends_at = now(), starts_at = least(starts_at, now())
    WHERE id = silence AND ends_at > now() RETURNING id
  ), told AS (
    UPDATE notifications SET due_at = now()
    WHERE silence_id = silence AND state = 'pending' AND EXISTS (SELECT FROM ended)
  )
  SELECT EXISTS (SELECT FROM ended)
$$;

-- Says that somebody has taken an incident on: it is told to whom it had been told, and nobody is
-- reminded of it any more. False: it is over, was acknowledged before, or there is none.
CREATE FUNCTION httpmon_acknowledge(incident int8, by_whom text DEFAULT NULL) RETURNS boolean
LANGUAGE sql AS $$
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
$$;
