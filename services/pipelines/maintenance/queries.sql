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
-- fresh (540 days), in the stack window (18 months), lapsing or lapsed, due for renewal (12 months) or terminated since,
-- or gone from the open ones of 90 days ago, with which the trend compares; a signal that came or passed out of its
-- window (540 days, violations 1825) now or 90 days ago; all others once a week. Who waits for scoring already needs no
-- second call.
SELECT w.prospect_id, w.facts_rev = w.scored_rev AND w.scored_as_of <> $1::date AND (
           w.scored_as_of > $1::date OR w.scored_as_of <= $1::date - 7 OR EXISTS (
               SELECT FROM prospect_ucc_filings AS l
               JOIN ucc_filings AS u ON u.id = l.filing_id
               WHERE l.prospect_id = w.prospect_id
                 AND (u.filed_on > w.scored_as_of - 560 OR u.terminated_on > w.scored_as_of - 91
                      OR u.lapse_on BETWEEN w.scored_as_of - 91 AND ($1::date + interval '12 months')::date)
           ) OR EXISTS (
               SELECT FROM growth_signals AS g
               CROSS JOIN unnest(CASE g.type WHEN 'violation' THEN '{0, 90, 1826, 1916}' ELSE '{0, 90, 541, 631}'
                                 END::integer[]) AS after (days)
               WHERE g.prospect_id = w.prospect_id AND g.observed_on + after.days > w.scored_as_of
                 AND g.observed_on + after.days <= $1::date
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

-- name: hold_portfolio
-- In the order in which scoring locks them. What is read after this is what scoring had committed by then.
SELECT id FROM portfolio_companies ORDER BY id FOR NO KEY UPDATE;

-- name: follow_health
-- Who has no prospect to follow any longer loses the grade: nothing explains it.
UPDATE portfolio_companies AS c SET health_score = f.health_score, health_grade = f.health_grade
FROM portfolio_health AS f
WHERE f.id = c.id AND (c.health_score, c.health_grade) IS DISTINCT FROM (f.health_score, f.health_grade);

-- name: lender_states
-- States with lenders' filings, and those that had them.
SELECT state FROM ucc_filings WHERE filing_type = 'ucc'
UNION
SELECT state FROM competitors
ORDER BY state;

-- name: lock_competitors
SELECT pg_advisory_xact_lock(hashtextextended('competitors:' || $1, 0));

-- name: count_competitors
-- Who lends in a state at a date: current secured parties of lenders' filings; who assigned a filing away has it no longer.
-- A filing of several lenders is one of each, so shares may sum to more than 1. Open as in findings.is_open of scoring.
-- The name shown is the most frequent spelling, the first by alphabet among equals.
WITH lending AS MATERIALIZED (
    SELECT u.id, u.filed_on,
           coalesce(u.filed_on <= $2::date
                    AND coalesce(u.terminated_on > $2::date, u.status <> 'terminated')
                    AND coalesce(u.lapse_on >= $2::date, u.status <> 'lapsed'), false) AS open
    FROM ucc_filings AS u
    WHERE u.state = $1 AND u.filing_type = 'ucc' AND coalesce(u.filed_on <= $2::date, true)
), held AS MATERIALIZED (
    SELECT DISTINCT l.id, l.filed_on, l.open, coalesce(p.lender, p.name) AS name, coalesce(p.lender_kind, 'other') AS kind
    FROM lending AS l
    JOIN filing_parties AS p ON p.filing_id = l.id
    WHERE p.role = 'secured' AND p.is_current AND btrim(coalesce(p.lender, p.name)) <> ''
), keyed AS MATERIALIZED (
    SELECT name, coalesce(nullif(ucc_name_key(name), ''), upper(name)) AS name_key
    FROM (SELECT DISTINCT name FROM held) AS names
), found AS MATERIALIZED (
    SELECT k.name_key,
           mode() WITHIN GROUP (ORDER BY h.name) AS name,
           mode() WITHIN GROUP (ORDER BY h.kind) AS lender_kind,
           count(DISTINCT h.id) AS filings,
           count(DISTINCT h.id) FILTER (WHERE h.filed_on > $2::date - $3::integer) AS filings_recent,
           count(DISTINCT h.id) FILTER (WHERE h.open) AS open_filings,
           min(h.filed_on) AS first_seen_on, max(h.filed_on) AS last_seen_on
    FROM held AS h JOIN keyed AS k USING (name)
    GROUP BY k.name_key
), shared AS (
    SELECT f.*, round(f.open_filings::numeric / nullif((SELECT count(*) FROM lending WHERE open), 0), 5) AS market_share
    FROM found AS f
), written AS (
    INSERT INTO competitors AS c (name, lender_kind, state, filings, filings_recent, open_filings, market_share,
                                  first_seen_on, last_seen_on, as_of)
    SELECT name, lender_kind, $1, filings, filings_recent, open_filings, market_share, first_seen_on, last_seen_on, $2
    FROM shared
    ORDER BY name_key
    ON CONFLICT (state, name_key) DO UPDATE SET
        name = excluded.name, lender_kind = excluded.lender_kind, filings = excluded.filings,
        filings_recent = excluded.filings_recent, open_filings = excluded.open_filings,
        market_share = excluded.market_share, first_seen_on = excluded.first_seen_on, last_seen_on = excluded.last_seen_on,
        as_of = excluded.as_of
    WHERE (c.name, c.lender_kind, c.filings, c.filings_recent, c.open_filings, c.market_share, c.first_seen_on,
           c.last_seen_on, c.as_of)
          IS DISTINCT FROM
          (excluded.name, excluded.lender_kind, excluded.filings, excluded.filings_recent, excluded.open_filings,
           excluded.market_share, excluded.first_seen_on, excluded.last_seen_on, excluded.as_of)
    RETURNING 1
), gone AS (
    DELETE FROM competitors AS c
    WHERE c.state = $1 AND NOT EXISTS (SELECT FROM found AS f WHERE f.name_key = c.name_key)
    RETURNING 1
)
SELECT (SELECT count(*) FROM found) AS competitors, (SELECT count(*) FROM written) AS written,
       (SELECT count(*) FROM gone) AS removed;
