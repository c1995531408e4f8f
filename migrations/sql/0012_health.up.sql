-- phase: expand
-- transaction: true
-- min_app_version: 0.1.0
-- Health with its trend, grades of the portfolio that follow it, competitors under one key.

-- Rows of before have no trend: it was not judged.
ALTER TABLE health_scores
    ADD COLUMN liens           integer NOT NULL DEFAULT 0 CHECK (liens >= 0),
    ADD COLUMN sentiment_trend text CHECK (sentiment_trend IN ('improving', 'stable', 'declining')),
    ADD COLUMN trend_reason    text;
CREATE OR REPLACE VIEW latest_health_scores AS
SELECT DISTINCT ON (prospect_id) prospect_id, as_of, score, grade, signals, violations, components, liens, sentiment_trend,
       trend_reason
FROM health_scores
ORDER BY prospect_id, as_of DESC;

CREATE OR REPLACE FUNCTION prospect_story(asked uuid) RETURNS TABLE (health json, signals json, filings json)
LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
BEGIN
    -- Parties are the current ones: who was deleted by an amendment or assigned the filing away is left out. MCA evidence
    -- as scoring reads it: only of lenders' filings.
    RETURN QUERY SELECT
        (SELECT row_to_json(h)
         FROM (SELECT s.as_of, s.score, s.grade, s.sentiment_trend, s.trend_reason, s.signals, s.violations, s.liens,
                      s.components
               FROM health_scores AS s
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

-- Whose health a company of the portfolio has: that of the prospect it is linked to, else of the debtor of its name in its
-- state, else of the first prospect made by hand under that name.
CREATE VIEW portfolio_health AS
SELECT c.id, followed.prospect_id, followed.health_score, followed.health_grade
FROM portfolio_companies AS c
LEFT JOIN LATERAL (
    SELECT found.id AS prospect_id, found.health_score, found.health_grade
    FROM (SELECT p.id, p.health_score, p.health_grade, p.created_at, 1 AS nearness FROM prospects AS p
          WHERE p.id = c.prospect_id
          UNION ALL
          SELECT p.id, p.health_score, p.health_grade, p.created_at, 2 FROM prospects AS p
          WHERE p.debtor_key = c.state || ':' || c.name_key AND c.name_key <> ''
          UNION ALL
          SELECT p.id, p.health_score, p.health_grade, p.created_at, 3 FROM prospects AS p
          WHERE p.debtor_key IS NULL AND p.state = c.state AND p.name_key = c.name_key AND c.name_key <> '') AS found
    ORDER BY found.nearness, found.created_at, found.id
    LIMIT 1
) AS followed ON true;

-- Spellings of one lender are one competitor, by the rules that tell debtors apart. What is left of a name of punctuation
-- alone is the name itself.
ALTER TABLE competitors
    ADD COLUMN name_key text NOT NULL GENERATED ALWAYS AS (coalesce(nullif(ucc_name_key(name), ''), upper(name))) STORED;
CREATE UNIQUE INDEX competitors_name_key ON competitors (state, name_key);
