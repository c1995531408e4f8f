-- Queries of the ingestion pipeline. A page is copied into temporary staging tables and merged set by set in one
-- transaction; what a register says about a filing is then derived from all documents known, in whatever order they came.

-- name: known_hashes
SELECT document_number, content_hash FROM filing_events
WHERE register = $1 AND document_number = ANY($2::text[]);

-- name: lock_register
-- Merges of one register run one after the other: two pages may touch the same filing.
SELECT pg_advisory_xact_lock(hashtextextended('merge:' || $1, 0));

-- name: stage_documents
CREATE TEMPORARY TABLE stage_documents (
    number text, initial_number text, kind text, document_type text, filing_type text, filed_on date, lapse_on date,
    status_as_filed text, content_hash bytea, source_id text
) ON COMMIT DROP;

-- name: stage_parties
CREATE TEMPORARY TABLE stage_parties (
    number text, role text, party_key text, name text, name_key text, trade_names text[], is_organization boolean,
    is_business boolean, address1 text, address2 text, city text, region text, zip text, country text, action text,
    active boolean, assignor boolean, lender text, lender_kind text, lender_mca text, lender_evidence text
) ON COMMIT DROP;

-- name: stage_collateral
CREATE TEMPORARY TABLE stage_collateral (
    number text, collateral_key text, description text, kinds text[], mca_phrase text, action text, active boolean
) ON COMMIT DROP;

-- name: stage_events
CREATE TEMPORARY TABLE stage_events (
    event_id bigint, number text, filing_id bigint, is_new boolean
) ON COMMIT DROP;

-- name: stage_affected
-- alone: the filing consists of one document, so there is nothing to weigh against each other.
CREATE TEMPORARY TABLE stage_affected (filing_id bigint PRIMARY KEY, alone boolean) ON COMMIT DROP;

-- name: insert_filings
-- A filing whose initial document is on the page is written whole at once; one known by an amendment alone waits for it.
INSERT INTO ucc_filings (
    register, filing_number, state, filing_type, document_type, initial_seen, filed_on, lapse_as_filed, lapse_on,
    register_status, status, last_event_on)
SELECT $1, n.initial_number, $2, i.filing_type, i.document_type, i.number IS NOT NULL, i.filed_on, i.lapse_on, i.lapses,
       i.status_as_filed,
       CASE WHEN i.number IS NULL THEN 'unknown'
            WHEN i.status_as_filed = 'terminated' THEN 'terminated'
            WHEN i.lapses < $3::date OR (i.lapses IS NULL AND i.status_as_filed = 'lapsed') THEN 'lapsed'
            ELSE 'active' END,
       i.filed_on
FROM (SELECT DISTINCT initial_number FROM stage_documents) AS n
LEFT JOIN (
    SELECT DISTINCT ON (initial_number) *,
           coalesce(lapse_on, CASE WHEN filing_type IN ('ucc', 'farm_product')
                                   THEN (filed_on + interval '5 years')::date END) AS lapses
    FROM stage_documents
    WHERE kind = 'initial' AND filing_type IS NOT NULL
    ORDER BY initial_number, number
) AS i USING (initial_number)
ORDER BY n.initial_number
ON CONFLICT (register, filing_number) DO NOTHING;

-- name: note_moved_filings
-- A corrected document may point at another filing than before: both are derived anew.
INSERT INTO stage_affected (filing_id, alone)
SELECT DISTINCT e.filing_id, false
FROM stage_documents AS s
JOIN filing_events AS e ON e.register = $1 AND e.document_number = s.number
WHERE e.content_hash <> s.content_hash
ON CONFLICT DO NOTHING;

