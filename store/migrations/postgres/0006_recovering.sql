-- What a job was asked to do beside its subject (JSON; '': nothing), and before when it does nothing more: a recovery is told what to send again, and how fast.
-- A delivery that a recovery made of an old event has a number far from its event's: it is found here.
-- How a webhook fares: since when every attempt has failed, once that has been told; what is to be told of webhooks and deliveries, until it has been; the mails that are to be sent; and
-- when each count was last added to, so that it is known when a receiver last said yes.
-- A program that knows none of this ends such jobs as failed, and tells nothing.
-- oldest: 5

ALTER TABLE jobs ADD COLUMN params TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE jobs ADD COLUMN resume_at BIGINT;

CREATE TABLE recovered (
  workspace_id BIGINT NOT NULL,
  event_id     BIGINT NOT NULL,
  webhook_id   BIGINT NOT NULL,
  delivery_id  BIGINT NOT NULL,
  PRIMARY KEY (workspace_id, event_id, webhook_id)
);

CREATE TABLE failing (
  workspace_id BIGINT NOT NULL,
  webhook_id   BIGINT NOT NULL,
  since        BIGINT NOT NULL,
  PRIMARY KEY (workspace_id, webhook_id)
);

CREATE TABLE notices (
  workspace_id BIGINT NOT NULL,
  kind         SMALLINT NOT NULL CHECK (kind BETWEEN 1 AND 4),
  subject      BIGINT NOT NULL,
  webhook_id   BIGINT NOT NULL,
  reason       TEXT COLLATE "C" NOT NULL,
  since        BIGINT,
  at           BIGINT NOT NULL,
  PRIMARY KEY (workspace_id, kind, subject)
);

CREATE TABLE mails (
  id           BIGINT NOT NULL,
  workspace_id BIGINT NOT NULL,
  recipient    TEXT COLLATE "C" NOT NULL,
  subject      TEXT COLLATE "C" NOT NULL,
  body         TEXT COLLATE "C" NOT NULL,
  attempts     BIGINT NOT NULL,
  created_at   BIGINT NOT NULL,
  PRIMARY KEY (workspace_id, id)
);

ALTER TABLE tallies ADD COLUMN last BIGINT NOT NULL DEFAULT 0;
