DROP INDEX prospects_state_industry, prospects_grade, prospects_distress, prospects_mca, prospects_lender,
    prospects_name_part;
DROP EXTENSION pg_trgm;
DROP FUNCTION prospect_lender_terms(jsonb);
DROP TRIGGER prospects_count_truncate ON prospects;
DROP TRIGGER prospects_count_delete ON prospects;
DROP TRIGGER prospects_count_update ON prospects;
DROP TRIGGER prospects_count_insert ON prospects;
DROP FUNCTION prospects_count_change();
DROP TABLE prospect_cell_deltas, prospect_cells;
