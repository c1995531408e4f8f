DROP TABLE health_scores;
DROP TABLE growth_signals;
DROP TABLE tombstones;
DROP TABLE prospect_ucc_filings;
DROP TABLE prospect_work;
DROP TABLE prospects;
DROP FUNCTION prospects_fill_name_key();
DROP TABLE users;
