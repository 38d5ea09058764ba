-- oldest: 1
-- What the doors refused or passed over, and counts of what happened.

-- A signal that was taken whole is its own row of the log: here are those that were refused, that repeated an earlier one, or that had fields nobody
-- knows; such a row has the id of its signal. Outcomes: 2 duplicate, 3 refused, 4 ignored fields. count says how many requests a row stands for:
-- in a flood one stands for many.
CREATE TABLE logs (
  id           INTEGER PRIMARY KEY,
  workspace_id INTEGER NOT NULL,
  request_id   INTEGER NOT NULL,
  at           INTEGER NOT NULL,
  outcome      INTEGER NOT NULL CHECK (outcome BETWEEN 2 AND 4),
  operation    TEXT NOT NULL,
  method       TEXT NOT NULL,
  path         TEXT NOT NULL,
  http_status  INTEGER NOT NULL,
  code         TEXT NOT NULL,
  message      TEXT NOT NULL,
  param        TEXT NOT NULL,
  ignored      TEXT,
  signal_id    INTEGER,
  type         TEXT NOT NULL,
  source       TEXT NOT NULL,
  domain       TEXT NOT NULL,
  email        TEXT NOT NULL,
  key_id       INTEGER,
  took_us      INTEGER NOT NULL,
  count        INTEGER NOT NULL CHECK (count > 0)
);
CREATE INDEX logs_by_workspace ON logs (workspace_id, id);
CREATE INDEX logs_by_signal ON logs (workspace_id, signal_id) WHERE signal_id IS NOT NULL;
-- The refused signals that name a company, or a person: erasing finds them by it.
CREATE INDEX logs_by_domain ON logs (workspace_id, domain, id) WHERE domain <> '';
CREATE INDEX logs_by_email ON logs (workspace_id, email) WHERE email <> '';

-- How often something happened: at is in minutes since 1970, whole hours for a webhook (subject), minutes for the whole workspace (subject 0). What
-- is counted: 1 signals taken, 2 deliveries delivered, 3 deliveries that failed for good, 4 attempts that failed, and from 100 on answers by how long
-- they took (health.go). node is who counted, so that nodes do not wait for each other.
CREATE TABLE tallies (
  workspace_id INTEGER NOT NULL,
  subject      INTEGER NOT NULL,
  what         INTEGER NOT NULL,
  at           INTEGER NOT NULL,
  node         INTEGER NOT NULL,
  n            INTEGER NOT NULL,
  PRIMARY KEY (workspace_id, subject, what, at, node)
) WITHOUT ROWID;
