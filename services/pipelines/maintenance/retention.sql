-- name: jobs_purge
-- Trees whose root has long been final and in which nothing is to be done, their leaves first, so that no deletion
-- reaches further than $3 rows. One dead job keeps its tree for as long as the dead are kept.
WITH RECURSIVE roots AS MATERIALIZED (
    SELECT id, id AS root FROM jobs
    WHERE parent_id IS NULL AND finished_at < now() - make_interval(days => $1)
      AND (state <> 'dead' OR finished_at < now() - make_interval(days => $2))
      AND NOT EXISTS (
          WITH RECURSIVE below AS (
              SELECT child.id, child.state FROM jobs AS child WHERE child.parent_id = jobs.id
              UNION ALL
              SELECT child.id, child.state FROM jobs AS child JOIN below ON child.parent_id = below.id
          )
          SELECT FROM below
          WHERE state IN ('queued', 'running', 'retryable')
             OR (state = 'dead' AND jobs.finished_at >= now() - make_interval(days => $2))
      )
    ORDER BY finished_at
    LIMIT $3
),
tree AS (
    SELECT id, 0 AS depth FROM roots
    UNION ALL
    SELECT child.id, depth + 1 FROM jobs AS child JOIN tree ON child.parent_id = tree.id
)
DELETE FROM jobs WHERE id IN (SELECT id FROM tree ORDER BY depth DESC LIMIT $3);

-- name: schedule_runs_purge
DELETE FROM schedule_runs WHERE created_at < now() - make_interval(days => $1);

-- name: upload_rows_purge
DELETE FROM upload_rows WHERE ctid = ANY(ARRAY(
    SELECT r.ctid FROM uploads AS u JOIN upload_rows AS r ON r.upload_id = u.id
    WHERE u.created_at < now() - make_interval(days => $1) LIMIT $2));

-- name: uploads_purge
DELETE FROM uploads WHERE created_at < now() - make_interval(days => $1);