-- name: upsert_events
WITH merged AS (
    INSERT INTO filing_events AS e (
        register, document_number, filing_id, kind, document_type, filing_type, filed_on, lapse_on, status_as_filed,
        content_hash, source_id)
    SELECT $1, s.number, f.id, s.kind, s.document_type, s.filing_type, s.filed_on, s.lapse_on, s.status_as_filed,
           s.content_hash, s.source_id
    FROM stage_documents AS s
    JOIN ucc_filings AS f ON f.register = $1 AND f.filing_number = s.initial_number
    ON CONFLICT (register, document_number) DO UPDATE SET
        filing_id = excluded.filing_id, kind = excluded.kind, document_type = excluded.document_type,
        filing_type = excluded.filing_type, filed_on = excluded.filed_on, lapse_on = excluded.lapse_on,
        status_as_filed = excluded.status_as_filed, content_hash = excluded.content_hash, source_id = excluded.source_id
    WHERE e.content_hash IS DISTINCT FROM excluded.content_hash
    RETURNING e.id, e.document_number, e.filing_id, (e.xmax = 0) AS is_new
)
INSERT INTO stage_events (event_id, number, filing_id, is_new)
SELECT id, document_number, filing_id, is_new FROM merged;

-- name: note_affected
INSERT INTO stage_affected (filing_id, alone)
SELECT a.filing_id, count(*) = 1 AND bool_and(f.initial_seen)
FROM (SELECT DISTINCT filing_id FROM stage_events) AS a
JOIN ucc_filings AS f ON f.id = a.filing_id
JOIN filing_events AS e ON e.filing_id = a.filing_id
GROUP BY a.filing_id
ON CONFLICT (filing_id) DO UPDATE SET alone = false;

-- name: analyze_stage
ANALYZE stage_documents, stage_parties, stage_collateral, stage_events, stage_affected;

-- name: drop_old_parties
DELETE FROM filing_parties WHERE event_id IN (SELECT event_id FROM stage_events WHERE NOT is_new);

-- name: drop_old_collateral
DELETE FROM filing_collateral WHERE event_id IN (SELECT event_id FROM stage_events WHERE NOT is_new);

-- name: insert_parties
INSERT INTO filing_parties (
    event_id, filing_id, role, party_key, name, name_key, trade_names, is_organization, is_business, address1, address2,
    city, region, zip, country, action, active, assignor, is_current, lender, lender_kind, lender_mca, lender_evidence)
SELECT e.event_id, e.filing_id, p.role, p.party_key, p.name, p.name_key, p.trade_names, p.is_organization, p.is_business,
       p.address1, p.address2, p.city, p.region, p.zip, p.country, p.action, p.active, p.assignor,
       p.active AND p.action <> 'delete', p.lender, p.lender_kind, p.lender_mca, p.lender_evidence
FROM stage_parties AS p
JOIN stage_events AS e USING (number)
ON CONFLICT DO NOTHING;

-- name: insert_collateral
INSERT INTO filing_collateral (event_id, filing_id, collateral_key, description, kinds, mca_phrase, action, active)
SELECT e.event_id, e.filing_id, c.collateral_key, c.description, c.kinds, c.mca_phrase, c.action, c.active
FROM stage_collateral AS c
JOIN stage_events AS e USING (number)
ON CONFLICT DO NOTHING;

-- name: derive_parties
-- A party counts while its row is active, no later document deletes a party of that name and role, and, for a secured
-- party, no later full assignment names others in its place (UCC 9-514).
WITH told AS (
    SELECT p.event_id, p.role, p.party_key, p.is_current, p.filing_id, e.kind,
           dense_rank() OVER (PARTITION BY p.filing_id ORDER BY e.filed_on, e.document_number) AS place,
           p.active AND p.action <> 'delete' AND NOT (p.assignor AND e.kind = 'assignment') AS stands,
           p.action = 'delete' OR (p.assignor AND e.kind = 'assignment') AS removes,
           coalesce(nullif(p.name_key, ''), upper(p.name)) AS match_key
    FROM stage_affected AS a
    JOIN filing_parties AS p ON p.filing_id = a.filing_id
    JOIN filing_events AS e ON e.id = p.event_id
    WHERE NOT a.alone
), placed AS (
    SELECT told.*,
           max(place) FILTER (WHERE removes) OVER (PARTITION BY filing_id, role, match_key) AS removed_at,
           max(place) FILTER (WHERE role = 'secured' AND kind = 'assignment' AND stands)
               OVER (PARTITION BY filing_id, role) AS assigned_at
    FROM told
), derived AS (
    SELECT event_id, role, party_key, is_current,
           stands AND coalesce(removed_at <= place, true) AND coalesce(assigned_at <= place, true) AS should_be
    FROM placed
)
UPDATE filing_parties AS p SET is_current = derived.should_be
FROM derived
WHERE p.event_id = derived.event_id AND p.role = derived.role AND p.party_key = derived.party_key
  AND derived.is_current IS DISTINCT FROM derived.should_be;

