-- What an automation sends: where it goes (JSON), and the webhooks that it goes through, one for each automation that sends something. The index finds the
-- requests whose headers are sealed when they are sealed anew. A program that does not know them would send such a delivery nowhere, and show these webhooks
-- among the others.
-- oldest: 15

ALTER TABLE events ADD COLUMN request TEXT COLLATE "C";
CREATE INDEX events_with_request ON events (workspace_id, id) WHERE request IS NOT NULL;

ALTER TABLE webhooks DROP CONSTRAINT webhooks_kind_check;
ALTER TABLE webhooks ADD CONSTRAINT webhooks_kind_check CHECK (kind IN ('push', 'pull', 'action'));
