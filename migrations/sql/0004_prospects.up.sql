-- phase: expand
-- transaction: true
-- min_app_version: 0.1.0
-- Prospects and what is derived about them. Ingestion and scoring never write a person's columns
-- (corrected_name, corrected_industry, status, claimed_by, claimed_at, notes).

CREATE TABLE users (
    id           uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    subject      text NOT NULL UNIQUE CHECK (subject <> ''),
    email        text,
    display_name text,
    role         text NOT NULL DEFAULT 'viewer' CHECK (role IN ('admin', 'analyst', 'viewer', 'service')),
    disabled_at  timestamptz,
    last_seen_at timestamptz,
    created_at   timestamptz NOT NULL DEFAULT now(),
    updated_at   timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX users_email ON users (lower(email)) WHERE email IS NOT NULL;
CREATE INDEX users_disabled ON users (subject) WHERE disabled_at IS NOT NULL;
CREATE TRIGGER users_touch BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION touch_updated_at();

CREATE TABLE prospects (
    id                  uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    -- state:name_key of a debtor in a register; null for prospects made by hand
    debtor_key          text UNIQUE,
    company_name        text NOT NULL CHECK (btrim(company_name) <> ''),
    name_key            text NOT NULL,
    state               text NOT NULL CHECK (is_us_jurisdiction(state)),
    industry            text CHECK (industry IN ('restaurant', 'retail', 'construction', 'healthcare',
                                                 'manufacturing', 'services', 'technology')),
    industry_confidence real CHECK (industry_confidence BETWEEN 0 AND 1),
    status              text NOT NULL DEFAULT 'unclaimed'
                        CHECK (status IN ('unclaimed', 'claimed', 'contacted', 'qualified', 'converted', 'dead', 'active')),
    corrected_name      text,
    corrected_industry  text CHECK (corrected_industry IN ('restaurant', 'retail', 'construction', 'healthcare',
                                                           'manufacturing', 'services', 'technology')),
    claimed_by          text,
    claimed_at          timestamptz,
    notes               text,
    lien_amount         numeric(14, 2) CHECK (lien_amount > 0),
    filing_date         date,
    filings             integer NOT NULL DEFAULT 0,
    open_filings        integer NOT NULL DEFAULT 0,
    names_as_filed      jsonb NOT NULL DEFAULT '[]',
    trade_names         jsonb NOT NULL DEFAULT '[]',
    addresses           jsonb NOT NULL DEFAULT '[]',
    lenders             jsonb NOT NULL DEFAULT '[]',
    mca                 text NOT NULL DEFAULT 'none' CHECK (mca IN ('certain', 'possible', 'none')),
    stack_depth         integer NOT NULL DEFAULT 0 CHECK (stack_depth >= 0),
    stack_certain       integer NOT NULL DEFAULT 0 CHECK (stack_certain BETWEEN 0 AND stack_depth),
    renewal_due         boolean NOT NULL DEFAULT false,
    renewal_on          date,
    distress            boolean NOT NULL DEFAULT false,
    evidence            jsonb NOT NULL DEFAULT '{}',
    priority_score      smallint NOT NULL DEFAULT 0 CHECK (priority_score BETWEEN 0 AND 100),
    score_components    jsonb NOT NULL DEFAULT '[]',
    health_score        smallint CHECK (health_score BETWEEN 0 AND 100),
    health_grade        text CHECK (health_grade IN ('A', 'B', 'C', 'D', 'F')),
    scored_as_of        date,
    version             bigint NOT NULL DEFAULT 1,
    created_at          timestamptz NOT NULL DEFAULT now(),
    updated_at          timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT prospects_claim_is_whole CHECK ((claimed_by IS NULL) = (claimed_at IS NULL)),
    CONSTRAINT prospects_renewal_has_date CHECK (renewal_due = (renewal_on IS NOT NULL))
);
CREATE INDEX prospects_score ON prospects (priority_score DESC, id);
CREATE INDEX prospects_state_score ON prospects (state, priority_score DESC, id);
CREATE INDEX prospects_industry_score ON prospects ((coalesce(corrected_industry, industry)), priority_score DESC, id);
CREATE INDEX prospects_status_score ON prospects (status, priority_score DESC, id);
CREATE INDEX prospects_created ON prospects (created_at DESC, id);
CREATE INDEX prospects_name ON prospects ((coalesce(corrected_name, company_name)), id);
-- A register's debtor is found by debtor_key; this one finds the prospects made by hand.
CREATE INDEX prospects_name_key ON prospects (state, name_key) WHERE debtor_key IS NULL;
CREATE INDEX prospects_stacked ON prospects (stack_depth DESC, priority_score DESC, id) WHERE stack_depth >= 2;
CREATE INDEX prospects_renewal ON prospects (renewal_on, id) WHERE renewal_due;
CREATE INDEX prospects_claimed ON prospects (claimed_by, claimed_at DESC) WHERE claimed_by IS NOT NULL;

CREATE FUNCTION prospects_fill_name_key() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.name_key := ucc_name_key(NEW.company_name);
    RETURN NEW;
END
$$;
-- Ingestion brings the key along; whoever writes by hand gets it from here.
CREATE TRIGGER prospects_name_key_insert BEFORE INSERT ON prospects
    FOR EACH ROW WHEN (NEW.name_key IS NULL) EXECUTE FUNCTION prospects_fill_name_key();
CREATE TRIGGER prospects_name_key_update BEFORE UPDATE OF company_name ON prospects
    FOR EACH ROW WHEN (NEW.debtor_key IS NULL AND NEW.company_name IS DISTINCT FROM OLD.company_name)
    EXECUTE FUNCTION prospects_fill_name_key();
CREATE TRIGGER prospects_touch BEFORE UPDATE ON prospects FOR EACH ROW EXECUTE FUNCTION touch_updated_at();

-- Revisions live apart from the wide row: a changed fact costs one narrow update.
CREATE TABLE prospect_work (
    prospect_id  uuid PRIMARY KEY REFERENCES prospects (id) ON DELETE CASCADE,
    facts_rev    bigint NOT NULL DEFAULT 1,
    enriched_rev bigint NOT NULL DEFAULT 0,
    scored_rev   bigint NOT NULL DEFAULT 0,
    scored_as_of date,
    changed_at   timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX prospect_work_unscored ON prospect_work (changed_at) WHERE scored_rev < facts_rev;
CREATE INDEX prospect_work_unenriched ON prospect_work (changed_at) WHERE enriched_rev < facts_rev;

CREATE TABLE prospect_ucc_filings (
    prospect_id uuid NOT NULL REFERENCES prospects (id) ON DELETE CASCADE,
    filing_id   bigint NOT NULL REFERENCES ucc_filings (id) ON DELETE CASCADE,
    PRIMARY KEY (prospect_id, filing_id)
);
CREATE INDEX prospect_ucc_filings_filing ON prospect_ucc_filings (filing_id);

-- A deleted prospect stays deleted when its debtor is met again.
CREATE TABLE tombstones (
    debtor_key  text PRIMARY KEY,
    prospect_id uuid NOT NULL,
    deleted_by  text,
    deleted_at  timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE growth_signals (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    prospect_id uuid NOT NULL REFERENCES prospects (id) ON DELETE CASCADE,
    type        text NOT NULL CHECK (type IN ('equipment', 'contract', 'permit', 'hiring', 'expansion', 'violation')),
    source      text NOT NULL,
    source_key  text NOT NULL,
    observed_on date,
    title       text NOT NULL,
    amount      numeric(14, 2) CHECK (amount > 0),
    confidence  real NOT NULL DEFAULT 1 CHECK (confidence BETWEEN 0 AND 1),
    evidence    jsonb NOT NULL DEFAULT '{}',
    created_at  timestamptz NOT NULL DEFAULT now(),
    UNIQUE (prospect_id, source, source_key)
);
CREATE INDEX growth_signals_recent ON growth_signals (prospect_id, observed_on DESC);
CREATE INDEX growth_signals_type ON growth_signals (type, observed_on DESC);

CREATE TABLE health_scores (
    prospect_id uuid NOT NULL REFERENCES prospects (id) ON DELETE CASCADE,
    as_of       date NOT NULL,
    score       smallint NOT NULL CHECK (score BETWEEN 0 AND 100),
    grade       text NOT NULL CHECK (grade IN ('A', 'B', 'C', 'D', 'F')),
    signals     integer NOT NULL DEFAULT 0 CHECK (signals >= 0),
    violations  integer NOT NULL DEFAULT 0 CHECK (violations >= 0),
    components  jsonb NOT NULL DEFAULT '[]',
    created_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (prospect_id, as_of)
);
CREATE INDEX health_scores_grade ON health_scores (as_of, grade);
