DROP INDEX competitors_name_key;
ALTER TABLE competitors DROP COLUMN name_key;
DROP VIEW portfolio_health;
DROP VIEW latest_health_scores;
CREATE OR REPLACE FUNCTION prospect_story(asked uuid) RETURNS TABLE (health json, signals json, filings json)
LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
BEGIN
    -- Parties are the current ones: who was deleted by an amendment or assigned the filing away is left out. MCA evidence
    -- as scoring reads it: only of lenders' filings.
    RETURN QUERY SELECT
        (SELECT row_to_json(h)
         FROM (SELECT s.as_of, s.score, s.grade, s.signals, s.violations, s.components FROM health_scores AS s
               WHERE s.prospect_id = asked ORDER BY s.as_of DESC LIMIT 1) AS h),
        (SELECT coalesce(json_agg(g), '[]')
         FROM (SELECT type, source, source_key, observed_on, title, amount, confidence, evidence FROM growth_signals
               WHERE prospect_id = asked ORDER BY observed_on DESC NULLS LAST, id DESC LIMIT 100) AS g),
        (SELECT coalesce(json_agg(shown), '[]')
         FROM (SELECT f.register, f.filing_number, f.filing_type, f.document_type, f.status, f.filed_on, f.lapse_on, f.terminated_on,
                      f.continued_on,
                      (SELECT coalesce(json_agg(m ORDER BY m.mca, m.why), '[]')
                       FROM (SELECT p.lender_mca AS mca, coalesce(p.lender_evidence, p.name) AS why
                             FROM filing_parties AS p
                             WHERE p.filing_id = f.id AND p.role = 'secured' AND p.is_current AND p.lender_mca IN ('certain', 'possible')
                             UNION
                             SELECT 'certain', format('the collateral text says "%s"', c.mca_phrase)
                             FROM filing_collateral AS c
                             WHERE c.filing_id = f.id AND c.active AND c.action <> 'delete' AND c.mca_phrase IS NOT NULL) AS m
                       WHERE f.filing_type = 'ucc') AS mca_evidence,
                      (SELECT coalesce(json_agg(d.name), '[]')
                       FROM (SELECT DISTINCT name FROM filing_parties
                             WHERE filing_id = f.id AND role = 'debtor' AND is_current ORDER BY name LIMIT 100) AS d) AS debtors,
                      (SELECT coalesce(json_agg(s), '[]')
                       FROM (SELECT DISTINCT name AS as_filed, lender, lender_kind AS kind FROM filing_parties
                             WHERE filing_id = f.id AND role = 'secured' AND is_current ORDER BY name LIMIT 100) AS s) AS secured_parties,
                      (SELECT coalesce(json_agg(c.text), '[]')
                       FROM (SELECT CASE WHEN length(description) > 500 THEN left(description, 499) || '…' ELSE description END AS text
                             FROM filing_collateral
                             WHERE filing_id = f.id AND active AND action <> 'delete'
                             ORDER BY event_id, collateral_key LIMIT 100) AS c) AS collateral,
                      (SELECT coalesce(json_agg(e), '[]')
                       FROM (SELECT document_number, kind, document_type, filed_on FROM filing_events
                             WHERE filing_id = f.id ORDER BY filed_on DESC NULLS LAST, document_number DESC LIMIT 200) AS e) AS events
               FROM (SELECT u.* FROM prospect_ucc_filings AS l JOIN ucc_filings AS u ON u.id = l.filing_id
                     WHERE l.prospect_id = asked
                     ORDER BY u.filed_on DESC NULLS LAST, u.id DESC LIMIT 200) AS f) AS shown);
END
$$;
ALTER TABLE health_scores DROP COLUMN trend_reason, DROP COLUMN sentiment_trend, DROP COLUMN liens;
CREATE VIEW latest_health_scores AS
SELECT DISTINCT ON (prospect_id) prospect_id, as_of, score, grade, signals, violations, components
FROM health_scores
ORDER BY prospect_id, as_of DESC;
