-- phase: expand
-- transaction: true
-- min_app_version: 0.1.0
-- What the registers say: filings, the documents that make them up, parties, collateral, and rows nobody could parse.

CREATE FUNCTION touch_updated_at() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.updated_at := now();
    RETURN NEW;
END
$$;

CREATE FUNCTION is_us_jurisdiction(code text) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN code IN (
        'AL', 'AK', 'AZ', 'AR', 'CA', 'CO', 'CT', 'DE', 'FL', 'GA', 'HI', 'ID', 'IL', 'IN', 'IA', 'KS', 'KY', 'LA', 'ME',
        'MD', 'MA', 'MI', 'MN', 'MS', 'MO', 'MT', 'NE', 'NV', 'NH', 'NJ', 'NM', 'NY', 'NC', 'ND', 'OH', 'OK', 'OR', 'PA',
        'RI', 'SC', 'SD', 'TN', 'TX', 'UT', 'VT', 'VA', 'WA', 'WV', 'WI', 'WY',
        'DC', 'PR', 'GU', 'VI', 'AS', 'MP');

-- UCC 9-515(d),(e): a continuation counts only in the six months before lapse and adds five years to the old lapse date.
CREATE FUNCTION ucc_lapse_on(first_lapse date, continued_on date[]) RETURNS date
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
    lapse date := first_lapse;
    filed date;
BEGIN
    IF continued_on IS NULL OR first_lapse IS NULL THEN
        RETURN first_lapse;
    END IF;
    FOR filed IN SELECT d FROM unnest(continued_on) AS d WHERE d IS NOT NULL ORDER BY d LOOP
        IF filed > (lapse - interval '6 months')::date - 1 AND filed <= lapse THEN
            lapse := (lapse + interval '5 years')::date;
        END IF;
    END LOOP;
    RETURN lapse;
END
$$;

CREATE TABLE ucc_filings (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    register        text NOT NULL CHECK (register ~ '^[a-z][a-z0-9_]{0,19}$'),
    filing_number   text NOT NULL CHECK (filing_number <> ''),
    state           text NOT NULL CHECK (is_us_jurisdiction(state)),
    filing_type     text CHECK (filing_type IN ('ucc', 'federal_tax_lien', 'state_tax_lien', 'judgment_lien',
                                                'hospital_lien', 'farm_product', 'other_lien')),
    document_type   text,
    initial_seen    boolean NOT NULL DEFAULT false,
    filed_on        date,
    lapse_as_filed  date,
    lapse_on        date,
    continued_on    date,
    continuations   integer NOT NULL DEFAULT 0,
    terminated_on   date,
    register_status text CHECK (register_status IN ('active', 'lapsed', 'terminated')),
    status          text NOT NULL DEFAULT 'unknown' CHECK (status IN ('unknown', 'active', 'lapsed', 'terminated')),
    amendments      integer NOT NULL DEFAULT 0,
    last_event_on   date,
    lien_amount     numeric(14, 2) CHECK (lien_amount > 0),
    history_checked boolean NOT NULL DEFAULT false,
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now(),
    UNIQUE (register, filing_number),
    CONSTRAINT ucc_filings_known_initial CHECK (NOT initial_seen OR filing_type IS NOT NULL)
);
-- The daily roll-over asks which active filings have passed their lapse date.
CREATE INDEX ucc_filings_lapsing ON ucc_filings (lapse_on) WHERE status = 'active';
CREATE INDEX ucc_filings_filed ON ucc_filings (filed_on DESC);
CREATE INDEX ucc_filings_orphans ON ucc_filings (register, id) WHERE NOT initial_seen AND NOT history_checked;
CREATE TRIGGER ucc_filings_touch BEFORE UPDATE ON ucc_filings
    FOR EACH ROW EXECUTE FUNCTION touch_updated_at();

CREATE TABLE filing_events (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    register        text NOT NULL,
    document_number text NOT NULL,
    filing_id       bigint NOT NULL REFERENCES ucc_filings (id) ON DELETE CASCADE,
    kind            text NOT NULL CHECK (kind IN ('initial', 'continuation', 'termination', 'assignment',
                        'partial_assignment', 'party_change', 'collateral_change', 'correction', 'information', 'other')),
    document_type   text,
    filing_type     text,
    filed_on        date,
    lapse_on        date,
    status_as_filed text CHECK (status_as_filed IN ('active', 'lapsed', 'terminated')),
    content_hash    bytea NOT NULL,
    source_id       text,
    created_at      timestamptz NOT NULL DEFAULT now(),
    UNIQUE (register, document_number)
);
CREATE INDEX filing_events_filing ON filing_events (filing_id);

CREATE TABLE filing_parties (
    event_id        bigint NOT NULL REFERENCES filing_events (id) ON DELETE CASCADE,
    filing_id       bigint NOT NULL,
    role            text NOT NULL CHECK (role IN ('debtor', 'secured')),
    party_key       text NOT NULL,
    name            text NOT NULL,
    name_key        text NOT NULL,
    trade_names     text[] NOT NULL DEFAULT '{}',
    is_organization boolean NOT NULL,
    is_business     boolean NOT NULL,
    address1        text,
    address2        text,
    city            text,
    region          text,
    zip             text,
    country         text,
    action          text NOT NULL CHECK (action IN ('add', 'change', 'delete')),
    active          boolean NOT NULL,
    assignor        boolean NOT NULL,
    is_current      boolean NOT NULL,
    lender          text,
    lender_kind     text,
    lender_mca      text CHECK (lender_mca IN ('certain', 'possible', 'none')),
    lender_evidence text,
    PRIMARY KEY (event_id, role, party_key)
);
CREATE INDEX filing_parties_filing ON filing_parties (filing_id);

CREATE TABLE filing_collateral (
    event_id       bigint NOT NULL REFERENCES filing_events (id) ON DELETE CASCADE,
    filing_id      bigint NOT NULL,
    collateral_key text NOT NULL,
    description    text NOT NULL,
    kinds          text[] NOT NULL DEFAULT '{}',
    mca_phrase     text,
    action         text NOT NULL CHECK (action IN ('add', 'change', 'delete')),
    active         boolean NOT NULL,
    PRIMARY KEY (event_id, collateral_key)
);
CREATE INDEX filing_collateral_filing ON filing_collateral (filing_id);

CREATE TABLE quarantine (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    register    text NOT NULL,
    dataset     text NOT NULL,
    row_key     text NOT NULL,
    row_text    text NOT NULL,
    reason      text NOT NULL,
    state       text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'replayed', 'discarded')),
    job_id      bigint,
    created_at  timestamptz NOT NULL DEFAULT now(),
    resolved_at timestamptz,
    resolved_by text
);
-- The same bad row met again is the same entry.
CREATE UNIQUE INDEX quarantine_row ON quarantine (register, dataset, md5(row_text));
CREATE INDEX quarantine_open ON quarantine (register, id) WHERE state = 'open';