-- name: derive_filings
WITH told AS (
    SELECT e.filing_id,
           (array_agg(e.document_type ORDER BY e.document_number) FILTER (WHERE e.kind = 'initial'))[1] AS document_type,
           (array_agg(e.filing_type ORDER BY e.document_number) FILTER (WHERE e.kind = 'initial'))[1] AS filing_type,
           min(e.filed_on) FILTER (WHERE e.kind = 'initial') AS filed_on,
           min(e.lapse_on) FILTER (WHERE e.kind = 'initial') AS lapse_as_filed,
           max(e.lapse_on) AS last_lapse_told,
           array_agg(e.filed_on ORDER BY e.filed_on) FILTER (WHERE e.kind = 'continuation') AS continued,
           array_agg(e.filed_on) FILTER (WHERE e.kind = 'termination') AS terminations,
           max(e.filed_on) FILTER (WHERE e.kind = 'correction' AND e.document_type ILIKE '%terminat%') AS revoked_on,
           (array_agg(e.status_as_filed ORDER BY e.filed_on DESC, e.document_number DESC)
                FILTER (WHERE e.status_as_filed IS NOT NULL))[1] AS register_status,
           count(*) FILTER (WHERE e.kind <> 'initial') AS amendments,
           max(e.filed_on) AS last_event_on
    FROM stage_affected AS a
    JOIN filing_events AS e ON e.filing_id = a.filing_id
    WHERE NOT a.alone OR e.kind <> 'initial'
    GROUP BY e.filing_id
), lapsing AS (
    SELECT told.*,
           coalesce(ucc_lapse_on(
                        coalesce(lapse_as_filed, CASE WHEN filing_type IN ('ucc', 'farm_product')
                                                      THEN (filed_on + interval '5 years')::date END),
                        continued),
                    last_lapse_told) AS lapse_on
    FROM told
), standing AS (
    -- what corrects a termination (California: Erroneous Termination) takes back all that came until then
    SELECT lapsing.*, cardinality(t.kept) > 0 AS has_termination, t.terminated_on
    FROM lapsing
    CROSS JOIN LATERAL (
        SELECT array_agg(d.filed_on) AS kept, min(d.filed_on) AS terminated_on
        FROM unnest(lapsing.terminations) AS d (filed_on)
        WHERE lapsing.revoked_on IS NULL OR d.filed_on > lapsing.revoked_on
    ) AS t
), derived AS (
    SELECT standing.*,
           CASE WHEN filing_type IS NULL THEN 'unknown'
                WHEN has_termination OR register_status = 'terminated' THEN 'terminated'
                WHEN lapse_on < $1::date OR (lapse_on IS NULL AND register_status = 'lapsed') THEN 'lapsed'
                ELSE 'active' END AS status
    FROM standing
)
UPDATE ucc_filings AS f SET
    filing_type = d.filing_type, document_type = d.document_type, initial_seen = d.filing_type IS NOT NULL,
    filed_on = d.filed_on, lapse_as_filed = d.lapse_as_filed, lapse_on = d.lapse_on,
    continued_on = d.continued[cardinality(d.continued)], continuations = coalesce(cardinality(d.continued), 0),
    terminated_on = d.terminated_on, register_status = d.register_status, status = d.status,
    amendments = d.amendments, last_event_on = d.last_event_on
