-- name: jobs_enqueue
-- A live job with the same dedupe_key is "updated" to itself: that returns its id even when it was
-- committed after this statement began. Ids are drawn first so that they keep the caller's order.
WITH input AS MATERIALIZED (
    SELECT nextval('jobs_id_seq') AS new_id, j.*
    FROM ROWS FROM (jsonb_to_recordset($1) AS (
        kind text, queue text, args jsonb, priority smallint, run_at timestamptz,
        dedupe_key text, serial_key text, parent_id bigint, max_attempts integer
    )) WITH ORDINALITY AS j (
        kind, queue, args, priority, run_at, dedupe_key, serial_key, parent_id, max_attempts, ord
    )
),
first_of_key AS (
    SELECT DISTINCT ON (dedupe_key, CASE WHEN dedupe_key IS NULL THEN ord END) *
    FROM input
    ORDER BY dedupe_key, CASE WHEN dedupe_key IS NULL THEN ord END, ord
),
inserted AS (
    INSERT INTO jobs (id, kind, queue, args, priority, run_at, dedupe_key, serial_key, parent_id,
                      max_attempts, request_id, created_by)
    OVERRIDING SYSTEM VALUE
    SELECT new_id, kind, queue, args, priority, coalesce(run_at, now()), dedupe_key, serial_key,
           parent_id, max_attempts, $2, $3
    FROM first_of_key
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

-- name: outbox_add
WITH added AS (
    INSERT INTO outbox (topic, key, payload)
    SELECT $1, $2, m.payload FROM jsonb_array_elements($3) WITH ORDINALITY AS m (payload, ord)
    ORDER BY m.ord
)
SELECT pg_notify('ucc_outbox', $1);
