-- name: permits_due
-- How many permits each queue is worth now, at most $2; a paused one none. The order is that of the
-- index jobs_claim.
SELECT known.queue, due
FROM unnest($1::text[]) AS known (queue)
CROSS JOIN LATERAL (
    SELECT count(*) AS due FROM (
        SELECT FROM jobs
        WHERE jobs.queue = known.queue AND state IN ('queued', 'retryable') AND run_at <= now()
        ORDER BY priority, run_at, id
        LIMIT $2
    ) AS few
) AS counted
WHERE due > 0 AND NOT EXISTS (SELECT FROM queues WHERE name = known.queue AND paused_at IS NOT NULL);

-- name: outbox_take
-- Deleted in the transaction that sends: what is not acknowledged comes back.
DELETE FROM outbox
WHERE id IN (
    SELECT id FROM outbox WHERE topic = ANY ($1) ORDER BY id LIMIT $2 FOR UPDATE SKIP LOCKED
)
RETURNING id, topic, key, payload::text AS payload;

-- name: outbox_age
SELECT coalesce(extract(epoch FROM now() - min(created_at)), 0)::float FROM outbox;

-- name: leases_expire
WITH expired AS MATERIALIZED (
    SELECT id FROM jobs
    WHERE state = 'running' AND lease_until < now()
    ORDER BY lease_until
    LIMIT 500
    FOR NO KEY UPDATE SKIP LOCKED
),
moved AS (
    UPDATE jobs
    SET state = verdict.state, lease_until = NULL, error = $1, run_at = now(),
        finished_at = CASE WHEN verdict.state <> 'retryable' THEN now() END
    FROM expired CROSS JOIN LATERAL (
        SELECT CASE WHEN cancel_requested_at IS NOT NULL THEN 'cancelled'
                    WHEN attempt < max_attempts THEN 'retryable' ELSE 'dead' END AS state
        FROM jobs AS seen WHERE seen.id = expired.id
    ) AS verdict
    WHERE jobs.id = expired.id
    RETURNING jobs.id, queue, kind, jobs.state, worker, parent_id, fence, attempt, claimed_at
),
kept AS (
    INSERT INTO job_attempts (job_id, fence, attempt, outcome, worker, started_at, error)
    SELECT id, fence, attempt, state, worker, claimed_at, $1 FROM moved
),
notified AS MATERIALIZED (
    SELECT count(*) FROM (
        SELECT pg_notify('ucc_jobs', queue) FROM (SELECT DISTINCT queue FROM moved) AS queues
    ) AS sent
)
SELECT moved.* FROM moved CROSS JOIN notified;

-- name: queue_depths
SELECT queue, count(*) AS depth, extract(epoch FROM now() - min(run_at))::float AS oldest
FROM jobs
WHERE state IN ('queued', 'retryable') AND run_at <= now()
GROUP BY queue;

-- name: queues_paused
SELECT name FROM queues WHERE paused_at IS NOT NULL;

-- name: queue_dead
SELECT queue, count(*) AS dead FROM jobs WHERE state = 'dead' AND replaced_by IS NULL GROUP BY queue;

-- name: job_get
SELECT id, kind, state, attempt, max_attempts, progress, error, created_at, started_at, finished_at,
       queue, args, version, result, parent_id, priority, run_at, worker, claimed_at, cancel_requested_at,
       replay_of, replaced_by, dedupe_key, created_by, request_id, children, sums
FROM jobs
CROSS JOIN LATERAL (
    SELECT coalesce(jsonb_object_agg(state, number), '{}') AS children FROM (
        SELECT child.state, count(*) AS number FROM jobs AS child
        WHERE child.parent_id = jobs.id AND child.replaced_by IS NULL GROUP BY child.state
    ) AS states
) AS counted
CROSS JOIN LATERAL (
    SELECT coalesce(jsonb_object_agg(key, total), '{}') AS sums FROM (
        SELECT key, sum(value::numeric) AS total
        FROM jobs AS child, jsonb_each(child.progress || coalesce(child.result, '{}'))
        WHERE jobs.awaiting_children AND child.parent_id = jobs.id AND child.replaced_by IS NULL
          AND jsonb_typeof(value) = 'number'
        GROUP BY key
    ) AS counters
) AS summed
WHERE id = $1;

