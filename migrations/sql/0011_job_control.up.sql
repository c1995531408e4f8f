-- phase: expand
-- transaction: true
-- min_app_version: 0.1.0
-- What a person may do to work: pause and limit queues, cancel what runs, replay what is dead, read what happened.

ALTER TABLE jobs
    ADD COLUMN version             smallint NOT NULL DEFAULT 1 CHECK (version > 0),
    ADD COLUMN claimed_at          timestamptz,
    ADD COLUMN cancel_requested_at timestamptz,
    ADD COLUMN replay_of           bigint,
    ADD COLUMN replaced_by         bigint;
-- Also counts what runs of a queue, for its limit.
CREATE INDEX jobs_held ON jobs (queue, lease_until) WHERE state = 'running' AND lease_until IS NOT NULL;
DROP INDEX jobs_expired_lease;

-- A queue without a row has no limits and is not paused. Limits count over all workers.
CREATE TABLE queues (
    name        text PRIMARY KEY CHECK (name ~ '^[a-z][a-z_]{0,39}$'),
    paused_at   timestamptz,
    paused_by   text,
    reason      text,
    concurrency integer CHECK (concurrency > 0),
    rate        double precision CHECK (rate > 0),
    tokens      double precision NOT NULL DEFAULT 0,
    refilled_at timestamptz NOT NULL DEFAULT now(),
    updated_at  timestamptz NOT NULL DEFAULT now()
);

-- Attempts that did not succeed; the one that did is the job's own row. They stay when the job starts over.
CREATE TABLE job_attempts (
    job_id     bigint NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    fence      bigint NOT NULL,
    attempt    integer NOT NULL,
    outcome    text NOT NULL CHECK (outcome IN ('retryable', 'dead', 'cancelled')),
    worker     text,
    started_at timestamptz,
    ended_at   timestamptz NOT NULL DEFAULT now(),
    error      jsonb,
    PRIMARY KEY (job_id, fence)
);

CREATE TABLE job_logs (
    job_id  bigint NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    line    integer NOT NULL,
    at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    attempt integer NOT NULL,
    level   text NOT NULL CHECK (level IN ('info', 'warning', 'error')),
    message text NOT NULL CHECK (length(message) <= 2000),
    PRIMARY KEY (job_id, line)
);

-- after_kind: runs as well whenever a job of that kind has succeeded; after_seen_at is the last one that counted.
ALTER TABLE schedules
    ADD COLUMN after_kind    text,
    ADD COLUMN after_seen_at timestamptz,
    ADD COLUMN problem       text;

-- job_id is null where a missed run was skipped.
CREATE TABLE schedule_runs (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    schedule   text NOT NULL REFERENCES schedules (name) ON DELETE CASCADE,
    cause      text NOT NULL CHECK (cause IN ('due', 'missed', 'after', 'hand')),
    due_at     timestamptz NOT NULL,
    job_id     bigint,
    created_by text,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX schedule_runs_by_schedule ON schedule_runs (schedule, id DESC);
CREATE INDEX schedule_runs_age ON schedule_runs (created_at);
