-- phase: expand
-- transaction: true
-- min_app_version: 0.1.0
-- The job ledger: this table is the truth about work, Kafka only wakes workers.

CREATE TABLE jobs (
    id                bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    queue             text NOT NULL CHECK (queue ~ '^[a-z][a-z_]{0,39}$'),
    kind              text NOT NULL CHECK (kind ~ '^[a-z][a-z_.]{0,59}$'),
    args              jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(args) = 'object'),
    state             text NOT NULL DEFAULT 'queued'
                      CHECK (state IN ('queued', 'running', 'retryable', 'succeeded', 'dead', 'cancelled')),
    priority          smallint NOT NULL DEFAULT 100,
    run_at            timestamptz NOT NULL DEFAULT now(),
    attempt           integer NOT NULL DEFAULT 0 CHECK (attempt >= 0),
    max_attempts      integer NOT NULL DEFAULT 3 CHECK (max_attempts > 0),
    fence             bigint NOT NULL DEFAULT 0,
    worker            text,
    lease_until       timestamptz,
    awaiting_children boolean NOT NULL DEFAULT false,
    parent_id         bigint REFERENCES jobs (id) ON DELETE CASCADE,
    dedupe_key        text,
    serial_key        text,
    progress          jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(progress) = 'object'),
    result            jsonb,
    error             jsonb,
    request_id        text,
    created_by        text,
    created_at        timestamptz NOT NULL DEFAULT now(),
    started_at        timestamptz,
    finished_at       timestamptz,
    CONSTRAINT jobs_lease_while_running
        CHECK ((state = 'running' AND NOT awaiting_children) = (lease_until IS NOT NULL)),
    CONSTRAINT jobs_waiting_parent_is_running CHECK (state = 'running' OR NOT awaiting_children),
    CONSTRAINT jobs_finished_when_final
        CHECK ((state IN ('succeeded', 'dead', 'cancelled')) = (finished_at IS NOT NULL)),
    CONSTRAINT jobs_dead_says_why CHECK (state <> 'dead' OR error IS NOT NULL)
);
-- Workers claim by queue in order of priority and due time.
CREATE INDEX jobs_claim ON jobs (queue, priority, run_at, id) WHERE state IN ('queued', 'retryable');
CREATE UNIQUE INDEX jobs_live_dedupe ON jobs (dedupe_key)
    WHERE dedupe_key IS NOT NULL AND state IN ('queued', 'running', 'retryable');
CREATE UNIQUE INDEX jobs_running_serial ON jobs (serial_key)
    WHERE serial_key IS NOT NULL AND state = 'running';
CREATE INDEX jobs_expired_lease ON jobs (lease_until) WHERE state = 'running' AND lease_until IS NOT NULL;
CREATE INDEX jobs_children ON jobs (parent_id, state) WHERE parent_id IS NOT NULL;
CREATE INDEX jobs_waiting_parents ON jobs (id) WHERE awaiting_children;
CREATE INDEX jobs_by_kind ON jobs (kind, id DESC);
CREATE INDEX jobs_by_state ON jobs (state, id DESC);
CREATE INDEX jobs_finished ON jobs (finished_at) WHERE finished_at IS NOT NULL;

CREATE TABLE schedules (
    name          text PRIMARY KEY,
    kind          text NOT NULL,
    queue         text NOT NULL,
    args          jsonb NOT NULL DEFAULT '{}',
    cron          text NOT NULL,
    timezone      text NOT NULL DEFAULT 'UTC',
    missed_policy text NOT NULL DEFAULT 'run_once' CHECK (missed_policy IN ('skip', 'run_once', 'run_all')),
    enabled       boolean NOT NULL DEFAULT true,
    next_run_at   timestamptz,
    last_run_at   timestamptz,
    last_job_id   bigint,
    created_at    timestamptz NOT NULL DEFAULT now(),
    updated_at    timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX schedules_due ON schedules (next_run_at) WHERE enabled;

-- Change messages are written with the change and published by the relay: a crash between the two loses nothing.
CREATE TABLE outbox (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    topic      text NOT NULL,
    key        text,
    payload    jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE idempotency_keys (
    owner           text NOT NULL,
    key             text NOT NULL CHECK (length(key) BETWEEN 1 AND 255),
    route           text NOT NULL,
    request_hash    bytea NOT NULL,
    response_status integer,
    response_body   bytea,
    response_headers jsonb,
    created_at      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (owner, key)
);
CREATE INDEX idempotency_keys_age ON idempotency_keys (created_at);
