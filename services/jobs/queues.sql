-- name: queues_list
-- Of $1, the queues that workers serve, what waits, what runs, and what a person set.
SELECT known.name, q.paused_at IS NOT NULL AS paused, q.paused_at, q.paused_by, q.reason, q.concurrency, q.rate,
       coalesce(waits.due, 0) AS due, coalesce(waits.later, 0) AS later, coalesce(waits.oldest, 0) AS oldest_s,
       (SELECT count(*) FROM jobs WHERE queue = known.name AND state = 'running' AND lease_until IS NOT NULL) AS running,
       coalesce(gone.dead, 0) AS dead
FROM unnest($1::text[]) AS known (name)
LEFT JOIN queues AS q USING (name)
LEFT JOIN (
    SELECT queue, count(*) FILTER (WHERE run_at <= now()) AS due, count(*) FILTER (WHERE run_at > now()) AS later,
           greatest(0, extract(epoch FROM now() - min(run_at)))::float AS oldest
    FROM jobs WHERE state IN ('queued', 'retryable') GROUP BY queue
) AS waits ON waits.queue = known.name
LEFT JOIN (
    SELECT queue, count(*) AS dead FROM jobs WHERE state = 'dead' AND replaced_by IS NULL GROUP BY queue
) AS gone ON gone.queue = known.name
ORDER BY known.name;

-- name: queue_lock
-- Makes the row of a queue that nobody has set anything of yet.
INSERT INTO queues AS q (name) VALUES ($1)
ON CONFLICT (name) DO UPDATE SET name = excluded.name
RETURNING paused_at IS NOT NULL AS paused, reason, concurrency, rate;

-- name: queue_pause
UPDATE queues SET paused_at = coalesce(paused_at, now()), paused_by = $2, reason = $3, updated_at = now()
WHERE name = $1;

-- name: queue_resume
UPDATE queues SET paused_at = NULL, paused_by = NULL, reason = NULL, updated_at = now()
WHERE name = $1;

-- name: queue_limit
UPDATE queues SET concurrency = $2, rate = $3, tokens = 0, refilled_at = now(), updated_at = now()
WHERE name = $1;

-- name: queue_wake
SELECT pg_notify('ucc_jobs', $1);
