-- Queries of exports. {row} is how a row of prospect_sheet (AS s) is written, {filters} a condition on prospects (AS p).

-- name: export_csv_row
concat(csv_cell(s.company_name), ',', s.state, ',', csv_cell(s.address), ',', csv_cell(s.city), ',',
       csv_cell(s.address_state), ',', csv_cell(s.zip), ',', csv_cell(s.lenders), ',', s.mca, ',',
       csv_cell(s.mca_evidence), ',', s.stack_depth, ',', s.stack_certain, ',', s.renewal_on, ',', s.distress::text, ',',
       s.priority_score, ',', s.health_score, ',', s.health_grade, ',', s.industry, ',', s.filings, ',',
       s.open_filings, ',', s.last_filing_date, ',', s.lien_amount, ',', s.status, ',', csv_cell(s.claimed_by), ',',
       s.claimed_at, ',', s.created_at, ',', s.id, E'\r\n')

-- name: export_json_row
row_to_json(s)::text

-- name: export_page
-- The rows after score $2 and id $3, in the order of the list. Two reads of an index instead of one condition with OR:
-- a place among many of one score then costs no more than the first.
SELECT convert_to(string_agg({row}, $4 ORDER BY k.priority_score DESC, k.id), 'UTF8') AS body, count(*)::integer AS rows,
       min(k.priority_score) AS score, (array_agg(k.id ORDER BY k.priority_score, k.id DESC))[1] AS id
FROM (
    (SELECT p.id, p.priority_score FROM prospects AS p
     WHERE {filters} AND p.priority_score = $2::smallint AND p.id > $3
     ORDER BY p.id LIMIT $1)
    UNION ALL
    (SELECT p.id, p.priority_score FROM prospects AS p
     WHERE {filters} AND p.priority_score < $2::smallint
     ORDER BY p.priority_score DESC, p.id LIMIT $1)
    ORDER BY priority_score DESC, id LIMIT $1
) AS k
JOIN prospect_sheet AS s ON s.id = k.id;

-- name: export_ids
SELECT p.id FROM prospects AS p WHERE p.id = ANY($1::uuid[]) ORDER BY p.priority_score DESC, p.id;

-- name: export_rows_of
SELECT convert_to(string_agg({row}, $2 ORDER BY k.ordinality), 'UTF8') AS body, count(*)::integer AS rows
FROM unnest($1::uuid[]) WITH ORDINALITY AS k (id, ordinality)
JOIN prospect_sheet AS s ON s.id = k.id;

-- name: export_count
SELECT count(*) FROM (SELECT FROM prospects AS p WHERE {filters} LIMIT $1) AS found;

-- name: export_add
INSERT INTO exports (subject, format, selection) VALUES ($1, $2, $3) RETURNING id;

-- name: export_choose
-- The ids of the rows to come, in their order, as they are now.
WITH chosen AS (
    SELECT p.id, row_number() OVER (ORDER BY p.priority_score DESC, p.id) - 1 AS n
    FROM prospects AS p WHERE {filters}
),
added AS (
    INSERT INTO export_parts (export_id, part, ids)
    SELECT $1, n / $2::integer, array_agg(id ORDER BY n) FROM chosen GROUP BY n / $2::integer
    RETURNING cardinality(ids) AS rows
)
SELECT coalesce(sum(rows), 0)::integer FROM added;

-- name: export_start
UPDATE exports SET rows = $2, job_id = $3 WHERE id = $1;

-- name: export_get
-- The ledger of jobs says how far it is; a job that is gone will not finish it.
SELECT e.id, e.subject, e.format, e.rows, e.size, e.job_id, e.created_at, e.finished_at, e.expires_at,
       CASE WHEN e.finished_at IS NOT NULL THEN CASE WHEN e.expires_at > now() THEN 'ready' ELSE 'expired' END
            WHEN j.state IN ('queued', 'retryable') THEN 'queued'
            WHEN j.state = 'running' THEN 'running'
            ELSE 'failed' END AS state
FROM exports AS e LEFT JOIN jobs AS j ON j.id = e.job_id
WHERE e.id = $1;

-- name: export_chunk
SELECT data FROM export_chunks WHERE export_id = $1 AND chunk = $2;