FROM derived AS d
WHERE f.id = d.filing_id
  AND (f.filing_type, f.document_type, f.filed_on, f.lapse_as_filed, f.lapse_on, f.continuations, f.continued_on,
       f.terminated_on, f.register_status, f.status, f.amendments, f.last_event_on)
      IS DISTINCT FROM
      (d.filing_type, d.document_type, d.filed_on, d.lapse_as_filed, d.lapse_on, coalesce(cardinality(d.continued), 0),
       d.continued[cardinality(d.continued)], d.terminated_on, d.register_status, d.status, d.amendments::integer,
       d.last_event_on);

-- name: stage_links
-- Who the current business debtors of the affected filings are; a person is never a prospect.
CREATE TEMPORARY TABLE stage_links ON COMMIT DROP AS
SELECT DISTINCT ON (f.id, p.name_key)
       f.id AS filing_id, md5(f.state || ':' || p.name_key)::uuid AS prospect_id, f.state || ':' || p.name_key AS debtor_key,
       p.name_key, f.state, p.name
FROM stage_affected AS a
JOIN ucc_filings AS f ON f.id = a.filing_id
JOIN filing_parties AS p ON p.filing_id = f.id
WHERE f.initial_seen AND p.role = 'debtor' AND p.is_business AND p.is_current AND p.name_key <> ''
  AND NOT EXISTS (SELECT 1 FROM tombstones AS t WHERE t.debtor_key = f.state || ':' || p.name_key)
ORDER BY f.id, p.name_key, p.name;

-- name: insert_prospects
INSERT INTO prospects (id, debtor_key, company_name, name_key, state)
SELECT DISTINCT ON (debtor_key) prospect_id, debtor_key, name, name_key, state
FROM stage_links
ORDER BY debtor_key, name
ON CONFLICT DO NOTHING;

-- name: adopt_prospects
-- A prospect made by hand before its debtor was met is that debtor from now on; what the person wrote stays.
UPDATE prospects AS p SET debtor_key = s.debtor_key
FROM (SELECT DISTINCT debtor_key, state, name_key FROM stage_links) AS s
WHERE p.id = (
    SELECT q.id FROM prospects AS q
    WHERE q.debtor_key IS NULL AND q.state = s.state AND q.name_key = s.name_key
    ORDER BY q.created_at, q.id LIMIT 1)
  AND NOT EXISTS (SELECT 1 FROM prospects AS x WHERE x.debtor_key = s.debtor_key);

-- name: resolve_prospects
UPDATE stage_links AS s SET prospect_id = p.id
FROM prospects AS p
WHERE p.debtor_key = s.debtor_key AND p.id <> s.prospect_id;

-- name: stage_changed
CREATE TEMPORARY TABLE stage_changed ON COMMIT DROP AS
SELECT prospect_id FROM stage_links
UNION
SELECT l.prospect_id FROM stage_affected AS a JOIN prospect_ucc_filings AS l ON l.filing_id = a.filing_id;

-- name: unlink_filings
DELETE FROM prospect_ucc_filings AS l
USING stage_affected AS a
WHERE l.filing_id = a.filing_id AND NOT a.alone
  AND NOT EXISTS (SELECT 1 FROM stage_links AS s WHERE s.filing_id = l.filing_id AND s.prospect_id = l.prospect_id);

-- name: link_filings
INSERT INTO prospect_ucc_filings (prospect_id, filing_id)
SELECT s.prospect_id, s.filing_id FROM stage_links AS s
ORDER BY s.prospect_id, s.filing_id
ON CONFLICT DO NOTHING;

-- name: prune_prospects
-- A prospect that lost its last filing and that no person has touched was never one: documents may come in any order.
DELETE FROM prospects AS p
USING stage_changed AS c
WHERE p.id = c.prospect_id AND p.status = 'unclaimed' AND p.claimed_by IS NULL AND p.notes IS NULL
  AND p.corrected_name IS NULL AND p.corrected_industry IS NULL
  AND NOT EXISTS (SELECT 1 FROM prospect_ucc_filings AS l WHERE l.prospect_id = p.id);

