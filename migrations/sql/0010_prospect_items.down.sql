DROP INDEX prospects_industry_score;
DROP INDEX prospects_state_industry;
CREATE INDEX prospects_industry_score ON prospects ((coalesce(corrected_industry, industry)), priority_score DESC, id);
CREATE INDEX prospects_state_industry ON prospects
    (state, (coalesce(corrected_industry, industry)), priority_score DESC, id);
DROP FUNCTION prospect_items(uuid[]);
