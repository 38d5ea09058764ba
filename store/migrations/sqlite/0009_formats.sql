-- An event's bytes in the format of the product that it is known from: stackone or staircase. A program that does not know them finds no bytes for the
-- webhooks of these formats: make none before the last node knows.
-- oldest: 5

ALTER TABLE events ADD COLUMN vendor TEXT;