-- name: jobs_count
SELECT count(*) FROM jobs
WHERE ($1::text IS NULL OR state = $1) AND ($2::text IS NULL OR kind = $2)
  AND ($3::text IS NULL OR queue = $3) AND ($4::text IS NULL OR error ->> 'fingerprint' = $4)
  AND ($5::text IS NULL OR error ->> 'class' = $5) AND ($6::text IS NULL OR args ->> $6 = $7::text)
  AND ($8::bigint IS NULL OR parent_id = $8) AND ($9::timestamptz IS NULL OR created_at >= $9)
  AND ($10::timestamptz IS NULL OR created_at < $10);

-- name: jobs_page
-- Counters of children are summed while they run; afterwards the parent's row has them.
WITH page AS (
    SELECT * FROM jobs
    WHERE ($1::text IS NULL OR state = $1) AND ($2::text IS NULL OR kind = $2)
      AND ($3::text IS NULL OR queue = $3) AND ($4::text IS NULL OR error ->> 'fingerprint' = $4)
      AND ($5::text IS NULL OR error ->> 'class' = $5) AND ($6::text IS NULL OR args ->> $6 = $7::text)
      AND ($8::bigint IS NULL OR parent_id = $8) AND ($9::timestamptz IS NULL OR created_at >= $9)
      AND ($10::timestamptz IS NULL OR created_at < $10)
    ORDER BY id DESC
    LIMIT $11 OFFSET $12
)
SELECT id, kind, state, attempt, max_attempts, progress, error, created_at, started_at, finished_at,
       children, sums
FROM page
CROSS JOIN LATERAL (
    SELECT coalesce(jsonb_object_agg(state, number), '{}') AS children FROM (
        SELECT child.state, count(*) AS number FROM jobs AS child
        WHERE child.parent_id = page.id AND child.replaced_by IS NULL GROUP BY child.state
    ) AS states
) AS counted
CROSS JOIN LATERAL (
    SELECT coalesce(jsonb_object_agg(key, total), '{}') AS sums FROM (
        SELECT key, sum(value::numeric) AS total
        FROM jobs AS child, jsonb_each(child.progress || coalesce(child.result, '{}'))
        WHERE page.awaiting_children AND child.parent_id = page.id AND child.replaced_by IS NULL
          AND jsonb_typeof(value) = 'number'
        GROUP BY key
    ) AS counters
) AS summed
ORDER BY id DESC;

-- name: dead_groups
-- Dead jobs by what they died of, the most frequent first; those that were replayed count no more.
WITH groups AS (
    SELECT kind, queue, error ->> 'fingerprint' AS fingerprint, count(*) AS jobs, max(id) AS last_id,
           min(finished_at) AS first_at, max(finished_at) AS last_at
    FROM jobs
    WHERE state = 'dead' AND replaced_by IS NULL AND ($1::text IS NULL OR kind = $1)
      AND ($2::text IS NULL OR queue = $2)
    GROUP BY 1, 2, 3
    ORDER BY jobs DESC, last_at DESC
    LIMIT $3
)
SELECT groups.*, jobs.error ->> 'class' AS error_class, jobs.error ->> 'message' AS message
FROM groups JOIN jobs ON jobs.id = groups.last_id
ORDER BY groups.jobs DESC, last_at DESC;

-- name: job_attempts
SELECT attempt, outcome, worker, started_at, ended_at, error FROM job_attempts
WHERE job_id = $1 ORDER BY fence;

-- name: job_log
SELECT line, at, attempt, level, message FROM job_logs
WHERE job_id = $1 AND line > $2 ORDER BY line LIMIT $3;

-- name: jobs_stats
SELECT queue, state, count(*) AS jobs,
       round(extract(epoch FROM now() - min(created_at)))::bigint AS oldest_s
