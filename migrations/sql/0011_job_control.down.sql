DROP TABLE schedule_runs, job_logs, job_attempts, queues;
ALTER TABLE schedules DROP COLUMN after_kind, DROP COLUMN after_seen_at, DROP COLUMN problem;
CREATE INDEX jobs_expired_lease ON jobs (lease_until) WHERE state = 'running' AND lease_until IS NOT NULL;
DROP INDEX jobs_held;
ALTER TABLE jobs DROP COLUMN version, DROP COLUMN claimed_at, DROP COLUMN cancel_requested_at,
    DROP COLUMN replay_of, DROP COLUMN replaced_by;
