ALTER TABLE prospects RESET (autovacuum_vacuum_scale_factor, autovacuum_vacuum_insert_scale_factor);
DROP INDEX prospects_state_name;
DROP INDEX prospects_state_created;
DROP INDEX prospects_state_status;
DROP INDEX prospects_score;
DROP INDEX prospects_state_score;
DROP INDEX prospects_status_score;
DROP INDEX prospects_industry_score;
DROP INDEX prospects_state_industry;
DROP INDEX prospects_created;
DROP INDEX prospects_name;
CREATE INDEX prospects_score ON prospects (priority_score DESC, id);
CREATE INDEX prospects_state_score ON prospects (state, priority_score DESC, id);
CREATE INDEX prospects_status_score ON prospects (status, priority_score DESC, id);
CREATE INDEX prospects_industry_score ON prospects
    ((coalesce(corrected_industry, industry)), priority_score DESC, id) INCLUDE (corrected_industry, industry);
CREATE INDEX prospects_state_industry ON prospects
    (state, (coalesce(corrected_industry, industry)), priority_score DESC, id) INCLUDE (corrected_industry, industry);
CREATE INDEX prospects_created ON prospects (created_at DESC, id);
CREATE INDEX prospects_name ON prospects ((coalesce(corrected_name, company_name)), id);
ALTER TABLE prospects DROP COLUMN shown_name;
DROP FUNCTION prospect_told;
DROP FUNCTION prospect_tag;
DROP TABLE prospect_stories;
