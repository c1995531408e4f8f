-- phase: expand
-- transaction: true
-- min_app_version: 0.1.0
-- What is read most costs least: a prospect's story is kept once it was told, and the list's orders find the rows of a
-- page in an index alone, whatever the filters.

-- Derived, and complete only while its revisions are those of prospect_work: every change of what the story tells raises
-- one of them. Kept at the first reading, because most prospects are never looked at one by one. A migration that changes
-- prospect_story empties this table.
CREATE TABLE prospect_stories (
    prospect_id  uuid PRIMARY KEY REFERENCES prospects (id) ON DELETE CASCADE,
    facts_rev    bigint NOT NULL,
    scored_rev   bigint NOT NULL,
    scored_as_of date,
    health       json,
    signals      json NOT NULL,
    filings      json NOT NULL
);

-- The tag of what prospect_get shows: whoever has a copy asks for this alone. As in services/prospects/queries.sql.
CREATE FUNCTION prospect_tag(asked uuid) RETURNS text LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (SELECT format('v%s.%s.%s.%s', p.version, w.facts_rev, w.scored_rev, w.scored_as_of - date '2000-01-01')
            FROM prospects AS p LEFT JOIN prospect_work AS w ON w.prospect_id = p.id WHERE p.id = asked);
END
$$;

CREATE FUNCTION prospect_told(asked uuid, facts bigint, scored bigint, scored_on date)
RETURNS TABLE (health json, signals json, filings json) LANGUAGE plpgsql AS $$
BEGIN
    RETURN QUERY SELECT s.health, s.signals, s.filings FROM prospect_stories AS s
    WHERE s.prospect_id = asked AND s.facts_rev = facts AND s.scored_rev = scored
      AND s.scored_as_of IS NOT DISTINCT FROM scored_on;
    IF FOUND THEN
        RETURN;
    END IF;
    SELECT s.health, s.signals, s.filings INTO health, signals, filings FROM prospect_story(asked) AS s;
    RETURN NEXT;
    IF facts IS NULL THEN
        RETURN;
    END IF;
    BEGIN
        INSERT INTO prospect_stories AS kept (prospect_id, facts_rev, scored_rev, scored_as_of, health, signals, filings)
        VALUES (asked, facts, scored, scored_on, health, signals, filings)
        ON CONFLICT (prospect_id) DO UPDATE SET
            facts_rev = excluded.facts_rev, scored_rev = excluded.scored_rev, scored_as_of = excluded.scored_as_of,
            health = excluded.health, signals = excluded.signals, filings = excluded.filings;
    EXCEPTION WHEN foreign_key_violation OR read_only_sql_transaction OR lock_not_available THEN
        -- deleted meanwhile, or nothing can be written now: it was told all the same
        NULL;
    END;
END
$$;

-- The name that lists show and sort by. A column, because PostgreSQL reads no expression from an index alone unless
-- what it is made of stands there too.
ALTER TABLE prospects ADD COLUMN shown_name text NOT NULL GENERATED ALWAYS AS (coalesce(corrected_name, company_name)) STORED;

-- Every update of a score or status writes each index anyway (none is HOT); what is included costs size alone.
DROP INDEX prospects_score;
DROP INDEX prospects_state_score;
DROP INDEX prospects_status_score;
DROP INDEX prospects_industry_score;
DROP INDEX prospects_state_industry;
DROP INDEX prospects_created;
DROP INDEX prospects_name;
CREATE INDEX prospects_score ON prospects (priority_score DESC, id)
    INCLUDE (state, status, corrected_industry, industry);
CREATE INDEX prospects_state_score ON prospects (state, priority_score DESC, id)
    INCLUDE (status, corrected_industry, industry);
CREATE INDEX prospects_status_score ON prospects (status, priority_score DESC, id)
    INCLUDE (state, corrected_industry, industry);
CREATE INDEX prospects_industry_score ON prospects ((coalesce(corrected_industry, industry)), priority_score DESC, id)
    INCLUDE (corrected_industry, industry, state, status);
CREATE INDEX prospects_state_industry ON prospects
    (state, (coalesce(corrected_industry, industry)), priority_score DESC, id) INCLUDE (corrected_industry, industry, status);
CREATE INDEX prospects_created ON prospects (created_at DESC, id)
    INCLUDE (state, status, priority_score, corrected_industry, industry);
CREATE INDEX prospects_name ON prospects (shown_name, id)
    INCLUDE (state, status, priority_score, corrected_industry, industry);
-- A territory is looked at in every order, and with each place in the pipeline.
CREATE INDEX prospects_state_status ON prospects (state, status, priority_score DESC, id)
    INCLUDE (corrected_industry, industry);
CREATE INDEX prospects_state_created ON prospects (state, created_at DESC, id)
    INCLUDE (status, priority_score, corrected_industry, industry);
CREATE INDEX prospects_state_name ON prospects (state, shown_name, id)
    INCLUDE (status, priority_score, corrected_industry, industry);
-- An index alone answers only where vacuum has marked the pages.
ALTER TABLE prospects SET (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_insert_scale_factor = 0.05);
