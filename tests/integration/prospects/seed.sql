-- Sixty prospects of three states with few distinct scores, so that most places in an order are ties.
INSERT INTO prospects (id, debtor_key, company_name, name_key, state, industry, industry_confidence, status, claimed_by, claimed_at,
                       mca, stack_depth, stack_certain, renewal_due, renewal_on, distress, priority_score, created_at)
SELECT ('00000000-0000-4000-8000-' || lpad(i::text, 12, '0'))::uuid, 'KEY ' || i, 'Company ' || chr(65 + i * 7 % 26), 'KEY ' || i,
       (ARRAY['CO', 'CT', 'OR'])[1 + i % 3], (ARRAY['restaurant', 'construction', NULL])[1 + i / 2 % 3],
       CASE WHEN i / 2 % 3 < 2 THEN 0.8 END, (ARRAY['unclaimed', 'claimed', 'contacted', 'qualified', 'dead'])[1 + i % 5],
       CASE WHEN i % 5 = 1 THEN 'ann' END, CASE WHEN i % 5 = 1 THEN timestamptz '2026-09-01 12:00+00' END,
       (ARRAY['none', 'possible', 'certain'])[1 + i % 3], i % 4, i % 4 / 2, i % 6 = 0, CASE WHEN i % 6 = 0 THEN date '2027-03-01' END,
       i % 10 = 0, i % 4 * 25, timestamptz '2026-09-01 00:00+00' + i / 3 * interval '1 hour'
FROM generate_series(1, 60) AS i;

-- What a person corrected counts before what was filed or inferred.
UPDATE prospects SET corrected_name = 'AAA Corrected', corrected_industry = 'technology'
WHERE id = '00000000-0000-4000-8000-000000000007';

-- One prospect with everything.
UPDATE prospects SET
    filings = 2, open_filings = 1, filing_date = '2026-08-20', lien_amount = 12500.50, health_score = 72, health_grade = 'C',
    names_as_filed = '[{"name": "Blue Café, LLC", "filings": 2}]', trade_names = '["Blue Bar"]',
    addresses = '[{"address1": "1 Main St", "address2": null, "city": "Denver", "state": "CO", "zip": "80202", "filings": 2}]',
    lenders = '[{"name": "Fast Capital", "kind": "mca_funder", "mca": "certain", "as_filed": ["FAST CAPITAL LLC"], "filings": 1, "open": 1,
                 "last_filed_on": "2026-08-20", "why": "A known funder.",
                 "evidence": [{"filing": "co:2026200", "filed_on": "2026-08-20", "open": true}]}]',
    evidence = '{"mca": [{"filing": "co:2026200", "filed_on": "2026-08-20", "lender": "Fast Capital", "as_filed": "FAST CAPITAL LLC",
                          "mca": "certain", "why": "A known funder."}],
                 "stack_certain": ["co:2026200"], "industry": ["the name says CAFE"],
                 "distress": {"note": "Inference.", "open_liens": 1, "kinds": {"federal_tax_lien": 1},
                              "liens": [{"filing": "co:2025100", "filed_on": "2025-01-02", "kind": "federal_tax_lien", "holder": "IRS"}]}}',
    score_components = '[{"name": "stack", "points": 50, "reason": "2 open MCA filings."}]'
WHERE id = '00000000-0000-4000-8000-000000000001';

INSERT INTO ucc_filings (id, register, filing_number, state, filing_type, document_type, initial_seen, filed_on, lapse_on,
                         continued_on, terminated_on, status)
OVERRIDING SYSTEM VALUE VALUES
    (1, 'co', '2026200', 'CO', 'ucc', 'Initial', true, '2026-08-20', '2031-08-20', NULL, NULL, 'active'),
    (2, 'co', '2020100', 'CO', 'ucc', 'Initial', true, '2020-01-02', '2030-01-02', '2024-09-01', '2026-01-01', 'terminated'),
    (3, 'co', '2025100', 'CO', 'federal_tax_lien', NULL, true, '2025-01-02', NULL, NULL, NULL, 'active');
INSERT INTO prospect_ucc_filings
SELECT '00000000-0000-4000-8000-000000000001', id FROM ucc_filings;
INSERT INTO filing_events (id, register, document_number, filing_id, kind, document_type, filed_on, content_hash)
OVERRIDING SYSTEM VALUE VALUES
    (1, 'co', '2026200', 1, 'initial', 'Initial', '2026-08-20', ''),
    (2, 'co', '2020100', 2, 'initial', 'Initial', '2020-01-02', ''),
    (3, 'co', '2024300', 2, 'continuation', 'Continuation', '2024-09-01', ''),
    (4, 'co', '2026001', 2, 'termination', 'Termination', '2026-01-01', ''),
    (5, 'co', '2025100', 3, 'initial', NULL, '2025-01-02', '');
INSERT INTO filing_parties (event_id, filing_id, role, party_key, name, name_key, is_organization, is_business, action, active, assignor,
                            is_current, lender, lender_kind, lender_mca, lender_evidence)
VALUES
    (1, 1, 'debtor', 'a', 'Blue Café, LLC', 'BLUE CAFE', true, true, 'add', true, false, true, NULL, NULL, NULL, NULL),
    (1, 1, 'debtor', 'b', 'Former Name LLC', 'FORMER NAME', true, true, 'delete', true, false, false, NULL, NULL, NULL, NULL),
    (1, 1, 'secured', 'c', 'FAST CAPITAL LLC', 'FAST CAPITAL', true, true, 'add', true, false, true,
     'Fast Capital', 'mca_funder', 'certain', 'a known funder'),
    (2, 2, 'secured', 'c', 'First Bank', 'FIRST BANK', true, true, 'add', true, false, true, NULL, 'bank', 'none', NULL),
    (3, 2, 'secured', 'c', 'First Bank', 'FIRST BANK', true, true, 'add', true, false, true, NULL, 'bank', 'none', NULL),
    (5, 3, 'secured', 'c', 'IRS', 'IRS', true, true, 'add', true, false, true, NULL, NULL, 'possible', 'not a lender''s filing');
INSERT INTO filing_collateral (event_id, filing_id, collateral_key, description, mca_phrase, action, active)
VALUES
    (1, 1, 'a', 'All future receipts sold to the secured party.', 'future receipts', 'add', true),
    (1, 1, 'b', repeat('x', 600), NULL, 'add', true),
    (1, 1, 'c', 'released', NULL, 'delete', true);
INSERT INTO health_scores (prospect_id, as_of, score, grade, signals, liens, sentiment_trend, trend_reason, components)
VALUES
    ('00000000-0000-4000-8000-000000000001', '2026-08-30', 65, 'D', 0, 1, NULL, NULL, '[]'),
    ('00000000-0000-4000-8000-000000000001', '2026-08-31', 70, 'C', 0, 0, 'stable', '70 now, 70 on 2026-06-02.',
     '[{"name": "base", "points": 70, "reason": "Base."}]'),
    ('00000000-0000-4000-8000-000000000001', '2026-09-01', 72, 'C', 1, 0, 'improving', '72 now, 65 on 2026-06-03.',
     '[{"name": "base", "points": 70, "reason": "Base."}]');
INSERT INTO growth_signals (prospect_id, type, source, source_key, observed_on, title, amount, confidence, evidence)
VALUES
    ('00000000-0000-4000-8000-000000000001', 'equipment', 'ucc', 'co:1', '2026-01-01', 'Older', NULL, 0.8, '{}'),
    ('00000000-0000-4000-8000-000000000001', 'equipment', 'ucc', 'co:2', '2026-05-01', 'Newer', 9000, 1, '{"filing": "co:2"}');
