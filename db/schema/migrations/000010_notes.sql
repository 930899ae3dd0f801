-- What people say of incidents.

CREATE TABLE incident_notes (
  id int8 GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  incident_id int8 NOT NULL,
  at timestamptz NOT NULL DEFAULT now(),
  author text,
  is_public boolean NOT NULL,
  text text NOT NULL
);
COMMENT ON COLUMN incident_notes.author IS 'who was logged in; null where nobody has to';
COMMENT ON COLUMN incident_notes.is_public IS 'whether the status page shows it';
CREATE INDEX incident_notes_incident ON incident_notes (incident_id, id);
