-- How a webhook is sent to: its own waits between attempts (a JSON array of seconds; '': the server's), and how many requests it gets in a second (0: as
-- many as it takes); and the secret before the present one, which signs beside it until a moment. A program that does not know them sends by its own schedule and without that bound.
-- oldest: 4

ALTER TABLE webhooks ADD COLUMN retry_schedule TEXT NOT NULL DEFAULT '';
ALTER TABLE webhooks ADD COLUMN rate_per_second INTEGER NOT NULL DEFAULT 0;
ALTER TABLE webhooks ADD COLUMN sealed_previous BLOB;
ALTER TABLE webhooks ADD COLUMN previous_until INTEGER;
ALTER TABLE webhooks ADD COLUMN vendor_previous INTEGER NOT NULL DEFAULT 0 CHECK (vendor_previous IN (0, 1));
