-- name: schedule_seed
INSERT INTO schedules (name, kind, queue, args, cron, timezone, missed_policy, after_kind)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (name) DO NOTHING;

-- name: schedules_due
SELECT name, kind, queue, args, cron, timezone, missed_policy, next_run_at, now() AS now
FROM schedules
WHERE enabled AND (next_run_at IS NULL OR next_run_at <= now())
ORDER BY next_run_at NULLS FIRST
LIMIT 20
FOR UPDATE SKIP LOCKED;

-- name: schedules_after
-- Those that follow a kind of which a job has succeeded since.
SELECT s.name, kind, queue, args, timezone, seen.at AS seen_at, now() AS now
FROM schedules AS s
CROSS JOIN LATERAL (
    SELECT max(finished_at) AS at FROM jobs
    WHERE kind = s.after_kind AND state = 'succeeded' AND finished_at > coalesce(s.after_seen_at, s.created_at)
) AS seen
WHERE enabled AND after_kind IS NOT NULL AND seen.at IS NOT NULL
ORDER BY s.name
FOR UPDATE OF s SKIP LOCKED;

-- name: schedule_seen
-- The guard of two schedulers: the one that comes second finds it seen.
UPDATE schedules SET after_seen_at = $2
WHERE name = $1 AND (after_seen_at IS NULL OR after_seen_at < $2)
RETURNING name;

-- name: schedule_fired
UPDATE schedules
SET next_run_at = $2, last_run_at = coalesce($3, last_run_at), last_job_id = coalesce($4, last_job_id),
    problem = NULL
WHERE name = $1;

-- name: schedule_followed
UPDATE schedules SET last_run_at = $2, last_job_id = $3, problem = NULL WHERE name = $1;

-- name: schedule_disable
UPDATE schedules SET enabled = false, problem = $2, updated_at = now() WHERE name = $1;

-- name: schedule_ran
INSERT INTO schedule_runs (schedule, cause, due_at, job_id, created_by) VALUES ($1, $2, $3, $4, $5);

-- name: schedule_lags
SELECT name, greatest(0, extract(epoch FROM now() - next_run_at))::float AS lag
FROM schedules WHERE enabled AND next_run_at IS NOT NULL;

-- name: schedules_list
SELECT s.name, s.kind, s.queue, s.args, cron, timezone, missed_policy, after_kind, enabled, problem, next_run_at,
       last_run_at, last_job_id, jobs.state AS last_state, now() AS now
FROM schedules AS s LEFT JOIN jobs ON jobs.id = s.last_job_id
WHERE $1::text IS NULL OR s.name = $1
ORDER BY s.name;

-- name: schedule_lock
SELECT FROM schedules WHERE name = $1 FOR UPDATE;

-- name: schedule_edit
UPDATE schedules
SET args = $2, cron = $3, timezone = $4, missed_policy = $5, enabled = $6, after_kind = $7, next_run_at = $8,
    after_seen_at = now(), problem = NULL, updated_at = now()
WHERE name = $1;

-- name: schedule_runs
SELECT r.cause, r.due_at, r.created_at, r.created_by, r.job_id, jobs.state
FROM schedule_runs AS r LEFT JOIN jobs ON jobs.id = r.job_id
WHERE schedule = $1 ORDER BY r.id DESC LIMIT $2;
