-- phase: expand
-- transaction: true
-- min_app_version: 0.1.0
-- Competitors, portfolio, sources, usage and audit: the rest of the specification's tables.

CREATE TABLE competitors (
    id             uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    name           text NOT NULL CHECK (btrim(name) <> ''),
    lender_kind    text NOT NULL,
    state          text NOT NULL CHECK (is_us_jurisdiction(state)),
    filings        integer NOT NULL DEFAULT 0 CHECK (filings >= 0),
    filings_recent integer NOT NULL DEFAULT 0 CHECK (filings_recent >= 0),
    open_filings   integer NOT NULL DEFAULT 0 CHECK (open_filings >= 0),
    market_share   numeric(6, 5) CHECK (market_share BETWEEN 0 AND 1),
    first_seen_on  date,
    last_seen_on   date,
    as_of          date,
    created_at     timestamptz NOT NULL DEFAULT now(),
    updated_at     timestamptz NOT NULL DEFAULT now(),
    UNIQUE (name, state)
);
CREATE INDEX competitors_state_filings ON competitors (state, filings DESC, id);
CREATE INDEX competitors_kind ON competitors (lender_kind, filings DESC);
CREATE TRIGGER competitors_touch BEFORE UPDATE ON competitors FOR EACH ROW EXECUTE FUNCTION touch_updated_at();

CREATE TABLE portfolio_companies (
    id            uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    prospect_id   uuid REFERENCES prospects (id) ON DELETE SET NULL,
    company_name  text NOT NULL CHECK (btrim(company_name) <> ''),
    name_key      text NOT NULL,
    state         text NOT NULL CHECK (is_us_jurisdiction(state)),
    funded_amount numeric(14, 2) CHECK (funded_amount > 0),
    balance       numeric(14, 2) CHECK (balance >= 0),
    funded_on     date,
    status        text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'watch', 'default', 'paid_off')),
    health_score  smallint CHECK (health_score BETWEEN 0 AND 100),
    health_grade  text CHECK (health_grade IN ('A', 'B', 'C', 'D', 'F')),
    created_at    timestamptz NOT NULL DEFAULT now(),
    updated_at    timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX portfolio_companies_prospect ON portfolio_companies (prospect_id) WHERE prospect_id IS NOT NULL;
CREATE INDEX portfolio_companies_name_key ON portfolio_companies (state, name_key);
CREATE INDEX portfolio_companies_status ON portfolio_companies (status, health_score);

CREATE FUNCTION portfolio_fill_name_key() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.name_key := ucc_name_key(NEW.company_name);
    RETURN NEW;
END
$$;
CREATE TRIGGER portfolio_companies_name_key BEFORE INSERT OR UPDATE OF company_name ON portfolio_companies
    FOR EACH ROW EXECUTE FUNCTION portfolio_fill_name_key();
CREATE TRIGGER portfolio_companies_touch BEFORE UPDATE ON portfolio_companies
    FOR EACH ROW EXECUTE FUNCTION touch_updated_at();

CREATE TABLE data_sources (
    name             text PRIMARY KEY,
    kind             text NOT NULL CHECK (kind IN ('register', 'enrichment')),
    enabled          boolean NOT NULL DEFAULT true,
    covered_until    date,
    last_started_at  timestamptz,
    last_success_at  timestamptz,
    last_error       text,
    monthly_quota    integer CHECK (monthly_quota > 0),
    quota_used       integer NOT NULL DEFAULT 0 CHECK (quota_used >= 0),
    quota_month      date,
    created_at       timestamptz NOT NULL DEFAULT now(),
    updated_at       timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX data_sources_enabled ON data_sources (kind, name) WHERE enabled;
CREATE TRIGGER data_sources_touch BEFORE UPDATE ON data_sources FOR EACH ROW EXECUTE FUNCTION touch_updated_at();

CREATE TABLE usage_tracking (
    subject     text NOT NULL,
    endpoint    text NOT NULL,
    hour        timestamptz NOT NULL,
    requests    bigint NOT NULL DEFAULT 0 CHECK (requests >= 0),
    errors      bigint NOT NULL DEFAULT 0 CHECK (errors >= 0),
    duration_ms bigint NOT NULL DEFAULT 0 CHECK (duration_ms >= 0),
    PRIMARY KEY (subject, endpoint, hour)
);
CREATE INDEX usage_tracking_hour ON usage_tracking (hour DESC);

CREATE TABLE audit_logs (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at          timestamptz NOT NULL DEFAULT now(),
    subject     text NOT NULL,
    action      text NOT NULL,
    entity      text NOT NULL,
    entity_id   text NOT NULL,
    before      jsonb,
    after       jsonb,
    request_id  text
);
CREATE INDEX audit_logs_entity ON audit_logs (entity, entity_id, id DESC);
CREATE INDEX audit_logs_subject ON audit_logs (subject, id DESC);
CREATE INDEX audit_logs_at ON audit_logs (at DESC);

CREATE VIEW latest_health_scores AS
SELECT DISTINCT ON (prospect_id) prospect_id, as_of, score, grade, signals, violations, components
FROM health_scores
ORDER BY prospect_id, as_of DESC;

CREATE VIEW high_priority_prospects AS
SELECT id, coalesce(corrected_name, company_name) AS company_name, state,
       coalesce(corrected_industry, industry) AS industry, status, priority_score, mca, stack_depth, renewal_on, health_grade
FROM prospects
WHERE priority_score >= 70 AND status IN ('unclaimed', 'active');

CREATE VIEW stale_prospects AS
SELECT p.id, p.company_name, p.state, p.priority_score, w.changed_at, w.scored_as_of
FROM prospects AS p
JOIN prospect_work AS w ON w.prospect_id = p.id
WHERE w.scored_rev < w.facts_rev OR w.scored_as_of IS NULL OR w.scored_as_of < current_date - 7;