FROM jobs GROUP BY queue, state
UNION ALL
SELECT 'outbox', 'unsent', count(*), coalesce(round(extract(epoch FROM now() - min(created_at))), 0)
FROM outbox
ORDER BY 1, 2;

-- name: job_is_new
-- A job of another transaction, met by its dedupe key, was created at another time.
SELECT created_at = now() FROM jobs WHERE id = $1;

-- name: audit_count
SELECT count(*) FROM audit_logs
WHERE ($1::text IS NULL OR subject = $1) AND ($2::text IS NULL OR action = $2)
  AND ($3::text IS NULL OR entity = $3) AND ($4::text IS NULL OR entity_id = $4)
  AND ($5::timestamptz IS NULL OR at >= $5);

-- name: audit_page
SELECT id, at, subject, action, entity, entity_id, before, after, request_id FROM audit_logs
WHERE ($1::text IS NULL OR subject = $1) AND ($2::text IS NULL OR action = $2)
  AND ($3::text IS NULL OR entity = $3) AND ($4::text IS NULL OR entity_id = $4)
  AND ($5::timestamptz IS NULL OR at >= $5)
ORDER BY id DESC
LIMIT $6 OFFSET $7;

-- name: usage_count
SELECT count(*) FROM usage_tracking
WHERE ($1::text IS NULL OR subject = $1) AND ($2::text IS NULL OR endpoint = $2)
  AND ($3::timestamptz IS NULL OR hour >= $3);

-- name: usage_page
SELECT subject, endpoint, hour, requests, errors, duration_ms FROM usage_tracking
WHERE ($1::text IS NULL OR subject = $1) AND ($2::text IS NULL OR endpoint = $2)
  AND ($3::timestamptz IS NULL OR hour >= $3)
ORDER BY hour DESC, subject, endpoint
LIMIT $4 OFFSET $5;

-- name: quarantine_count
SELECT count(*) FROM quarantine
WHERE ($1::text IS NULL OR register = $1) AND ($2::text IS NULL OR state = $2)
  AND ($3::text IS NULL OR strpos(lower(reason), lower($3)) > 0);

-- name: quarantine_page
SELECT * FROM quarantine
WHERE ($1::text IS NULL OR register = $1) AND ($2::text IS NULL OR state = $2)
  AND ($3::text IS NULL OR strpos(lower(reason), lower($3)) > 0)
ORDER BY id DESC
LIMIT $4 OFFSET $5;

-- name: quarantine_get
SELECT * FROM quarantine WHERE id = $1;

-- name: quarantine_lock
SELECT FROM quarantine WHERE id = $1 FOR UPDATE;

-- name: quarantine_asked
UPDATE quarantine SET replay_job_id = $2 WHERE id = $1;

-- name: quarantine_discard
UPDATE quarantine SET state = 'discarded', note = $2, resolved_at = now(), resolved_by = $3 WHERE id = $1;

-- name: sources
SELECT known.name, coalesce(s.kind, 'register') AS kind, coalesce(s.enabled, true) AS enabled, s.covered_until,
       s.last_started_at, s.last_success_at, s.last_error, coalesce(s.configured, true) AS configured, s.note, s.monthly_quota,
       CASE WHEN s.quota_month = date_trunc('month', now() AT TIME ZONE 'UTC')::date THEN s.quota_used ELSE 0 END AS quota_used,
       (SELECT count(*) FROM quarantine AS q WHERE q.register = known.name AND q.state = 'open') AS open_quarantine,
       (SELECT id FROM jobs
        WHERE kind IN ('ingestion', 'ingestion.file') AND args ->> 'source' = known.name
        ORDER BY id DESC LIMIT 1) AS run_id
FROM (SELECT unnest($1::text[]) AS name UNION SELECT name FROM data_sources) AS known
LEFT JOIN data_sources AS s USING (name)
ORDER BY known.name;

-- name: upload_live_job
-- The job that is reading these very files now.
SELECT id FROM jobs WHERE dedupe_key = $1 AND state IN ('queued', 'running', 'retryable');
