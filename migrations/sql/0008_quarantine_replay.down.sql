DROP INDEX quarantine_by_state, quarantine_corrected;
ALTER TABLE quarantine DROP COLUMN replay_job_id, DROP COLUMN note, DROP COLUMN corrected_row;
