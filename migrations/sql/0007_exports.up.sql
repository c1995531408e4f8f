-- phase: expand
-- transaction: true
-- min_app_version: 0.1.0
-- Exports: one meaning of a row for every format, and files too long to be made while a caller waits.

-- A text as a cell of CSV. What a spreadsheet would run as a formula gets a ' in front (OWASP, CSV Injection), full-width
-- forms of the signs too. Null stays null. Its parameter is used once, so that it is inlined: half the time of a page.
CREATE FUNCTION csv_cell(value text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
SELECT '"' || replace(regexp_replace(value, E'^[=+\\-@\t\r\n＝＋－＠]', '''\&'), '"', '""') || '"'
$$;

-- A prospect as a row of an exported sheet: columns in their order, nothing nested, dates as dates, times as RFC 3339.
CREATE VIEW prospect_sheet AS
SELECT coalesce(p.corrected_name, p.company_name) AS company_name, p.state,
       concat_ws(', ', p.addresses -> 0 ->> 'address1', p.addresses -> 0 ->> 'address2') AS address,
       p.addresses -> 0 ->> 'city' AS city, p.addresses -> 0 ->> 'state' AS address_state, p.addresses -> 0 ->> 'zip' AS zip,
       (SELECT string_agg(l.value ->> 'name', '; ' ORDER BY l.ordinality)
        FROM jsonb_array_elements(p.lenders) WITH ORDINALITY AS l) AS lenders,
       p.mca,
       (SELECT string_agg(concat_ws(' ', m.value ->> 'filing', m.value ->> 'filed_on', m.value ->> 'lender', m.value ->> 'why'),
                          '; ' ORDER BY m.ordinality)
        FROM jsonb_array_elements(p.evidence -> 'mca') WITH ORDINALITY AS m) AS mca_evidence,
       p.stack_depth, p.stack_certain, p.renewal_on, p.distress, p.priority_score, p.health_score, p.health_grade,
       coalesce(p.corrected_industry, p.industry) AS industry, p.filings, p.open_filings, p.filing_date AS last_filing_date,
       p.lien_amount, p.status, p.claimed_by,
       to_char(p.claimed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS claimed_at,
       to_char(p.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS created_at, p.id
FROM prospects AS p;

-- A file that a job makes (queue maintenance, kind export); it is kept for a day, its row for as long as someone may ask.
CREATE TABLE exports (
    id          uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    subject     text NOT NULL CHECK (subject <> ''),
    format      text NOT NULL CHECK (format IN ('csv', 'json', 'xlsx')),
    selection   jsonb NOT NULL,
    rows        integer NOT NULL DEFAULT 0 CHECK (rows >= 0),
    job_id      bigint,
    size        bigint CHECK (size >= 0),
    finished_at timestamptz,
    expires_at  timestamptz NOT NULL DEFAULT now() + interval '24 hours',
    created_at  timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT exports_finished_has_size CHECK ((finished_at IS NULL) = (size IS NULL))
);
CREATE INDEX exports_expiry ON exports (expires_at);

-- Which prospects, in their order, chosen when the export was asked for.
CREATE TABLE export_parts (
    export_id uuid NOT NULL REFERENCES exports (id) ON DELETE CASCADE,
    part      integer NOT NULL CHECK (part >= 0),
    ids       uuid[] NOT NULL,
    PRIMARY KEY (export_id, part)
);

CREATE TABLE export_chunks (
    export_id uuid NOT NULL REFERENCES exports (id) ON DELETE CASCADE,
    chunk     integer NOT NULL CHECK (chunk >= 0),
    data      bytea NOT NULL,
    PRIMARY KEY (export_id, chunk)
);
-- the files are compressed already
ALTER TABLE export_chunks ALTER COLUMN data SET STORAGE EXTERNAL;
