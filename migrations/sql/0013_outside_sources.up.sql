-- phase: expand
-- transaction: true
-- min_app_version: 0.1.0
-- Outside sources of signals: whether each can be asked, and when each was asked last about each prospect.

ALTER TABLE data_sources
    ADD COLUMN configured boolean NOT NULL DEFAULT true,
    ADD COLUMN note       text;

-- Narrow and apart from prospect_work, whose rows every change writes. checked_at: a source's name -> when it last
-- answered; asked_at: when any was last asked, so that one that keeps failing holds up no other prospect.
CREATE TABLE prospect_sources (
    prospect_id uuid PRIMARY KEY REFERENCES prospects (id) ON DELETE CASCADE,
    checked_at  jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(checked_at) = 'object'),
    asked_at    timestamptz
);
