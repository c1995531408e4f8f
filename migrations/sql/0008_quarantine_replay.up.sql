-- phase: expand
-- transaction: true
-- min_app_version: 0.1.0
-- A bad row can be corrected and replayed: the correction stays and counts whenever the register serves the row again.

ALTER TABLE quarantine
    ADD COLUMN corrected_row jsonb CHECK (jsonb_typeof(corrected_row) = 'object'),
    ADD COLUMN note          text,
    ADD COLUMN replay_job_id bigint;
CREATE INDEX quarantine_corrected ON quarantine (register) WHERE corrected_row IS NOT NULL AND state = 'replayed';
CREATE INDEX quarantine_by_state ON quarantine (state, id DESC);
