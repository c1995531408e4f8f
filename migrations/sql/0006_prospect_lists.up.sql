-- phase: expand
-- transaction: true
-- min_app_version: 0.1.0
-- Totals of the prospects' list without counting rows, and indexes of its filters.

-- How many prospects have each combination that the list's main filters tell apart. A change of prospects appends
-- deltas, one row a combination and statement, and never waits for another; folding moves them into the cells.
CREATE TABLE prospect_cells (
    state    text NOT NULL,
    industry text NOT NULL,  -- '' where it is not known
    status   text NOT NULL,
    score    smallint NOT NULL,
    prospects bigint NOT NULL,
    PRIMARY KEY (state, industry, status, score)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);
CREATE TABLE prospect_cell_deltas (
    state    text NOT NULL,
    industry text NOT NULL,
    status   text NOT NULL,
    score    smallint NOT NULL,
    change   bigint NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000,
        autovacuum_vacuum_insert_threshold = -1);

CREATE FUNCTION prospects_count_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO prospect_cell_deltas (state, industry, status, score, change)
        SELECT state, coalesce(corrected_industry, industry, ''), status, priority_score, count(*)
        FROM added GROUP BY 1, 2, 3, 4;
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO prospect_cell_deltas (state, industry, status, score, change)
        SELECT state, coalesce(corrected_industry, industry, ''), status, priority_score, -count(*)
        FROM removed GROUP BY 1, 2, 3, 4;
    ELSIF TG_OP = 'UPDATE' THEN
        INSERT INTO prospect_cell_deltas (state, industry, status, score, change)
        SELECT state, coalesce(corrected_industry, industry, ''), status, priority_score, sum(change)
        FROM (SELECT state, corrected_industry, industry, status, priority_score, 1 AS change FROM added
              UNION ALL
              SELECT state, corrected_industry, industry, status, priority_score, -1 FROM removed) AS changed
        GROUP BY 1, 2, 3, 4 HAVING sum(change) <> 0;
    ELSE
        DELETE FROM prospect_cells;
        DELETE FROM prospect_cell_deltas;
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER prospects_count_insert AFTER INSERT ON prospects
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION prospects_count_change();
CREATE TRIGGER prospects_count_update AFTER UPDATE ON prospects
    REFERENCING OLD TABLE AS removed NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION prospects_count_change();
CREATE TRIGGER prospects_count_delete AFTER DELETE ON prospects
    REFERENCING OLD TABLE AS removed FOR EACH STATEMENT EXECUTE FUNCTION prospects_count_change();
CREATE TRIGGER prospects_count_truncate AFTER TRUNCATE ON prospects
    FOR EACH STATEMENT EXECUTE FUNCTION prospects_count_change();
-- The triggers keep writers out until this transaction ends: what is counted here is complete.
INSERT INTO prospect_cells (state, industry, status, score, prospects)
SELECT state, coalesce(corrected_industry, industry, ''), status, priority_score, count(*)
FROM prospects GROUP BY 1, 2, 3, 4;

-- Any part of a name, by trigrams; a lender by its name or how that begins: one term a lender, not words of it.
CREATE EXTENSION IF NOT EXISTS pg_trgm;
CREATE INDEX prospects_name_part ON prospects USING gin ((coalesce(corrected_name, company_name)) gin_trgm_ops);
CREATE FUNCTION prospect_lender_terms(lenders jsonb) RETURNS tsvector LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (SELECT array_to_tsvector(coalesce(array_agg(DISTINCT left(lower(lender ->> 'name'), 200)), '{}'))
        FROM jsonb_array_elements(lenders) AS lender WHERE lender ->> 'name' <> '');
CREATE INDEX prospects_lender ON prospects USING gin (prospect_lender_terms(lenders)) WHERE lenders <> '[]';
-- What few prospects have is found by an index of those few.
CREATE INDEX prospects_mca ON prospects (mca, priority_score DESC, id) WHERE mca <> 'none';
CREATE INDEX prospects_distress ON prospects (priority_score DESC, id) WHERE distress;
CREATE INDEX prospects_grade ON prospects (health_grade, priority_score DESC, id) WHERE health_grade <> 'C';
CREATE INDEX prospects_state_industry ON prospects
    (state, (coalesce(corrected_industry, industry)), priority_score DESC, id);
