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
