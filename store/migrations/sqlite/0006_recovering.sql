-- What a job was asked to do beside its subject (JSON; '': nothing), and before when it does nothing more: a recovery is told what to send again, and how fast.
-- A delivery that a recovery made of an old event has a number far from its event's: it is found here.
-- How a webhook fares: since when every attempt has failed, once that has been told; what is to be told of webhooks and deliveries, until it has been; the mails that are to be sent; and
-- when each count was last added to, so that it is known when a receiver last said yes.
-- A program that knows none of this ends such jobs as failed, and tells nothing.
-- oldest: 5

ALTER TABLE jobs ADD COLUMN params TEXT NOT NULL DEFAULT '';
ALTER TABLE jobs ADD COLUMN resume_at INTEGER;

CREATE TABLE recovered (
  workspace_id INTEGER NOT NULL,
  event_id     INTEGER NOT NULL,
  webhook_id   INTEGER NOT NULL,
  delivery_id  INTEGER NOT NULL,
  PRIMARY KEY (workspace_id, event_id, webhook_id)
) WITHOUT ROWID;

CREATE TABLE failing (
  workspace_id INTEGER NOT NULL,
  webhook_id   INTEGER NOT NULL,
  since        INTEGER NOT NULL,
  PRIMARY KEY (workspace_id, webhook_id)
) WITHOUT ROWID;

CREATE TABLE notices (
  workspace_id INTEGER NOT NULL,
  kind         INTEGER NOT NULL CHECK (kind BETWEEN 1 AND 4),
  subject      INTEGER NOT NULL,
  webhook_id   INTEGER NOT NULL,
  reason       TEXT NOT NULL,
  since        INTEGER,
  at           INTEGER NOT NULL,
  PRIMARY KEY (workspace_id, kind, subject)
) WITHOUT ROWID;

CREATE TABLE mails (
  id           INTEGER PRIMARY KEY,
  workspace_id INTEGER NOT NULL,
  recipient    TEXT NOT NULL,
  subject      TEXT NOT NULL,
  body         TEXT NOT NULL,
  attempts     INTEGER NOT NULL,
  created_at   INTEGER NOT NULL
);

ALTER TABLE tallies ADD COLUMN last INTEGER NOT NULL DEFAULT 0;
