-- name: due
-- The revision is read before the sources are: facts that change in between are enriched again.
SELECT prospect_id, facts_rev AS revision FROM prospect_work
WHERE prospect_id = ANY($1::uuid[]) AND ($2::boolean OR enriched_rev < facts_rev);

-- name: unenriched
SELECT prospect_id FROM prospect_work
WHERE enriched_rev < facts_rev AND changed_at < now() - make_interval(secs => $1)
ORDER BY changed_at LIMIT $2;

-- name: equipment_filings
SELECT DISTINCT ON (l.prospect_id, u.id)
       l.prospect_id, u.register, u.filing_number AS number, u.filed_on, fp.name AS as_filed, fp.lender
FROM prospect_ucc_filings AS l
JOIN ucc_filings AS u ON u.id = l.filing_id
JOIN filing_parties AS fp ON fp.filing_id = u.id
WHERE l.prospect_id = ANY($1::uuid[]) AND u.filing_type = 'ucc'
  AND fp.role = 'secured' AND fp.is_current AND fp.lender_kind = 'equipment'
ORDER BY l.prospect_id, u.id, fp.name, fp.party_key;

-- name: hold_work
-- One writer a prospect, locked in one order; prospects whose facts moved on since are left to their next message.
SELECT w.prospect_id
FROM prospect_work AS w
JOIN unnest($1::uuid[], $2::bigint[]) AS n (id, revision) ON n.id = w.prospect_id
WHERE w.facts_rev = n.revision
ORDER BY w.prospect_id
FOR UPDATE OF w;

-- name: merge_signals
WITH found AS (
    SELECT * FROM jsonb_to_recordset($3::jsonb) AS n (
        prospect_id uuid, type text, source_key text, observed_on date, title text, amount numeric(14, 2),
        confidence real, evidence jsonb)
), removed AS (
    DELETE FROM growth_signals AS g
    WHERE g.prospect_id = ANY($1::uuid[]) AND g.source = $2
      AND NOT EXISTS (SELECT FROM found AS n WHERE n.prospect_id = g.prospect_id AND n.source_key = g.source_key)
    RETURNING g.prospect_id, g.type
), written AS (
    INSERT INTO growth_signals AS g (prospect_id, type, source, source_key, observed_on, title, amount, confidence, evidence)
    SELECT n.prospect_id, n.type, $2, n.source_key, n.observed_on, n.title, n.amount, n.confidence, n.evidence
    FROM found AS n
    ORDER BY n.prospect_id, n.source_key
    ON CONFLICT (prospect_id, source, source_key) DO UPDATE SET
        type = excluded.type, observed_on = excluded.observed_on, title = excluded.title, amount = excluded.amount,
        confidence = excluded.confidence, evidence = excluded.evidence
    WHERE (g.type, g.observed_on, g.title, g.amount, g.confidence, g.evidence)
          IS DISTINCT FROM (excluded.type, excluded.observed_on, excluded.title, excluded.amount, excluded.confidence,
                            excluded.evidence)
    RETURNING g.prospect_id, g.type
)
SELECT prospect_id, type, true AS written FROM written
UNION ALL
SELECT prospect_id, type, false FROM removed;

-- name: mark_enriched
-- New facts for scoring, but none for enrichment itself: its own mark moves along.
UPDATE prospect_work AS w SET
    facts_rev = w.facts_rev + n.changed::integer, enriched_rev = w.facts_rev + n.changed::integer,
    changed_at = CASE WHEN n.changed THEN now() ELSE w.changed_at END
FROM unnest($1::uuid[], $2::boolean[]) AS n (id, changed)
WHERE w.prospect_id = n.id AND (n.changed OR w.enriched_rev <> w.facts_rev);
