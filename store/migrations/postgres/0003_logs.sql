-- oldest: 1
-- What the doors refused or passed over, and counts of what happened: as the embedded database has it under the same number. What differs is as in the
-- spine: every key begins with workspace_id, text is compared byte by byte, small numbers are SMALLINT.

CREATE TABLE logs (
  id           BIGINT NOT NULL,
  workspace_id BIGINT NOT NULL,
  request_id   BIGINT NOT NULL,
  at           BIGINT NOT NULL,
  outcome      SMALLINT NOT NULL CHECK (outcome BETWEEN 2 AND 4),
  operation    TEXT COLLATE "C" NOT NULL,
  method       TEXT COLLATE "C" NOT NULL,
  path         TEXT COLLATE "C" NOT NULL,
  http_status  SMALLINT NOT NULL,
  code         TEXT COLLATE "C" NOT NULL,
  message      TEXT COLLATE "C" NOT NULL,
  param        TEXT COLLATE "C" NOT NULL,
  ignored      TEXT COLLATE "C",
  signal_id    BIGINT,
  type         TEXT COLLATE "C" NOT NULL,
  source       TEXT COLLATE "C" NOT NULL,
  domain       TEXT COLLATE "C" NOT NULL,
  email        TEXT COLLATE "C" NOT NULL,
  key_id       BIGINT,
  took_us      BIGINT NOT NULL,
  count        BIGINT NOT NULL CHECK (count > 0),
  PRIMARY KEY (workspace_id, id)
);
CREATE INDEX logs_by_signal ON logs (workspace_id, signal_id) WHERE signal_id IS NOT NULL;
CREATE INDEX logs_by_domain ON logs (workspace_id, domain, id) WHERE domain <> '';
CREATE INDEX logs_by_email ON logs (workspace_id, email) WHERE email <> '';

CREATE TABLE tallies (
  workspace_id BIGINT NOT NULL,
  subject      BIGINT NOT NULL,
  what         SMALLINT NOT NULL,
  at           BIGINT NOT NULL,
  node         SMALLINT NOT NULL,
  n            BIGINT NOT NULL,
  PRIMARY KEY (workspace_id, subject, what, at, node)
) WITH (fillfactor = 50);
