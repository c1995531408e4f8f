DROP TABLE quarantine;
DROP TABLE filing_collateral;
DROP TABLE filing_parties;
DROP TABLE filing_events;
DROP TABLE ucc_filings;
DROP FUNCTION ucc_lapse_on(date, date[]);
DROP FUNCTION is_us_jurisdiction(text);
DROP FUNCTION touch_updated_at();
