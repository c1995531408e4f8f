DROP TABLE prospect_sources;
ALTER TABLE data_sources DROP COLUMN note, DROP COLUMN configured;
