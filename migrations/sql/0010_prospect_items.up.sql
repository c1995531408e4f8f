-- phase: expand
-- transaction: true
-- min_app_version: 0.1.0
-- The rows of a page in the order asked, as JSON in UTF-8. A function for its plan, which PL/pgSQL keeps for the life of
-- a server connection: what a request plans itself is then only which rows. The columns are those of `prospect_item` in
-- services/prospects/queries.sql; what a person corrected goes first.

CREATE FUNCTION prospect_items(asked uuid[]) RETURNS bytea LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
BEGIN
    RETURN (
        SELECT convert_to(coalesce(json_agg(item ORDER BY wanted.nth), '[]')::text, 'UTF8')
        FROM unnest(asked) WITH ORDINALITY AS wanted (id, nth)
        CROSS JOIN LATERAL (
              SELECT p.id, coalesce(p.corrected_name, p.company_name) AS company_name, p.state,
              coalesce(p.corrected_industry, p.industry) AS industry, p.industry_confidence, p.status, p.claimed_by, p.claimed_at,
              p.priority_score, p.health_score, p.health_grade, p.mca, p.stack_depth, p.stack_certain, p.renewal_due, p.renewal_on,
              p.distress, p.lenders, p.filings AS filing_count, p.open_filings AS open_filing_count, p.filing_date, p.lien_amount,
              p.evidence, p.created_at, p.updated_at, p.version
              FROM prospects AS p WHERE p.id = wanted.id) AS item);
END
$$;

-- With the columns of the expression beside it PostgreSQL finds the rows of a page in the index alone.
DROP INDEX prospects_state_industry;
DROP INDEX prospects_industry_score;
CREATE INDEX prospects_state_industry ON prospects
    (state, (coalesce(corrected_industry, industry)), priority_score DESC, id) INCLUDE (corrected_industry, industry);
CREATE INDEX prospects_industry_score ON prospects
    ((coalesce(corrected_industry, industry)), priority_score DESC, id) INCLUDE (corrected_industry, industry);
