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

-- name: firms
-- The prospect as its filings name it, and its own state; without $2 no source counts as asked lately.
SELECT p.id, p.state, coalesce(p.corrected_name, p.company_name) AS name,
       coalesce(d.names, '[]') AS names, coalesce(d.trade_names, '[]') AS trade_names, coalesce(d.places, '[]') AS places,
       ARRAY(SELECT c.key FROM jsonb_each_text(s.checked_at) AS c
             WHERE c.value::timestamptz > now() - make_interval(secs => $2::float8)) AS fresh
FROM prospects AS p
JOIN prospect_work AS w ON w.prospect_id = p.id
LEFT JOIN prospect_sources AS s ON s.prospect_id = p.id
LEFT JOIN LATERAL (
    SELECT jsonb_agg(DISTINCT fp.name) AS names, jsonb_agg(DISTINCT fp.trade_names) AS trade_names,
           jsonb_agg(DISTINCT jsonb_build_array(fp.address1, fp.city, fp.region, fp.zip)) AS places
    FROM prospect_ucc_filings AS l
    JOIN filing_parties AS fp ON fp.filing_id = l.filing_id
    WHERE l.prospect_id = p.id AND fp.role = 'debtor' AND fp.name_key = p.name_key
) AS d ON true
WHERE p.id = ANY($1::uuid[])
ORDER BY p.priority_score DESC, p.id;

-- name: lock_work
SELECT prospect_id FROM prospect_work WHERE prospect_id = ANY($1::uuid[]) ORDER BY prospect_id FOR UPDATE;

-- name: mark_changed
-- Who is due for enrichment stays due; who is not does not become so.
UPDATE prospect_work SET
    facts_rev = facts_rev + 1, changed_at = now(),
    enriched_rev = enriched_rev + (enriched_rev = facts_rev)::integer
WHERE prospect_id = ANY($1::uuid[]);

-- name: mark_checked
INSERT INTO prospect_sources AS s (prospect_id, checked_at, asked_at)
SELECT n.id, CASE WHEN n.answered THEN jsonb_build_object($1::text, now()) ELSE '{}' END, now()
FROM unnest($2::uuid[], $3::boolean[]) AS n (id, answered)
ORDER BY n.id
ON CONFLICT (prospect_id) DO UPDATE SET checked_at = s.checked_at || excluded.checked_at, asked_at = excluded.asked_at;

-- name: stale
SELECT p.id
FROM prospects AS p
JOIN prospect_work AS w ON w.prospect_id = p.id
LEFT JOIN prospect_sources AS s ON s.prospect_id = p.id
WHERE EXISTS (SELECT FROM unnest($1::text[]) AS source
              WHERE coalesce((s.checked_at ->> source)::timestamptz, '-infinity') < now() - make_interval(secs => $2))
ORDER BY date_trunc('day', s.asked_at, 'UTC') NULLS FIRST, p.priority_score DESC, p.id
LIMIT $3;

-- name: batch_results
SELECT source, jsonb_strip_nulls(jsonb_build_object(
           'result', CASE WHEN sum(answered) > 0 THEN 'answered' WHEN sum(failed) > 0 THEN 'failed' ELSE 'skipped' END,
           'answered', sum(answered), 'failed', sum(failed), 'skipped', sum(skipped), 'signals', sum(signals),
           'reason', (array_agg(reason ORDER BY failed DESC, id) FILTER (WHERE reason IS NOT NULL))[1])) AS told
FROM jobs
CROSS JOIN LATERAL jsonb_each(result -> 'sources') AS each_source (source, told)
CROSS JOIN LATERAL jsonb_to_record(told) AS counted (answered bigint, failed bigint, skipped bigint, signals bigint, reason text)
WHERE parent_id = $1 AND state = 'succeeded'
GROUP BY source
ORDER BY source;

-- name: announce_sources
INSERT INTO data_sources AS s (name, kind, enabled, configured, note, monthly_quota)
SELECT n.name, 'enrichment', n.enabled, n.configured, n.note, n.monthly_quota
FROM jsonb_to_recordset($1::jsonb) AS n (
    name text, enabled boolean, configured boolean, note text, monthly_quota integer)
ORDER BY n.name
ON CONFLICT (name) DO UPDATE SET
    enabled = excluded.enabled, configured = excluded.configured, note = excluded.note,
    monthly_quota = excluded.monthly_quota
WHERE (s.enabled, s.configured, s.note, s.monthly_quota)
      IS DISTINCT FROM (excluded.enabled, excluded.configured, excluded.note, excluded.monthly_quota);

-- name: source_started
UPDATE data_sources SET last_started_at = now() WHERE name = $1;

-- name: source_ended
UPDATE data_sources
SET last_success_at = CASE WHEN $2 THEN now() ELSE last_success_at END,
    last_error = CASE WHEN $2 OR $3::text IS NOT NULL THEN $3 ELSE last_error END
WHERE name = $1;

-- name: take_quota
-- One statement, so that any number of workers together ask no more than the quota.
UPDATE data_sources
SET quota_used = CASE WHEN quota_month = this.month THEN quota_used ELSE 0 END + 1, quota_month = this.month
FROM (SELECT date_trunc('month', now() AT TIME ZONE 'UTC')::date AS month) AS this
WHERE name = $1 AND (monthly_quota IS NULL OR quota_month IS DISTINCT FROM this.month OR quota_used < monthly_quota)
RETURNING quota_used;

-- name: quota_used_up
SELECT name FROM data_sources
WHERE kind = 'enrichment' AND quota_used >= monthly_quota
  AND quota_month = date_trunc('month', now() AT TIME ZONE 'UTC')::date;