-- name: bump_prospects
INSERT INTO prospect_work (prospect_id)
SELECT c.prospect_id FROM stage_changed AS c JOIN prospects AS p ON p.id = c.prospect_id ORDER BY c.prospect_id
ON CONFLICT (prospect_id) DO UPDATE SET facts_rev = prospect_work.facts_rev + 1, changed_at = now();

-- name: publish_changed
WITH added AS (
    INSERT INTO outbox (topic, payload)
    SELECT $1, jsonb_build_object('prospect_ids', jsonb_agg(prospect_id))
    FROM (
        SELECT c.prospect_id, (row_number() OVER (ORDER BY c.prospect_id) - 1) / $2::integer AS chunk
        FROM stage_changed AS c JOIN prospects AS p ON p.id = c.prospect_id
    ) AS numbered
    GROUP BY chunk
)
SELECT pg_notify('ucc_outbox', $1);

-- name: merge_counts
SELECT (SELECT count(*) FROM stage_events WHERE is_new) AS new,
       (SELECT count(*) FROM stage_events WHERE NOT is_new) AS changed,
       (SELECT count(*) FROM stage_changed) AS prospects;

-- name: quarantine_row
INSERT INTO quarantine (register, dataset, row_key, row_text, reason, job_id)
VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (register, dataset, md5(row_text)) DO NOTHING;

-- name: page_exists
SELECT true FROM jobs WHERE parent_id = $1 AND kind = 'ingestion.page' AND (args ->> 'offset')::bigint = $2 LIMIT 1;

-- name: orphans
-- Filings known by an amendment alone, whose initial document has not been asked for yet.
SELECT filing_number FROM ucc_filings
WHERE register = $1 AND NOT initial_seen AND NOT history_checked
ORDER BY id LIMIT $2;

-- name: mark_history_checked
UPDATE ucc_filings SET history_checked = true
WHERE register = $1 AND filing_number = ANY($2::text[]) AND NOT initial_seen AND NOT history_checked;

-- name: child_totals
SELECT coalesce(sum((result ->> 'rows')::bigint), 0) AS rows,
       coalesce(sum((result ->> 'documents')::bigint), 0) AS documents,
       coalesce(sum((result ->> 'new')::bigint), 0) AS new,
       coalesce(sum((result ->> 'changed')::bigint), 0) AS changed,
       coalesce(sum((result ->> 'unchanged')::bigint), 0) AS unchanged,
       coalesce(sum((result ->> 'quarantined')::bigint), 0) AS quarantined,
       coalesce(sum((result ->> 'prospects')::bigint), 0) AS prospects
FROM jobs WHERE parent_id = $1 AND state = 'succeeded';

-- name: unscored
SELECT count(*) FROM prospect_work WHERE scored_rev < facts_rev;

-- name: source_covered
SELECT covered_until FROM data_sources WHERE name = $1;

-- name: source_started
INSERT INTO data_sources (name, kind, last_started_at) VALUES ($1, 'register', now())
ON CONFLICT (name) DO UPDATE SET last_started_at = now();

-- name: source_succeeded
UPDATE data_sources
SET last_success_at = now(), last_error = NULL,
    covered_until = CASE WHEN $2::date > covered_until THEN covered_until ELSE greatest(covered_until, $3::date) END
WHERE name = $1;

-- name: corrections
SELECT dataset, row_text, corrected_row FROM quarantine
WHERE register = $1 AND state = 'replayed' AND corrected_row IS NOT NULL
ORDER BY id;

-- name: entry
SELECT id, dataset, row_text, reason, state, replay_job_id FROM quarantine WHERE id = $1;

-- name: entry_replayed
UPDATE quarantine
SET state = 'replayed', corrected_row = $2, replay_job_id = $3, resolved_at = now(),
    resolved_by = (SELECT created_by FROM jobs WHERE id = $3)
WHERE id = $1 AND state = 'open'
RETURNING id;

-- name: entry_refused
UPDATE quarantine SET reason = $2 WHERE id = $1 AND state = 'open';
