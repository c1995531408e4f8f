-- Queries of files that were uploaded: bytes, tables, staged rows. Rows stay for some days, so that files that belong
-- together may come one after the other; a page of filings sees the rows of all that came.

-- name: upload
SELECT id, register, state, format, digest, created_at FROM uploads WHERE id = $1;

-- name: upload_members
SELECT member, file, name, entry, dataset, columns, header, records_read, quarantined, staged_at IS NOT NULL AS staged
FROM upload_members WHERE upload_id = $1 ORDER BY member;

-- name: upload_chunk
SELECT data FROM upload_chunks WHERE upload_id = $1 AND file = $2 AND chunk = $3;

-- name: upload_file_size
SELECT size FROM upload_files WHERE upload_id = $1 AND file = $2;

-- name: member_advance
-- Only from where the caller began: of two workers on one member one stages the records.
UPDATE upload_members SET records_read = $4, quarantined = quarantined + $5
WHERE upload_id = $1 AND member = $2 AND records_read = $3 AND staged_at IS NULL
RETURNING true;

-- name: member_staged
UPDATE upload_members SET staged_at = now() WHERE upload_id = $1 AND member = $2 AND staged_at IS NULL;

-- name: upload_drop_chunks
DELETE FROM upload_chunks WHERE upload_id = $1;

-- name: upload_totals
SELECT coalesce(sum(records_read), 0)::bigint AS records, coalesce(sum(quarantined), 0)::bigint AS quarantined
FROM upload_members WHERE upload_id = $1;

-- name: staged_filings
-- The next filings of an upload, in the order of the index.
SELECT DISTINCT filing FROM upload_rows WHERE upload_id = $1 AND filing > $2 ORDER BY filing LIMIT $3;

-- name: staged_rows
-- Everything staged about some filings, whatever upload brought it.
SELECT r.filing, r.upload_id, r.line, r.cells, m.name, m.dataset, m.columns
FROM upload_rows AS r
JOIN uploads AS u ON u.id = r.upload_id AND u.format = $3
JOIN upload_members AS m ON m.upload_id = r.upload_id AND m.member = r.member
WHERE r.register = $1 AND r.filing = ANY($2::text[])
ORDER BY r.filing, r.upload_id, r.member, r.line;

-- name: page_after_exists
SELECT true FROM jobs WHERE parent_id = $1 AND kind = 'ingestion.join' AND args ->> 'after' = $2 LIMIT 1;

-- name: join_totals
SELECT coalesce(sum((result ->> 'rows')::bigint), 0) AS rows,
       coalesce(sum((result ->> 'documents')::bigint), 0) AS documents,
       coalesce(sum((result ->> 'new')::bigint), 0) AS new,
       coalesce(sum((result ->> 'changed')::bigint), 0) AS changed,
       coalesce(sum((result ->> 'unchanged')::bigint), 0) AS unchanged,
       coalesce(sum((result ->> 'quarantined')::bigint), 0) AS quarantined,
       coalesce(sum((result ->> 'prospects')::bigint), 0) AS prospects,
       coalesce(sum((result ->> 'waiting')::bigint), 0) AS waiting
FROM jobs WHERE parent_id = $1 AND kind = 'ingestion.join' AND state = 'succeeded';

-- name: old_uploads
-- Nobody needs them: their days are over and no job is at work on them.
SELECT u.id FROM uploads AS u
WHERE u.created_at < now() - make_interval(days => $1)
  AND NOT EXISTS (
      SELECT FROM jobs AS j
      WHERE j.kind = 'ingestion.file' AND j.state IN ('queued', 'running', 'retryable')
        AND (j.args ->> 'upload')::bigint = u.id)
ORDER BY u.id LIMIT 100;

-- name: purge_rows
DELETE FROM upload_rows WHERE ctid = ANY(ARRAY(SELECT ctid FROM upload_rows WHERE upload_id = $1 LIMIT $2));

-- name: purge_upload
DELETE FROM uploads WHERE id = $1;
