-- name: load_facts
-- All facts of a batch in one snapshot, with the revision they belong to. $2 cuts signals off at the date judged at;
-- without $3 only prospects whose facts changed since they were scored. An id made by hand is not the md5 of its key.
SELECT p.id, w.facts_rev AS revision, p.debtor_key IS NULL OR p.id <> md5(p.debtor_key)::uuid AS by_hand,
       coalesce(f.filings, '[]') AS filings, coalesce(s.signals, '{}') AS signals,
       coalesce(s.violations, '{}') AS violations
FROM prospects AS p
JOIN prospect_work AS w ON w.prospect_id = p.id
LEFT JOIN LATERAL (
    SELECT json_agg(json_build_object(
               'register', u.register, 'number', u.filing_number, 'filing_type', u.filing_type, 'filed_on', u.filed_on,
               'lapse_on', u.lapse_on, 'terminated_on', u.terminated_on, 'status', u.status,
               'secured', t.secured, 'debtors', t.debtors, 'collateral', c.texts)) AS filings
    FROM prospect_ucc_filings AS l
    JOIN ucc_filings AS u ON u.id = l.filing_id
    LEFT JOIN LATERAL (
        SELECT json_agg(json_build_array(fp.name, fp.lender, fp.lender_kind, fp.lender_mca, fp.lender_evidence)
                        ORDER BY fp.name, fp.party_key)
                   FILTER (WHERE fp.role = 'secured' AND fp.is_current) AS secured,
               json_agg(json_build_array(fp.name, fp.trade_names, fp.address1, fp.address2, fp.city, fp.region, fp.zip))
                   FILTER (WHERE fp.role = 'debtor' AND fp.name_key = p.name_key) AS debtors
        FROM filing_parties AS fp
        WHERE fp.filing_id = u.id
    ) AS t ON true
    LEFT JOIN LATERAL (
        SELECT json_agg(json_build_array(fc.kinds, fc.mca_phrase) ORDER BY fc.collateral_key, fc.mca_phrase) AS texts
        FROM filing_collateral AS fc
        WHERE fc.filing_id = u.id AND fc.active AND fc.action <> 'delete'
    ) AS c ON true
    WHERE l.prospect_id = p.id
) AS f ON true
LEFT JOIN LATERAL (
    SELECT array_agg(g.observed_on) FILTER (WHERE g.type <> 'violation') AS signals,
           array_agg(g.observed_on) FILTER (WHERE g.type = 'violation') AS violations
    FROM growth_signals AS g
    WHERE g.prospect_id = p.id AND (g.observed_on IS NULL OR g.observed_on <= $2::date)
) AS s ON true
WHERE p.id = ANY($1::uuid[]) AND ($3::boolean OR w.scored_rev < w.facts_rev);

-- name: add_missing_work
-- A prospect inserted by hand in SQL has no work row yet.
INSERT INTO prospect_work (prospect_id)
SELECT p.id FROM prospects AS p
WHERE p.id = ANY($1::uuid[]) AND NOT EXISTS (SELECT FROM prospect_work AS w WHERE w.prospect_id = p.id)
ORDER BY p.id
ON CONFLICT DO NOTHING;

-- name: hold_work
-- One writer a prospect, locked in one order; who judged older facts than were judged meanwhile gets nothing.
SELECT w.prospect_id
FROM prospect_work AS w
JOIN unnest($1::uuid[], $2::bigint[]) AS n (id, revision) ON n.id = w.prospect_id
WHERE w.scored_rev <= n.revision
ORDER BY w.prospect_id
FOR UPDATE OF w;

-- name: update_prospects
-- Writes only what differs; scored_as_of alone is no difference (prospect_work keeps the date). Where a person made
-- the prospect its name stays, and so does its filing date where no filing tells another; an industry without a
-- confidence was typed by a person.
-- No update is HOT: the score is in six indexes, so each written row enters all of them again, the trigrams of a name that
-- stays too. Measured over 48,000 prospects, that is 17 % of the first scoring's WAL for the trigrams and 4 % for the
-- lenders, and less than 5 % of its CPU in PostgreSQL; both lists of new entries stay as they are, for a smaller one
-- (512 kB) writes 21 % more WAL and one of none twice as much on ingestion.
UPDATE prospects AS p SET
    company_name = coalesce(n.company_name, p.company_name),
    industry = CASE WHEN p.industry IS NOT NULL AND p.industry_confidence IS NULL THEN p.industry ELSE n.industry END,
    industry_confidence = CASE WHEN p.industry IS NOT NULL AND p.industry_confidence IS NULL THEN NULL
                               ELSE n.industry_confidence END,
    filing_date = CASE WHEN n.by_hand THEN coalesce(n.filing_date, p.filing_date) ELSE n.filing_date END,
    filings = n.filings, open_filings = n.open_filings, names_as_filed = n.names_as_filed, trade_names = n.trade_names,
    addresses = n.addresses, lenders = n.lenders, mca = n.mca, stack_depth = n.stack_depth,
    stack_certain = n.stack_certain, renewal_due = n.renewal_due, renewal_on = n.renewal_on, distress = n.distress,
    evidence = n.evidence, priority_score = n.priority_score, score_components = n.score_components,
    health_score = n.health_score, health_grade = n.health_grade, scored_as_of = $2, version = p.version + 1
