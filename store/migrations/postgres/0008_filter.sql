-- Which of the events that it names a webhook takes (JSON; '': all of them). A program that does not know it sends all of them:
-- set no filter before the last node knows.
-- oldest: 5

ALTER TABLE webhooks ADD COLUMN filter TEXT COLLATE "C" NOT NULL DEFAULT '';
