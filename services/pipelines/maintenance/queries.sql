-- name: lapse_filings
-- UCC 9-515(c): effective until lapse_on, the day itself included. A filing locked now is being derived anew anyway.
WITH due AS (
    SELECT id FROM ucc_filings
    WHERE status = 'active' AND lapse_on < $1::date
    ORDER BY lapse_on LIMIT $2
    FOR UPDATE SKIP LOCKED
)
UPDATE ucc_filings AS u SET status = 'lapsed' FROM due WHERE u.id = due.id;

-- name: work_page
-- A page of prospects in id order, and which of them the date may change since they were scored: a filing that is
-- fresh (540 days), in the stack window (18 months), lapsing or lapsed, due for renewal (12 months) or terminated since;
-- all others once a week. Who waits for scoring already needs no second call.
SELECT w.prospect_id, w.facts_rev = w.scored_rev AND w.scored_as_of <> $1::date AND (
           w.scored_as_of > $1::date OR w.scored_as_of <= $1::date - 7 OR EXISTS (
               SELECT FROM prospect_ucc_filings AS l
               JOIN ucc_filings AS u ON u.id = l.filing_id
               WHERE l.prospect_id = w.prospect_id
                 AND (u.filed_on > w.scored_as_of - 560 OR u.terminated_on > w.scored_as_of
                      OR u.lapse_on BETWEEN w.scored_as_of AND ($1::date + interval '12 months')::date)
           )) IS TRUE AS due
FROM prospect_work AS w
WHERE $2::uuid IS NULL OR w.prospect_id > $2
ORDER BY w.prospect_id LIMIT $3;

-- name: bump
WITH held AS (
    SELECT prospect_id FROM prospect_work WHERE prospect_id = ANY($1::uuid[]) ORDER BY prospect_id FOR UPDATE
)
UPDATE prospect_work AS w SET facts_rev = w.facts_rev + 1, changed_at = now()
FROM held WHERE w.prospect_id = held.prospect_id
RETURNING w.prospect_id;

-- name: export_parts
SELECT count(*)::integer AS parts FROM export_parts WHERE export_id = $1;

-- name: export_find
SELECT format, selection, rows, finished_at IS NOT NULL AS finished FROM exports WHERE id = $1;

-- name: export_part_rows
-- One part as JSON objects with commas between them; prospects deleted since are left out.
SELECT convert_to(coalesce(string_agg(row_to_json(s)::text, ',' ORDER BY k.ordinality), ''), 'UTF8') AS body,
       count(*)::integer AS rows
FROM export_parts AS e
CROSS JOIN unnest(e.ids) WITH ORDINALITY AS k (id, ordinality)
JOIN prospect_sheet AS s ON s.id = k.id
WHERE e.export_id = $1 AND e.part = $2;

-- name: export_chunks_drop
DELETE FROM export_chunks WHERE export_id = $1;

-- name: export_chunk_add
INSERT INTO export_chunks (export_id, chunk, data) VALUES ($1, $2, $3);

-- name: export_finish
WITH chosen AS (DELETE FROM export_parts WHERE export_id = $1)
UPDATE exports SET rows = $2, size = $3, finished_at = now(), expires_at = now() + interval '24 hours' WHERE id = $1;

-- name: exports_purge
-- Files go after their day, also of exports that were never finished; that there was one is kept for a month.
WITH old AS (SELECT id FROM exports WHERE expires_at < now()),
chunks AS (DELETE FROM export_chunks AS c USING old WHERE c.export_id = old.id),
parts AS (DELETE FROM export_parts AS p USING old WHERE p.export_id = old.id)
DELETE FROM exports WHERE expires_at < now() - interval '30 days';
