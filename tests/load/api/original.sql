-- The table of the specification's server: the columns its code reads and writes, with an index for each that it
-- filters or sorts by. Narrower than ours, to its advantage.
CREATE SCHEMA original;
CREATE TABLE original.prospects AS
SELECT id, company_name, state, coalesce(corrected_industry, industry) AS industry, status, priority_score::integer,
       lien_amount, filing_date, claimed_by, claimed_at, created_at, updated_at
FROM prospects;
ALTER TABLE original.prospects ADD PRIMARY KEY (id);
CREATE INDEX ON original.prospects (state);
CREATE INDEX ON original.prospects (industry);
CREATE INDEX ON original.prospects (status);
CREATE INDEX ON original.prospects (priority_score DESC);
CREATE INDEX ON original.prospects (created_at DESC);
CREATE INDEX ON original.prospects (company_name);
ANALYZE original.prospects;
GRANT USAGE ON SCHEMA original TO ucc_intel;
GRANT SELECT ON original.prospects TO ucc_intel;
