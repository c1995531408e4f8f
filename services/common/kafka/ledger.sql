-- Transitions of a job, each one statement whose WHERE is its guard: only the holder of the last
-- `fence` of a running job may move it. A row that does not match was taken by another.

-- name: jobs_claim
-- Of one serial_key only the first is taken, and none while one runs; a collision of two workers
-- fails on the unique index jobs_running_serial and is tried again. A queue that is paused or has
-- limits gives nothing, unless $5 says that these were looked at (queue_allowance).
WITH due AS MATERIALIZED (
    SELECT id, serial_key, priority, run_at
    FROM jobs
    WHERE queue = $1 AND state IN ('queued', 'retryable') AND run_at <= now()
      AND ($5::boolean OR NOT EXISTS (
          SELECT FROM queues
          WHERE name = $1 AND (paused_at IS NOT NULL OR concurrency IS NOT NULL OR rate IS NOT NULL)
      ))
      AND (serial_key IS NULL OR NOT EXISTS (
          SELECT FROM jobs AS other WHERE other.serial_key = jobs.serial_key AND other.state = 'running'
      ))
    ORDER BY priority, run_at, id
    LIMIT $2
    FOR NO KEY UPDATE SKIP LOCKED
),
ranked AS (
    SELECT id, serial_key,
           row_number() OVER (PARTITION BY serial_key ORDER BY priority, run_at, id) AS place
    FROM due
)
UPDATE jobs
SET state = 'running', attempt = attempt + 1, fence = fence + 1, worker = $3,
    lease_until = now() + make_interval(secs => $4), claimed_at = now(),
    started_at = coalesce(started_at, now())
FROM ranked
WHERE jobs.id = ranked.id AND (ranked.serial_key IS NULL OR ranked.place = 1)
RETURNING jobs.id, kind, queue, args, attempt, max_attempts, parent_id, progress, fence, request_id,
    version, extract(epoch FROM now() - jobs.run_at)::float AS wait_s,
    (SELECT jsonb_object_agg(state, number) FROM (
        SELECT child.state, count(*) AS number FROM jobs AS child
        WHERE child.parent_id = jobs.id AND child.replaced_by IS NULL GROUP BY child.state
    ) AS states) AS children,
    parent_id IS NOT NULL AND EXISTS (
        SELECT FROM jobs AS parent
        WHERE parent.id = jobs.parent_id AND parent.state = 'cancelled'
          AND parent.finished_at < jobs.created_at
    ) AS orphaned;

-- name: queue_allowance
-- Locks a queue that has limits and is not paused: whoever claims of it goes one after the other.
-- A rate is a bucket that holds a second's worth, at least one job.
UPDATE queues
SET tokens = least(greatest(rate, 1),
                   tokens + rate * extract(epoch FROM clock_timestamp() - refilled_at)::float),
    refilled_at = clock_timestamp()
WHERE name = $1 AND paused_at IS NULL AND (concurrency IS NOT NULL OR rate IS NOT NULL)
RETURNING concurrency, CASE WHEN rate IS NOT NULL THEN floor(tokens)::integer END AS tokens;

-- name: queue_running
-- A statement of its own after the lock: it sees what the others have claimed.
SELECT count(*)::integer FROM jobs WHERE queue = $1 AND state = 'running' AND lease_until IS NOT NULL;

-- name: queue_spend
UPDATE queues SET tokens = tokens - $2::integer WHERE name = $1;

-- name: jobs_heartbeat
-- Answers which jobs are still held. A row locked by its own handler's transaction is skipped:
-- it must not hold up the others, and nobody can take it meanwhile.
WITH held AS (
    SELECT id, fence FROM unnest($1::bigint[], $2::bigint[]) AS held (id, fence)
),
free AS MATERIALIZED (
    SELECT id FROM jobs JOIN held USING (id, fence)
    WHERE state = 'running' AND NOT awaiting_children
    FOR NO KEY UPDATE OF jobs SKIP LOCKED
),
extended AS (
    UPDATE jobs SET lease_until = clock_timestamp() + make_interval(secs => $3)
    FROM free WHERE jobs.id = free.id
    RETURNING jobs.id
)
SELECT id, fence, extended.id IS NOT NULL AS extended
FROM jobs JOIN held USING (id, fence) LEFT JOIN extended USING (id)
WHERE state = 'running' AND NOT awaiting_children;

-- name: jobs_cancel_asked
SELECT jobs.id, jobs.fence FROM jobs
JOIN unnest($1::bigint[], $2::bigint[]) AS held (id, fence) USING (id, fence)
WHERE cancel_requested_at IS NOT NULL;

-- name: job_retry
-- Of a job that is to be cancelled the failure is the end. The attempt is kept, whatever follows.
WITH moved AS (
    UPDATE jobs
    SET state = CASE WHEN cancel_requested_at IS NULL THEN 'retryable' ELSE 'cancelled' END,
        finished_at = CASE WHEN cancel_requested_at IS NULL THEN NULL ELSE now() END,
        run_at = now() + make_interval(secs => $3), error = $4, lease_until = NULL
    WHERE id = $1 AND fence = $2 AND state = 'running' AND NOT awaiting_children
    RETURNING id, fence, attempt, state, worker, claimed_at, error
),
kept AS (
    INSERT INTO job_attempts (job_id, fence, attempt, outcome, worker, started_at, error)
    SELECT id, fence, attempt, state, worker, claimed_at, error FROM moved
)
SELECT state FROM moved;

