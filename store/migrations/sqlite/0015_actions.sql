-- What an automation sends: where it goes (JSON), and the webhooks that it goes through, one for each automation that sends something. The index finds the
-- requests whose headers are sealed when they are sealed anew. A program that does not know them would send such a delivery nowhere, and show these webhooks
-- among the others.
-- oldest: 15

ALTER TABLE events ADD COLUMN request TEXT;
CREATE INDEX events_with_request ON events (workspace_id, id) WHERE request IS NOT NULL;

ALTER TABLE webhooks RENAME TO webhooks_before;
CREATE TABLE webhooks (
  id                  INTEGER PRIMARY KEY,
  workspace_id        INTEGER NOT NULL,
  kind                TEXT NOT NULL CHECK (kind IN ('push', 'pull', 'action')),
  url                 TEXT NOT NULL,
  events              TEXT NOT NULL,
  label               TEXT NOT NULL,
  description         TEXT NOT NULL,
  format              TEXT NOT NULL,
  signature_format    TEXT NOT NULL,
  sealed_secret       BLOB,
  sealed_headers      BLOB,
  header_names        TEXT,
  max_in_flight       INTEGER NOT NULL,
  enabled             INTEGER NOT NULL CHECK (enabled IN (0, 1)),
  disabled_reason     TEXT NOT NULL,
  temporary           INTEGER NOT NULL CHECK (temporary IN (0, 1)),
  last_read_at        INTEGER,
  revision            INTEGER NOT NULL,
  created_at          INTEGER NOT NULL,
  updated_at          INTEGER NOT NULL,
  deleted_at          INTEGER,
  retry_schedule      TEXT NOT NULL DEFAULT '',
  rate_per_second     INTEGER NOT NULL DEFAULT 0,
  sealed_previous     BLOB,
  previous_until      INTEGER,
  vendor_previous     INTEGER NOT NULL DEFAULT 0 CHECK (vendor_previous IN (0, 1)),
  sealed_key          BLOB,
  sealed_previous_key BLOB,
  public_key          TEXT NOT NULL DEFAULT '',
  filter              TEXT NOT NULL DEFAULT ''
);
INSERT INTO webhooks
SELECT id, workspace_id, kind, url, events, label, description, format, signature_format, sealed_secret, sealed_headers, header_names, max_in_flight,
       enabled, disabled_reason, temporary, last_read_at, revision, created_at, updated_at, deleted_at, retry_schedule, rate_per_second, sealed_previous,
       previous_until, vendor_previous, sealed_key, sealed_previous_key, public_key, filter
  FROM webhooks_before;
DROP TABLE webhooks_before;
CREATE INDEX webhooks_by_workspace ON webhooks (workspace_id, id) WHERE deleted_at IS NULL;
