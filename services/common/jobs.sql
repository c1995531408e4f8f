-- name: jobs_enqueue
-- A live job with the same dedupe_key is "updated" to itself: that returns its id even when it was
-- committed after this statement began. Ids are drawn first so that they keep the caller's order.
WITH input AS MATERIALIZED (
    SELECT nextval('jobs_id_seq') AS new_id, j.*
    FROM ROWS FROM (jsonb_to_recordset($1) AS (
        kind text, queue text, args jsonb, priority smallint, run_at timestamptz,
        dedupe_key text, serial_key text, parent_id bigint, max_attempts integer,
        version smallint, replay_of bigint
    )) WITH ORDINALITY AS j (
        kind, queue, args, priority, run_at, dedupe_key, serial_key, parent_id, max_attempts,
        version, replay_of, ord
    )
),
first_of_key AS (
    SELECT DISTINCT ON (dedupe_key, CASE WHEN dedupe_key IS NULL THEN ord END) *
    FROM input
    ORDER BY dedupe_key, CASE WHEN dedupe_key IS NULL THEN ord END, ord
),
inserted AS (
    INSERT INTO jobs (id, kind, queue, args, priority, run_at, dedupe_key, serial_key, parent_id,
                      max_attempts, version, replay_of, request_id, created_by)
    OVERRIDING SYSTEM VALUE
    SELECT new_id, kind, queue, args,
           coalesce(priority, (SELECT p.priority FROM jobs AS p WHERE p.id = asked.parent_id), 100),
           coalesce(run_at, now()), dedupe_key, serial_key, parent_id,
           max_attempts, version, replay_of, $2, $3
    FROM first_of_key AS asked
    ORDER BY dedupe_key, ord
    ON CONFLICT (dedupe_key)
        WHERE dedupe_key IS NOT NULL AND state IN ('queued', 'running', 'retryable')
        DO UPDATE SET dedupe_key = excluded.dedupe_key
    RETURNING id, dedupe_key
),
notified AS MATERIALIZED (
    SELECT count(*) FROM (
        SELECT pg_notify('ucc_jobs', queue) FROM (SELECT DISTINCT queue FROM input) AS queues
    ) AS sent
)
SELECT coalesce(inserted.id, input.new_id) AS id
FROM notified CROSS JOIN input LEFT JOIN inserted ON inserted.dedupe_key = input.dedupe_key
ORDER BY input.ord;

-- name: job_progress
UPDATE jobs SET progress = progress || $3
WHERE id = $1 AND fence = $2 AND state = 'running' AND NOT awaiting_children
RETURNING id;

-- name: job_log
-- A bounded log: with a line added the oldest goes.
WITH held AS (
    SELECT id, attempt FROM jobs
    WHERE id = $1 AND fence = $2 AND state = 'running' AND NOT awaiting_children
),
last AS (SELECT coalesce(max(line), 0) AS line FROM job_logs WHERE job_id = $1),
dropped AS (DELETE FROM job_logs USING last WHERE job_id = $1 AND job_logs.line <= last.line + 1 - $5::integer)
INSERT INTO job_logs (job_id, line, attempt, level, message)
SELECT held.id, last.line + 1, held.attempt, $3, $4 FROM held CROSS JOIN last
RETURNING line;

-- name: job_fence
-- clock_timestamp: the transaction may be old already.
UPDATE jobs SET lease_until = clock_timestamp() + make_interval(secs => $3)
WHERE id = $1 AND fence = $2 AND state = 'running' AND NOT awaiting_children
RETURNING id;

-- name: job_succeed
UPDATE jobs
SET state = 'succeeded', result = $3, error = NULL, lease_until = NULL, finished_at = now()
WHERE id = $1 AND fence = $2 AND state = 'running' AND NOT awaiting_children
RETURNING id;

-- name: jobs_succeed
-- `job_succeed` for many jobs in one transaction: the ids of those that were still held.
UPDATE jobs
SET state = 'succeeded', result = done.result, error = NULL, lease_until = NULL, finished_at = now()
FROM unnest($1::bigint[], $2::bigint[], $3::jsonb[]) AS done (id, fence, result)
WHERE jobs.id = done.id AND jobs.fence = done.fence AND state = 'running' AND NOT awaiting_children
RETURNING jobs.id, jobs.fence;

-- name: job_bury
INSERT INTO jobs (kind, queue, args, state, error, attempt, max_attempts, finished_at)
SELECT $1, $2, $3, 'dead', $4, 1, 1, now()
WHERE (SELECT count(*) FROM (
    SELECT FROM jobs WHERE kind = $1 AND state = 'dead' LIMIT $5
) AS buried) < $5;

-- name: outbox_add
WITH added AS (
    INSERT INTO outbox (topic, key, payload)
    SELECT $1, $2, m.payload FROM jsonb_array_elements($3) WITH ORDINALITY AS m (payload, ord)
    ORDER BY m.ord
)
SELECT pg_notify('ucc_outbox', $1);