-- name: job_die
WITH moved AS (
    UPDATE jobs SET state = 'dead', error = $3, lease_until = NULL, finished_at = now()
    WHERE id = $1 AND fence = $2 AND state = 'running' AND NOT awaiting_children
    RETURNING id, fence, attempt, state, worker, claimed_at, error
),
kept AS (
    INSERT INTO job_attempts (job_id, fence, attempt, outcome, worker, started_at, error)
    SELECT id, fence, attempt, state, worker, claimed_at, error FROM moved
)
SELECT state FROM moved;

-- name: job_cancelled
-- The end of a running job that a person cancelled, or whose parent a person has cancelled ($3).
WITH moved AS (
    UPDATE jobs SET state = 'cancelled', lease_until = NULL, finished_at = now()
    WHERE id = $1 AND fence = $2 AND state = 'running' AND NOT awaiting_children
      AND ($3::boolean OR cancel_requested_at IS NOT NULL)
    RETURNING id, fence, attempt, state, worker, claimed_at
),
kept AS (
    INSERT INTO job_attempts (job_id, fence, attempt, outcome, worker, started_at)
    SELECT id, fence, attempt, state, worker, claimed_at FROM moved
)
SELECT state FROM moved;

-- name: job_snooze
UPDATE jobs
SET state = CASE WHEN cancel_requested_at IS NULL THEN 'queued' ELSE 'cancelled' END,
    finished_at = CASE WHEN cancel_requested_at IS NULL THEN NULL ELSE now() END,
    attempt = CASE WHEN cancel_requested_at IS NULL THEN attempt - 1 ELSE attempt END,
    run_at = now() + make_interval(secs => $3), progress = progress || $4, lease_until = NULL
WHERE id = $1 AND fence = $2 AND state = 'running' AND NOT awaiting_children
RETURNING CASE state WHEN 'queued' THEN 'snoozed' ELSE state END;

-- name: job_await_children
UPDATE jobs
SET awaiting_children = true, progress = progress || $3, lease_until = NULL, worker = NULL
WHERE id = $1 AND fence = $2 AND state = 'running' AND NOT awaiting_children
  AND cancel_requested_at IS NULL
  AND EXISTS (
      SELECT FROM jobs AS child
      WHERE child.parent_id = jobs.id AND child.state IN ('queued', 'running', 'retryable')
  )
RETURNING 'waiting';

-- name: jobs_release
WITH released AS (
    UPDATE jobs
    SET state = CASE WHEN cancel_requested_at IS NULL THEN 'queued' ELSE 'cancelled' END,
        finished_at = CASE WHEN cancel_requested_at IS NULL THEN NULL ELSE now() END,
        attempt = attempt - 1, lease_until = NULL, worker = NULL
    FROM unnest($1::bigint[], $2::bigint[]) AS held (id, fence)
    WHERE jobs.id = held.id AND jobs.fence = held.fence AND state = 'running' AND NOT awaiting_children
    RETURNING queue
)
SELECT pg_notify('ucc_jobs', queue) FROM (SELECT DISTINCT queue FROM released) AS queues;

-- name: parents_settle
-- Of the given parents (NULL: of all) those whose last child is final go back to the queue, with
-- the sums of their children's counters. Run after the child's own commit: whoever comes last sees
-- all of them final, and a doubled run finds no row.
WITH settled AS (
    UPDATE jobs AS parent
    SET state = 'queued', awaiting_children = false, attempt = attempt - 1,
        progress = progress || coalesce((
            SELECT jsonb_object_agg(key, total) FROM (
                SELECT key, sum(value::numeric) AS total
                FROM jobs AS child, jsonb_each(child.progress || coalesce(child.result, '{}'))
                WHERE child.parent_id = parent.id AND child.replaced_by IS NULL
                  AND jsonb_typeof(value) = 'number'
                GROUP BY key
            ) AS sums
        ), '{}')
    WHERE awaiting_children AND ($1::bigint[] IS NULL OR id = ANY ($1))
      AND NOT EXISTS (
          SELECT FROM jobs AS child
          WHERE child.parent_id = parent.id AND child.state IN ('queued', 'running', 'retryable')
      )
    RETURNING id, queue
),
notified AS MATERIALIZED (
    SELECT count(*) FROM (
        SELECT pg_notify('ucc_jobs', queue) FROM (SELECT DISTINCT queue FROM settled) AS queues
    ) AS sent
)
SELECT id FROM settled CROSS JOIN notified;

-- name: children_failed
SELECT id, state, kind, error ->> 'class' AS error_class, error ->> 'message' AS message,
       count(*) OVER () AS failed,
       (SELECT count(*) FROM jobs AS child WHERE child.parent_id = $1 AND child.replaced_by IS NULL) AS children
FROM jobs
WHERE parent_id = $1 AND state IN ('dead', 'cancelled') AND replaced_by IS NULL
ORDER BY id
LIMIT 10;