FROM jsonb_to_recordset($1::jsonb) AS n (
    id uuid, by_hand boolean, company_name text, industry text, industry_confidence real, filing_date date,
    filings integer, open_filings integer, names_as_filed jsonb, trade_names jsonb, addresses jsonb, lenders jsonb,
    mca text, stack_depth integer, stack_certain integer, renewal_due boolean, renewal_on date, distress boolean,
    evidence jsonb, priority_score smallint, score_components jsonb, health_score smallint, health_grade text)
WHERE p.id = n.id
  AND (p.company_name, p.industry, p.industry_confidence, p.filing_date, p.filings, p.open_filings, p.names_as_filed,
       p.trade_names, p.addresses, p.lenders, p.mca, p.stack_depth, p.stack_certain, p.renewal_due, p.renewal_on,
       p.distress, p.evidence, p.priority_score, p.score_components, p.health_score, p.health_grade)
      IS DISTINCT FROM
      (coalesce(n.company_name, p.company_name),
       CASE WHEN p.industry IS NOT NULL AND p.industry_confidence IS NULL THEN p.industry ELSE n.industry END,
       CASE WHEN p.industry IS NOT NULL AND p.industry_confidence IS NULL THEN NULL ELSE n.industry_confidence END,
       CASE WHEN n.by_hand THEN coalesce(n.filing_date, p.filing_date) ELSE n.filing_date END,
       n.filings, n.open_filings, n.names_as_filed, n.trade_names, n.addresses, n.lenders, n.mca, n.stack_depth,
       n.stack_certain, n.renewal_due, n.renewal_on, n.distress, n.evidence, n.priority_score, n.score_components,
       n.health_score, n.health_grade);

-- name: upsert_health
INSERT INTO health_scores AS h (prospect_id, as_of, score, grade, signals, violations, liens, components, sentiment_trend,
                                trend_reason)
SELECT n.id, $2, n.health_score, n.health_grade, n.signals, n.violations, n.liens, n.health_components,
       n.sentiment_trend, n.trend_reason
FROM jsonb_to_recordset($1::jsonb) AS n (
    id uuid, health_score smallint, health_grade text, signals integer, violations integer, liens integer,
    health_components jsonb, sentiment_trend text, trend_reason text)
ON CONFLICT (prospect_id, as_of) DO UPDATE SET
    score = excluded.score, grade = excluded.grade, signals = excluded.signals, violations = excluded.violations,
    liens = excluded.liens, components = excluded.components, sentiment_trend = excluded.sentiment_trend,
    trend_reason = excluded.trend_reason
WHERE (h.score, h.grade, h.signals, h.violations, h.liens, h.components, h.sentiment_trend, h.trend_reason)
      IS DISTINCT FROM
      (excluded.score, excluded.grade, excluded.signals, excluded.violations, excluded.liens, excluded.components,
       excluded.sentiment_trend, excluded.trend_reason);

-- name: follow_health
-- Companies of the portfolio that follow one of these prospects, locked in one order. Who follows another is left to it:
-- only of our own, whose work rows we hold, is the health known to be the newest.
WITH scored AS (
    SELECT id, state, name_key FROM prospects WHERE id = ANY($1::uuid[])
), named AS (
    SELECT c.id FROM portfolio_companies AS c JOIN scored ON c.prospect_id = scored.id
    UNION
    SELECT c.id FROM portfolio_companies AS c JOIN scored ON c.state = scored.state AND c.name_key = scored.name_key
), held AS (
    SELECT c.id, f.health_score, f.health_grade
    FROM named JOIN portfolio_companies AS c USING (id) JOIN portfolio_health AS f USING (id)
    WHERE f.prospect_id = ANY($1::uuid[])
      AND (c.health_score, c.health_grade) IS DISTINCT FROM (f.health_score, f.health_grade)
    ORDER BY c.id FOR NO KEY UPDATE OF c
)
UPDATE portfolio_companies AS c SET health_score = held.health_score, health_grade = held.health_grade
FROM held WHERE c.id = held.id;

-- name: mark_scored
UPDATE prospect_work AS w SET scored_rev = n.revision, scored_as_of = $3
FROM unnest($1::uuid[], $2::bigint[]) AS n (id, revision)
WHERE w.prospect_id = n.id AND (w.scored_rev, w.scored_as_of) IS DISTINCT FROM (n.revision, $3::date);

-- name: unscored
-- What a lost message left behind; younger changes still have theirs on the way.
SELECT prospect_id FROM prospect_work
WHERE scored_rev < facts_rev AND changed_at < now() - make_interval(secs => $1)
ORDER BY changed_at LIMIT $2;

-- name: key_ranges
-- The last id of every full batch in id order.
SELECT id FROM (SELECT id, row_number() OVER (ORDER BY id) AS nth FROM prospects) AS numbered
WHERE nth % $1::integer = 0
ORDER BY id;

-- name: ids_in_range
SELECT id FROM prospects
WHERE ($1::uuid IS NULL OR id > $1) AND ($2::uuid IS NULL OR id <= $2)
ORDER BY id LIMIT $3;
