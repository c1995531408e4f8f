-- What a person does to jobs, one or many ($1 is always the ids). Workers see it in the row.

-- name: jobs_matching
-- Ids in order, after $1 and up to $2; the filter is that of the list (services/jobs/queries.sql).
SELECT id FROM jobs
WHERE id > $1 AND id <= $2 AND ($4::text IS NULL OR state = $4) AND ($5::text IS NULL OR kind = $5)
  AND ($6::text IS NULL OR queue = $6) AND ($7::text IS NULL OR error ->> 'fingerprint' = $7)
  AND ($8::text IS NULL OR error ->> 'class' = $8) AND ($9::text IS NULL OR args ->> $9 = $10::text)
  AND ($11::bigint IS NULL OR parent_id = $11) AND ($12::timestamptz IS NULL OR created_at >= $12)
  AND ($13::timestamptz IS NULL OR created_at < $13)
ORDER BY id
LIMIT $3;

-- name: jobs_last_id
SELECT coalesce(max(id), 0) FROM jobs;

-- name: jobs_rerun
-- With their failed children. A parent among them is queued as well; the pool lets it wait for its
-- children again. $2: leave out whose work is queued already; of two that ask the same the later one.
WITH RECURSIVE seeds AS (
    SELECT DISTINCT ON (coalesce(dedupe_key, id::text)) id, parent_id
    FROM jobs
    WHERE id = ANY ($1) AND state IN ('dead', 'cancelled', 'retryable') AND replaced_by IS NULL
      AND (NOT $2::boolean OR dedupe_key IS NULL OR state = 'retryable' OR NOT EXISTS (
          SELECT FROM jobs AS live
          WHERE live.dedupe_key = jobs.dedupe_key AND live.state IN ('queued', 'running', 'retryable')
      ))
    ORDER BY coalesce(dedupe_key, id::text), id DESC
),
below AS (
    SELECT id, parent_id FROM seeds
    UNION
    SELECT child.id, NULL FROM jobs AS child JOIN below ON child.parent_id = below.id
    WHERE child.state IN ('dead', 'cancelled') AND child.replaced_by IS NULL
),
above AS (
    SELECT parent_id AS id FROM below WHERE parent_id IS NOT NULL
    UNION
    SELECT jobs.parent_id FROM jobs JOIN above USING (id) WHERE jobs.parent_id IS NOT NULL
)
UPDATE jobs
SET state = 'queued', attempt = 0, run_at = now(), error = NULL, finished_at = NULL, worker = NULL,
    cancel_requested_at = NULL
WHERE id IN (SELECT id FROM below)
   OR (id IN (SELECT id FROM above) AND state = 'dead' AND error ->> 'class' = 'ChildrenFailed')
RETURNING id, queue, pg_notify('ucc_jobs', queue);

-- name: jobs_cancel
-- With their children. What waits is cancelled now; what runs is asked to end, and its worker, or the
-- sweeper if that has died, writes the end.
WITH RECURSIVE below AS (
    SELECT id FROM jobs WHERE id = ANY ($1)
    UNION
    SELECT child.id FROM jobs AS child JOIN below ON child.parent_id = below.id
),
held AS MATERIALIZED (
    SELECT id FROM jobs
    WHERE id IN (SELECT id FROM below) AND state IN ('queued', 'running', 'retryable')
    ORDER BY id FOR NO KEY UPDATE
)
UPDATE jobs
SET state = CASE WHEN lease_until IS NULL THEN 'cancelled' ELSE state END,
    finished_at = CASE WHEN lease_until IS NULL THEN now() END,
    cancel_requested_at = coalesce(cancel_requested_at, now()), awaiting_children = false
FROM held WHERE jobs.id = held.id AND state IN ('queued', 'running', 'retryable')
RETURNING jobs.id, state, parent_id;

-- name: jobs_prioritise
UPDATE jobs SET priority = coalesce($2, priority), run_at = coalesce($3, run_at)
WHERE id = ANY ($1) AND state IN ('queued', 'retryable')
RETURNING id, queue, pg_notify('ucc_jobs', queue);

-- name: jobs_delete
-- With all their descendants; a tree in which something is still to be done stays.
DELETE FROM jobs
WHERE id = ANY ($1) AND state IN ('succeeded', 'dead', 'cancelled') AND NOT EXISTS (
    WITH RECURSIVE below AS (
        SELECT child.id, child.state FROM jobs AS child WHERE child.parent_id = jobs.id
        UNION ALL
        SELECT child.id, child.state FROM jobs AS child JOIN below ON child.parent_id = below.id
    )
    SELECT FROM below WHERE state IN ('queued', 'running', 'retryable')
)
RETURNING id;

-- name: job_original
SELECT id, kind, queue, args, state, priority, dedupe_key, serial_key, parent_id, max_attempts, version,
       replaced_by
FROM jobs WHERE id = $1 FOR NO KEY UPDATE;

-- name: job_replaced
-- A parent that is dead because of the old job waits for the new one.
WITH RECURSIVE above AS (
    SELECT parent_id AS id FROM jobs WHERE id = $1 AND parent_id IS NOT NULL
    UNION
    SELECT jobs.parent_id FROM jobs JOIN above USING (id) WHERE jobs.parent_id IS NOT NULL
),
woken AS (
    UPDATE jobs
    SET state = 'queued', attempt = 0, run_at = now(), error = NULL, finished_at = NULL, worker = NULL
    WHERE id IN (SELECT id FROM above) AND state = 'dead' AND error ->> 'class' = 'ChildrenFailed'
    RETURNING id, pg_notify('ucc_jobs', queue)
)
UPDATE jobs SET replaced_by = $2 WHERE id = $1 RETURNING (SELECT count(*) FROM woken);
