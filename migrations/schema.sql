-- Everything the migrations make, for review. Written by `python -m migrations schema`;
-- change a table by a new pair of files in migrations/sql, never here.
-- made from: 0015_uploads 914a00d143a7d1dadd92947447bc7fe714026f00b581e9d8eea201d801d9d637
SET check_function_bodies = false;

CREATE EXTENSION IF NOT EXISTS pg_trgm;

CREATE FUNCTION csv_cell(value text)
 RETURNS text
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
AS $function$
SELECT '"' || replace(regexp_replace(value, E'^[=+\\-@\t\r\n＝＋－＠]', '''\&'), '"', '""') || '"'
$function$;

CREATE FUNCTION is_us_jurisdiction(code text)
 RETURNS boolean
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
RETURN (code = ANY (ARRAY['AL'::text, 'AK'::text, 'AZ'::text, 'AR'::text, 'CA'::text, 'CO'::text, 'CT'::text, 'DE'::text, 'FL'::text, 'GA'::text, 'HI'::text, 'ID'::text, 'IL'::text, 'IN'::text, 'IA'::text, 'KS'::text, 'KY'::text, 'LA'::text, 'ME'::text, 'MD'::text, 'MA'::text, 'MI'::text, 'MN'::text, 'MS'::text, 'MO'::text, 'MT'::text, 'NE'::text, 'NV'::text, 'NH'::text, 'NJ'::text, 'NM'::text, 'NY'::text, 'NC'::text, 'ND'::text, 'OH'::text, 'OK'::text, 'OR'::text, 'PA'::text, 'RI'::text, 'SC'::text, 'SD'::text, 'TN'::text, 'TX'::text, 'UT'::text, 'VT'::text, 'VA'::text, 'WA'::text, 'WV'::text, 'WI'::text, 'WY'::text, 'DC'::text, 'PR'::text, 'GU'::text, 'VI'::text, 'AS'::text, 'MP'::text]));

CREATE FUNCTION portfolio_fill_name_key()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
    NEW.name_key := ucc_name_key(NEW.company_name);
    RETURN NEW;
END
$function$;

CREATE FUNCTION prospect_items(asked uuid[])
 RETURNS bytea
 LANGUAGE plpgsql
 STABLE PARALLEL SAFE
AS $function$
BEGIN
    RETURN (
        SELECT convert_to(coalesce(json_agg(item ORDER BY wanted.nth), '[]')::text, 'UTF8')
        FROM unnest(asked) WITH ORDINALITY AS wanted (id, nth)
        CROSS JOIN LATERAL (
              SELECT p.id, coalesce(p.corrected_name, p.company_name) AS company_name, p.state,
              coalesce(p.corrected_industry, p.industry) AS industry, p.industry_confidence, p.status, p.claimed_by, p.claimed_at,
              p.priority_score, p.health_score, p.health_grade, p.mca, p.stack_depth, p.stack_certain, p.renewal_due, p.renewal_on,
              p.distress, p.lenders, p.filings AS filing_count, p.open_filings AS open_filing_count, p.filing_date, p.lien_amount,
              p.evidence, p.created_at, p.updated_at, p.version
              FROM prospects AS p WHERE p.id = wanted.id) AS item);
END
$function$;

CREATE FUNCTION prospect_lender_terms(lenders jsonb)
 RETURNS tsvector
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
RETURN (SELECT array_to_tsvector(COALESCE(array_agg(DISTINCT "left"(lower((lender.value ->> 'name'::text)), 200)), '{}'::text[])) AS array_to_tsvector FROM jsonb_array_elements(prospect_lender_terms.lenders) lender(value) WHERE ((lender.value ->> 'name'::text) <> ''::text));

CREATE FUNCTION prospect_story(asked uuid)
 RETURNS TABLE(health json, signals json, filings json)
 LANGUAGE plpgsql
 STABLE PARALLEL SAFE
AS $function$
BEGIN
    -- Parties are the current ones: who was deleted by an amendment or assigned the filing away is left out. MCA evidence
    -- as scoring reads it: only of lenders' filings.
    RETURN QUERY SELECT
        (SELECT row_to_json(h)
         FROM (SELECT s.as_of, s.score, s.grade, s.sentiment_trend, s.trend_reason, s.signals, s.violations, s.liens,
                      s.components
               FROM health_scores AS s
               WHERE s.prospect_id = asked ORDER BY s.as_of DESC LIMIT 1) AS h),
        (SELECT coalesce(json_agg(g), '[]')
         FROM (SELECT type, source, source_key, observed_on, title, amount, confidence, evidence FROM growth_signals
               WHERE prospect_id = asked ORDER BY observed_on DESC NULLS LAST, id DESC LIMIT 100) AS g),
        (SELECT coalesce(json_agg(shown), '[]')
         FROM (SELECT f.register, f.filing_number, f.filing_type, f.document_type, f.status, f.filed_on, f.lapse_on, f.terminated_on,
                      f.continued_on,
                      (SELECT coalesce(json_agg(m ORDER BY m.mca, m.why), '[]')
                       FROM (SELECT p.lender_mca AS mca, coalesce(p.lender_evidence, p.name) AS why
                             FROM filing_parties AS p
                             WHERE p.filing_id = f.id AND p.role = 'secured' AND p.is_current AND p.lender_mca IN ('certain', 'possible')
                             UNION
                             SELECT 'certain', format('the collateral text says "%s"', c.mca_phrase)
                             FROM filing_collateral AS c
                             WHERE c.filing_id = f.id AND c.active AND c.action <> 'delete' AND c.mca_phrase IS NOT NULL) AS m
                       WHERE f.filing_type = 'ucc') AS mca_evidence,
                      (SELECT coalesce(json_agg(d.name), '[]')
                       FROM (SELECT DISTINCT name FROM filing_parties
                             WHERE filing_id = f.id AND role = 'debtor' AND is_current ORDER BY name LIMIT 100) AS d) AS debtors,
                      (SELECT coalesce(json_agg(s), '[]')
                       FROM (SELECT DISTINCT name AS as_filed, lender, lender_kind AS kind FROM filing_parties
                             WHERE filing_id = f.id AND role = 'secured' AND is_current ORDER BY name LIMIT 100) AS s) AS secured_parties,
                      (SELECT coalesce(json_agg(c.text), '[]')
                       FROM (SELECT CASE WHEN length(description) > 500 THEN left(description, 499) || '…' ELSE description END AS text
                             FROM filing_collateral
                             WHERE filing_id = f.id AND active AND action <> 'delete'
                             ORDER BY event_id, collateral_key LIMIT 100) AS c) AS collateral,
                      (SELECT coalesce(json_agg(e), '[]')
                       FROM (SELECT document_number, kind, document_type, filed_on FROM filing_events
                             WHERE filing_id = f.id ORDER BY filed_on DESC NULLS LAST, document_number DESC LIMIT 200) AS e) AS events
               FROM (SELECT u.* FROM prospect_ucc_filings AS l JOIN ucc_filings AS u ON u.id = l.filing_id
                     WHERE l.prospect_id = asked
                     ORDER BY u.filed_on DESC NULLS LAST, u.id DESC LIMIT 200) AS f) AS shown);
END
$function$;

CREATE FUNCTION prospect_tag(asked uuid)
 RETURNS text
 LANGUAGE plpgsql
 STABLE
AS $function$
BEGIN
    RETURN (SELECT format('v%s.%s.%s.%s', p.version, w.facts_rev, w.scored_rev, w.scored_as_of - date '2000-01-01')
            FROM prospects AS p LEFT JOIN prospect_work AS w ON w.prospect_id = p.id WHERE p.id = asked);
END
$function$;

CREATE FUNCTION prospect_told(asked uuid, facts bigint, scored bigint, scored_on date)
 RETURNS TABLE(health json, signals json, filings json)
 LANGUAGE plpgsql
AS $function$
BEGIN
    RETURN QUERY SELECT s.health, s.signals, s.filings FROM prospect_stories AS s
    WHERE s.prospect_id = asked AND s.facts_rev = facts AND s.scored_rev = scored
      AND s.scored_as_of IS NOT DISTINCT FROM scored_on;
    IF FOUND THEN
        RETURN;
    END IF;
    SELECT s.health, s.signals, s.filings INTO health, signals, filings FROM prospect_story(asked) AS s;
    RETURN NEXT;
    IF facts IS NULL THEN
        RETURN;
    END IF;
    BEGIN
        INSERT INTO prospect_stories AS kept (prospect_id, facts_rev, scored_rev, scored_as_of, health, signals, filings)
        VALUES (asked, facts, scored, scored_on, health, signals, filings)
        ON CONFLICT (prospect_id) DO UPDATE SET
            facts_rev = excluded.facts_rev, scored_rev = excluded.scored_rev, scored_as_of = excluded.scored_as_of,
            health = excluded.health, signals = excluded.signals, filings = excluded.filings;
    EXCEPTION WHEN foreign_key_violation OR read_only_sql_transaction OR lock_not_available THEN
        -- deleted meanwhile, or nothing can be written now: it was told all the same
        NULL;
    END;
END
$function$;

CREATE FUNCTION prospects_count_change()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO prospect_cell_deltas (state, industry, status, score, change)
        SELECT state, coalesce(corrected_industry, industry, ''), status, priority_score, count(*)
        FROM added GROUP BY 1, 2, 3, 4;
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO prospect_cell_deltas (state, industry, status, score, change)
        SELECT state, coalesce(corrected_industry, industry, ''), status, priority_score, -count(*)
        FROM removed GROUP BY 1, 2, 3, 4;
    ELSIF TG_OP = 'UPDATE' THEN
        INSERT INTO prospect_cell_deltas (state, industry, status, score, change)
        SELECT state, coalesce(corrected_industry, industry, ''), status, priority_score, sum(change)
        FROM (SELECT state, corrected_industry, industry, status, priority_score, 1 AS change FROM added
              UNION ALL
              SELECT state, corrected_industry, industry, status, priority_score, -1 FROM removed) AS changed
        GROUP BY 1, 2, 3, 4 HAVING sum(change) <> 0;
    ELSE
        DELETE FROM prospect_cells;
        DELETE FROM prospect_cell_deltas;
    END IF;
    RETURN NULL;
END
$function$;

CREATE FUNCTION prospects_fill_name_key()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
    NEW.name_key := ucc_name_key(NEW.company_name);
    RETURN NEW;
END
$function$;

CREATE FUNCTION touch_updated_at()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
    NEW.updated_at := now();
    RETURN NEW;
END
$function$;

CREATE FUNCTION ucc_lapse_on(first_lapse date, continued_on date[])
 RETURNS date
 LANGUAGE plpgsql
 IMMUTABLE PARALLEL SAFE
AS $function$
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
$function$;

CREATE FUNCTION ucc_name_key(name text)
 RETURNS text
 LANGUAGE plpgsql
 IMMUTABLE PARALLEL SAFE STRICT
AS $function$
DECLARE
    k text := name;
BEGIN
    IF k ~ '[^\u0001-\u007f]' THEN
        k := translate(k, U&'\00d8\00f8\0141\0142\0110\0111\0131\2019\2018\02bc\00b4', 'OoLlDdi');
        k := normalize(regexp_replace(k, '[^\u0001-\u024f\u0300-\u036f\u1e00-\u1eff\uff00-\uffef]', ' ', 'g'), NFKD);
        k := regexp_replace(k, '[\u0300-\u036f]', '', 'g');
    END IF;
    k := translate(replace(k, '&', ' AND '), 'abcdefghijklmnopqrstuvwxyz.''`', 'ABCDEFGHIJKLMNOPQRSTUVWXYZ');
    k := btrim(regexp_replace(k, '[^A-Z0-9]+', ' ', 'g'));
    k := regexp_replace(k, '^THE (?=.)', '');
    k := regexp_replace(k, '(?: (?:AN? (?:(?:ACCOUNTANCY|ALABAMA|ALASKA|ARIZONA|ARKANSAS|BANKING|CALIFORNIA|CLOSE|COLORADO|CONNECTICUT|DELAWARE|DENTAL|DISTRICT OF COLUMBIA|DOMESTIC|FLORIDA|FOREIGN|GEORGIA|HAWAII|IDAHO|ILLINOIS|INDIANA|IOWA|KANSAS|KENTUCKY|LAW|LOUISIANA|MAINE|MARYLAND|MASSACHUSETTS|MEDICAL|MICHIGAN|MINNESOTA|MISSISSIPPI|MISSOURI|MONTANA|MUNICIPAL|NATIONAL|NEBRASKA|NEVADA|NEW HAMPSHIRE|NEW JERSEY|NEW MEXICO|NEW YORK|NON PROFIT|NONPROFIT|NORTH CAROLINA|NORTH DAKOTA|NOT FOR PROFIT|OHIO|OKLAHOMA|OREGON|PENNSYLVANIA|PROFESSIONAL|PUBLIC|PUERTO RICO|REGISTERED|RHODE ISLAND|SOUTH CAROLINA|SOUTH DAKOTA|TENNESSEE|TEXAS|UNINCORPORATED|UTAH|VERMONT|VIRGINIA|WASHINGTON|WEST VIRGINIA|WISCONSIN|WYOMING) )*(?:ASSOCIATION|BUSINESS TRUST|COOPERATIVE|CORP|CORPORATION|GENERAL PARTNERSHIP|JOINT VENTURE|LIMITED LIABILITY COMPANY|LIMITED LIABILITY LIMITED PARTNERSHIP|LIMITED LIABILITY PARTNERSHIP|LIMITED PARTNERSHIP|LLC|LLLP|LLP|LP|PARTNERSHIP|SOLE PROPRIETORSHIP|STATUTORY TRUST|TRUST)|(?:ASSN|ASSOC|ASSOCIATION|BUSINESS TRUST|CHARTERED|CHTD|CO|CO OP|COMPANY|COOP|COOPERATIVE|CORP|CORPORATION|CORPORATIONS|CREDIT UNION|CU|FCU|FEDERAL CREDIT UNION|FEDERAL SAVINGS BANK|FSB|GENERAL PARTNERSHIP|GP|INC|INCORPORATED|JOINT STOCK COMPANY|JOINT VENTURE|JSC|JV|L C|L L C|L L L P|L L P|L P|LC|LIMITED|LIMITED CO|LIMITED COMPANY|LIMITED LIABILITY CO|LIMITED LIABILITY COMPANY|LIMITED LIABILITY LIMITED PARTNERSHIP|LIMITED LIABILITY PARTNERSHIP|LIMITED PARTNERSHIP|LLC|LLLP|LLP|LP|LTD|LTD CO|LTD LIABILITY CO|LTD LIABILITY COMPANY|LTD PARTNERSHIP|LTEE|MDPA|MDPC|N A|NA|NATIONAL ASSOCIATION|P A|P C|P L L C|PA|PARTNERSHIP|PC|PLLC|PROFESSIONAL ASSOCIATION|PROFESSIONAL CORPORATION|PROFESSIONAL LIMITED LIABILITY COMPANY|R L L P|REAL ESTATE INVESTMENT TRUST|REGISTERED LIMITED LIABILITY PARTNERSHIP|REIT|RLLP|S A|SA|SAVINGS ASSOCIATION|SOLE PROPRIETORSHIP|TRUST|TRUSTEE)(?: 0[0-9]*)?|THE))+$', '');
    RETURN replace(k, ' ', '');
END
$function$;

CREATE TABLE audit_logs (
    id bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
    at timestamp with time zone DEFAULT now() NOT NULL,
    subject text NOT NULL,
    action text NOT NULL,
    entity text NOT NULL,
    entity_id text NOT NULL,
    before jsonb,
    after jsonb,
    request_id text
);
ALTER TABLE audit_logs ADD CONSTRAINT audit_logs_pkey PRIMARY KEY (id);
CREATE INDEX audit_logs_at ON audit_logs USING btree (at DESC);
CREATE INDEX audit_logs_entity ON audit_logs USING btree (entity, entity_id, id DESC);
CREATE INDEX audit_logs_subject ON audit_logs USING btree (subject, id DESC);

CREATE TABLE competitors (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    name text NOT NULL,
    lender_kind text NOT NULL,
    state text NOT NULL,
    filings integer DEFAULT 0 NOT NULL,
    filings_recent integer DEFAULT 0 NOT NULL,
    open_filings integer DEFAULT 0 NOT NULL,
    market_share numeric(6,5),
    first_seen_on date,
    last_seen_on date,
    as_of date,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    name_key text GENERATED ALWAYS AS (COALESCE(NULLIF(ucc_name_key(name), ''::text), upper(name))) STORED NOT NULL,
    CONSTRAINT competitors_filings_check CHECK ((filings >= 0)),
    CONSTRAINT competitors_filings_recent_check CHECK ((filings_recent >= 0)),
    CONSTRAINT competitors_market_share_check CHECK (((market_share >= (0)::numeric) AND (market_share <= (1)::numeric))),
    CONSTRAINT competitors_name_check CHECK ((btrim(name) <> ''::text)),
    CONSTRAINT competitors_open_filings_check CHECK ((open_filings >= 0)),
    CONSTRAINT competitors_state_check CHECK (is_us_jurisdiction(state))
);
ALTER TABLE competitors ADD CONSTRAINT competitors_name_state_key UNIQUE (name, state);
ALTER TABLE competitors ADD CONSTRAINT competitors_pkey PRIMARY KEY (id);
CREATE INDEX competitors_kind ON competitors USING btree (lender_kind, filings DESC);
CREATE UNIQUE INDEX competitors_name_key ON competitors USING btree (state, name_key);
CREATE INDEX competitors_state_filings ON competitors USING btree (state, filings DESC, id);

CREATE TABLE data_sources (
    name text NOT NULL,
    kind text NOT NULL,
    enabled boolean DEFAULT true NOT NULL,
    covered_until date,
    last_started_at timestamp with time zone,
    last_success_at timestamp with time zone,
    last_error text,
    monthly_quota integer,
    quota_used integer DEFAULT 0 NOT NULL,
    quota_month date,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    configured boolean DEFAULT true NOT NULL,
    note text,
    CONSTRAINT data_sources_kind_check CHECK ((kind = ANY (ARRAY['register'::text, 'enrichment'::text]))),
    CONSTRAINT data_sources_monthly_quota_check CHECK ((monthly_quota > 0)),
    CONSTRAINT data_sources_quota_used_check CHECK ((quota_used >= 0))
);
ALTER TABLE data_sources ADD CONSTRAINT data_sources_pkey PRIMARY KEY (name);
CREATE INDEX data_sources_enabled ON data_sources USING btree (kind, name) WHERE enabled;

CREATE TABLE export_chunks (
    export_id uuid NOT NULL,
    chunk integer NOT NULL,
    data bytea NOT NULL,
    CONSTRAINT export_chunks_chunk_check CHECK ((chunk >= 0))
);
ALTER TABLE export_chunks ALTER COLUMN data SET STORAGE EXTERNAL;
ALTER TABLE export_chunks ADD CONSTRAINT export_chunks_pkey PRIMARY KEY (export_id, chunk);

CREATE TABLE export_parts (
    export_id uuid NOT NULL,
    part integer NOT NULL,
    ids uuid[] NOT NULL,
    CONSTRAINT export_parts_part_check CHECK ((part >= 0))
);
ALTER TABLE export_parts ADD CONSTRAINT export_parts_pkey PRIMARY KEY (export_id, part);

CREATE TABLE exports (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    subject text NOT NULL,
    format text NOT NULL,
    selection jsonb NOT NULL,
    rows integer DEFAULT 0 NOT NULL,
    job_id bigint,
    size bigint,
    finished_at timestamp with time zone,
    expires_at timestamp with time zone DEFAULT (now() + '24:00:00'::interval) NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT exports_finished_has_size CHECK (((finished_at IS NULL) = (size IS NULL))),
    CONSTRAINT exports_format_check CHECK ((format = ANY (ARRAY['csv'::text, 'json'::text, 'xlsx'::text]))),
    CONSTRAINT exports_rows_check CHECK ((rows >= 0)),
    CONSTRAINT exports_size_check CHECK ((size >= 0)),
    CONSTRAINT exports_subject_check CHECK ((subject <> ''::text))
);
ALTER TABLE exports ADD CONSTRAINT exports_pkey PRIMARY KEY (id);
CREATE INDEX exports_expiry ON exports USING btree (expires_at);

CREATE TABLE filing_collateral (
    event_id bigint NOT NULL,
    filing_id bigint NOT NULL,
    collateral_key text NOT NULL,
    description text NOT NULL,
    kinds text[] DEFAULT '{}'::text[] NOT NULL,
    mca_phrase text,
    action text NOT NULL,
    active boolean NOT NULL,
    CONSTRAINT filing_collateral_action_check CHECK ((action = ANY (ARRAY['add'::text, 'change'::text, 'delete'::text])))
);
ALTER TABLE filing_collateral ADD CONSTRAINT filing_collateral_pkey PRIMARY KEY (event_id, collateral_key);
CREATE INDEX filing_collateral_filing ON filing_collateral USING btree (filing_id);

CREATE TABLE filing_events (
    id bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
    register text NOT NULL,
    document_number text NOT NULL,
    filing_id bigint NOT NULL,
    kind text NOT NULL,
    document_type text,
    filing_type text,
    filed_on date,
    lapse_on date,
    status_as_filed text,
    content_hash bytea NOT NULL,
    source_id text,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT filing_events_kind_check CHECK ((kind = ANY (ARRAY['initial'::text, 'continuation'::text, 'termination'::text, 'assignment'::text, 'partial_assignment'::text, 'party_change'::text, 'collateral_change'::text, 'correction'::text, 'information'::text, 'other'::text]))),
    CONSTRAINT filing_events_status_as_filed_check CHECK ((status_as_filed = ANY (ARRAY['active'::text, 'lapsed'::text, 'terminated'::text])))
);
ALTER TABLE filing_events ADD CONSTRAINT filing_events_pkey PRIMARY KEY (id);
ALTER TABLE filing_events ADD CONSTRAINT filing_events_register_document_number_key UNIQUE (register, document_number);
CREATE INDEX filing_events_filing ON filing_events USING btree (filing_id);

CREATE TABLE filing_parties (
    event_id bigint NOT NULL,
    filing_id bigint NOT NULL,
    role text NOT NULL,
    party_key text NOT NULL,
    name text NOT NULL,
    name_key text NOT NULL,
    trade_names text[] DEFAULT '{}'::text[] NOT NULL,
    is_organization boolean NOT NULL,
    is_business boolean NOT NULL,
    address1 text,
    address2 text,
    city text,
    region text,
    zip text,
    country text,
    action text NOT NULL,
    active boolean NOT NULL,
    assignor boolean NOT NULL,
    is_current boolean NOT NULL,
    lender text,
    lender_kind text,
    lender_mca text,
    lender_evidence text,
    CONSTRAINT filing_parties_action_check CHECK ((action = ANY (ARRAY['add'::text, 'change'::text, 'delete'::text]))),
    CONSTRAINT filing_parties_lender_mca_check CHECK ((lender_mca = ANY (ARRAY['certain'::text, 'possible'::text, 'none'::text]))),
    CONSTRAINT filing_parties_role_check CHECK ((role = ANY (ARRAY['debtor'::text, 'secured'::text])))
);
ALTER TABLE filing_parties ADD CONSTRAINT filing_parties_pkey PRIMARY KEY (event_id, role, party_key);
CREATE INDEX filing_parties_filing ON filing_parties USING btree (filing_id);

CREATE TABLE growth_signals (
    id bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
    prospect_id uuid NOT NULL,
    type text NOT NULL,
    source text NOT NULL,
    source_key text NOT NULL,
    observed_on date,
    title text NOT NULL,
    amount numeric(14,2),
    confidence real DEFAULT 1 NOT NULL,
    evidence jsonb DEFAULT '{}'::jsonb NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT growth_signals_amount_check CHECK ((amount > (0)::numeric)),
    CONSTRAINT growth_signals_confidence_check CHECK (((confidence >= (0)::double precision) AND (confidence <= (1)::double precision))),
    CONSTRAINT growth_signals_type_check CHECK ((type = ANY (ARRAY['equipment'::text, 'contract'::text, 'permit'::text, 'hiring'::text, 'expansion'::text, 'violation'::text])))
);
ALTER TABLE growth_signals ADD CONSTRAINT growth_signals_pkey PRIMARY KEY (id);
ALTER TABLE growth_signals ADD CONSTRAINT growth_signals_prospect_id_source_source_key_key UNIQUE (prospect_id, source, source_key);
CREATE INDEX growth_signals_recent ON growth_signals USING btree (prospect_id, observed_on DESC);
CREATE INDEX growth_signals_type ON growth_signals USING btree (type, observed_on DESC);

CREATE TABLE health_scores (
    prospect_id uuid NOT NULL,
    as_of date NOT NULL,
    score smallint NOT NULL,
    grade text NOT NULL,
    signals integer DEFAULT 0 NOT NULL,
    violations integer DEFAULT 0 NOT NULL,
    components jsonb DEFAULT '[]'::jsonb NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    liens integer DEFAULT 0 NOT NULL,
    sentiment_trend text,
    trend_reason text,
    CONSTRAINT health_scores_grade_check CHECK ((grade = ANY (ARRAY['A'::text, 'B'::text, 'C'::text, 'D'::text, 'F'::text]))),
    CONSTRAINT health_scores_liens_check CHECK ((liens >= 0)),
    CONSTRAINT health_scores_score_check CHECK (((score >= 0) AND (score <= 100))),
    CONSTRAINT health_scores_sentiment_trend_check CHECK ((sentiment_trend = ANY (ARRAY['improving'::text, 'stable'::text, 'declining'::text]))),
    CONSTRAINT health_scores_signals_check CHECK ((signals >= 0)),
    CONSTRAINT health_scores_violations_check CHECK ((violations >= 0))
);
ALTER TABLE health_scores ADD CONSTRAINT health_scores_pkey PRIMARY KEY (prospect_id, as_of);
CREATE INDEX health_scores_grade ON health_scores USING btree (as_of, grade);

CREATE TABLE idempotency_keys (
    owner text NOT NULL,
    key text NOT NULL,
    route text NOT NULL,
    request_hash bytea NOT NULL,
    response_status integer,
    response_body bytea,
    response_headers jsonb,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT idempotency_keys_key_check CHECK (((length(key) >= 1) AND (length(key) <= 255)))
);
ALTER TABLE idempotency_keys ADD CONSTRAINT idempotency_keys_pkey PRIMARY KEY (owner, key);
CREATE INDEX idempotency_keys_age ON idempotency_keys USING btree (created_at);

CREATE TABLE job_attempts (
    job_id bigint NOT NULL,
    fence bigint NOT NULL,
    attempt integer NOT NULL,
    outcome text NOT NULL,
    worker text,
    started_at timestamp with time zone,
    ended_at timestamp with time zone DEFAULT now() NOT NULL,
    error jsonb,
    CONSTRAINT job_attempts_outcome_check CHECK ((outcome = ANY (ARRAY['retryable'::text, 'dead'::text, 'cancelled'::text])))
);
ALTER TABLE job_attempts ADD CONSTRAINT job_attempts_pkey PRIMARY KEY (job_id, fence);

CREATE TABLE job_logs (
    job_id bigint NOT NULL,
    line integer NOT NULL,
    at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    attempt integer NOT NULL,
    level text NOT NULL,
    message text NOT NULL,
    CONSTRAINT job_logs_level_check CHECK ((level = ANY (ARRAY['info'::text, 'warning'::text, 'error'::text]))),
    CONSTRAINT job_logs_message_check CHECK ((length(message) <= 2000))
);
ALTER TABLE job_logs ADD CONSTRAINT job_logs_pkey PRIMARY KEY (job_id, line);

CREATE TABLE jobs (
    id bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
    queue text NOT NULL,
    kind text NOT NULL,
    args jsonb DEFAULT '{}'::jsonb NOT NULL,
    state text DEFAULT 'queued'::text NOT NULL,
    priority smallint DEFAULT 100 NOT NULL,
    run_at timestamp with time zone DEFAULT now() NOT NULL,
    attempt integer DEFAULT 0 NOT NULL,
    max_attempts integer DEFAULT 3 NOT NULL,
    fence bigint DEFAULT 0 NOT NULL,
    worker text,
    lease_until timestamp with time zone,
    awaiting_children boolean DEFAULT false NOT NULL,
    parent_id bigint,
    dedupe_key text,
    serial_key text,
    progress jsonb DEFAULT '{}'::jsonb NOT NULL,
    result jsonb,
    error jsonb,
    request_id text,
    created_by text,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    started_at timestamp with time zone,
    finished_at timestamp with time zone,
    version smallint DEFAULT 1 NOT NULL,
    claimed_at timestamp with time zone,
    cancel_requested_at timestamp with time zone,
    replay_of bigint,
    replaced_by bigint,
    CONSTRAINT jobs_args_check CHECK ((jsonb_typeof(args) = 'object'::text)),
    CONSTRAINT jobs_attempt_check CHECK ((attempt >= 0)),
    CONSTRAINT jobs_dead_says_why CHECK (((state <> 'dead'::text) OR (error IS NOT NULL))),
    CONSTRAINT jobs_finished_when_final CHECK (((state = ANY (ARRAY['succeeded'::text, 'dead'::text, 'cancelled'::text])) = (finished_at IS NOT NULL))),
    CONSTRAINT jobs_kind_check CHECK ((kind ~ '^[a-z][a-z_.]{0,59}$'::text)),
    CONSTRAINT jobs_lease_while_running CHECK ((((state = 'running'::text) AND (NOT awaiting_children)) = (lease_until IS NOT NULL))),
    CONSTRAINT jobs_max_attempts_check CHECK ((max_attempts > 0)),
    CONSTRAINT jobs_progress_check CHECK ((jsonb_typeof(progress) = 'object'::text)),
    CONSTRAINT jobs_queue_check CHECK ((queue ~ '^[a-z][a-z_]{0,39}$'::text)),
    CONSTRAINT jobs_state_check CHECK ((state = ANY (ARRAY['queued'::text, 'running'::text, 'retryable'::text, 'succeeded'::text, 'dead'::text, 'cancelled'::text]))),
    CONSTRAINT jobs_version_check CHECK ((version > 0)),
    CONSTRAINT jobs_waiting_parent_is_running CHECK (((state = 'running'::text) OR (NOT awaiting_children)))
);
ALTER TABLE jobs ADD CONSTRAINT jobs_pkey PRIMARY KEY (id);
CREATE INDEX jobs_by_kind ON jobs USING btree (kind, id DESC);
CREATE INDEX jobs_by_state ON jobs USING btree (state, id DESC);
CREATE INDEX jobs_children ON jobs USING btree (parent_id, state) WHERE parent_id IS NOT NULL;
CREATE INDEX jobs_claim ON jobs USING btree (queue, priority, run_at, id) WHERE state = ANY (ARRAY['queued'::text, 'retryable'::text]);
CREATE INDEX jobs_finished ON jobs USING btree (finished_at) WHERE finished_at IS NOT NULL;
CREATE INDEX jobs_held ON jobs USING btree (queue, lease_until) WHERE state = 'running'::text AND lease_until IS NOT NULL;
CREATE UNIQUE INDEX jobs_live_dedupe ON jobs USING btree (dedupe_key) WHERE dedupe_key IS NOT NULL AND (state = ANY (ARRAY['queued'::text, 'running'::text, 'retryable'::text]));
CREATE UNIQUE INDEX jobs_running_serial ON jobs USING btree (serial_key) WHERE serial_key IS NOT NULL AND state = 'running'::text;
CREATE INDEX jobs_waiting_parents ON jobs USING btree (id) WHERE awaiting_children;

CREATE TABLE outbox (
    id bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
    topic text NOT NULL,
    key text,
    payload jsonb NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL
);
ALTER TABLE outbox ADD CONSTRAINT outbox_pkey PRIMARY KEY (id);

CREATE TABLE portfolio_companies (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    prospect_id uuid,
    company_name text NOT NULL,
    name_key text NOT NULL,
    state text NOT NULL,
    funded_amount numeric(14,2),
    balance numeric(14,2),
    funded_on date,
    status text DEFAULT 'active'::text NOT NULL,
    health_score smallint,
    health_grade text,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT portfolio_companies_balance_check CHECK ((balance >= (0)::numeric)),
    CONSTRAINT portfolio_companies_company_name_check CHECK ((btrim(company_name) <> ''::text)),
    CONSTRAINT portfolio_companies_funded_amount_check CHECK ((funded_amount > (0)::numeric)),
    CONSTRAINT portfolio_companies_health_grade_check CHECK ((health_grade = ANY (ARRAY['A'::text, 'B'::text, 'C'::text, 'D'::text, 'F'::text]))),
    CONSTRAINT portfolio_companies_health_score_check CHECK (((health_score >= 0) AND (health_score <= 100))),
    CONSTRAINT portfolio_companies_state_check CHECK (is_us_jurisdiction(state)),
    CONSTRAINT portfolio_companies_status_check CHECK ((status = ANY (ARRAY['active'::text, 'watch'::text, 'default'::text, 'paid_off'::text])))
);
ALTER TABLE portfolio_companies ADD CONSTRAINT portfolio_companies_pkey PRIMARY KEY (id);
CREATE INDEX portfolio_companies_name_key ON portfolio_companies USING btree (state, name_key);
CREATE INDEX portfolio_companies_prospect ON portfolio_companies USING btree (prospect_id) WHERE prospect_id IS NOT NULL;
CREATE INDEX portfolio_companies_status ON portfolio_companies USING btree (status, health_score);

CREATE TABLE prospect_cell_deltas (
    state text NOT NULL,
    industry text NOT NULL,
    status text NOT NULL,
    score smallint NOT NULL,
    change bigint NOT NULL
) WITH (autovacuum_vacuum_scale_factor=0, autovacuum_vacuum_threshold=1000, autovacuum_vacuum_insert_threshold=-1);

CREATE TABLE prospect_cells (
    state text NOT NULL,
    industry text NOT NULL,
    status text NOT NULL,
    score smallint NOT NULL,
    prospects bigint NOT NULL
) WITH (fillfactor=70, autovacuum_vacuum_scale_factor=0, autovacuum_vacuum_threshold=5000);
ALTER TABLE prospect_cells ADD CONSTRAINT prospect_cells_pkey PRIMARY KEY (state, industry, status, score);

CREATE TABLE prospect_sources (
    prospect_id uuid NOT NULL,
    checked_at jsonb DEFAULT '{}'::jsonb NOT NULL,
    asked_at timestamp with time zone,
    CONSTRAINT prospect_sources_checked_at_check CHECK ((jsonb_typeof(checked_at) = 'object'::text))
);
ALTER TABLE prospect_sources ADD CONSTRAINT prospect_sources_pkey PRIMARY KEY (prospect_id);

CREATE TABLE prospect_stories (
    prospect_id uuid NOT NULL,
    facts_rev bigint NOT NULL,
    scored_rev bigint NOT NULL,
    scored_as_of date,
    health json,
    signals json NOT NULL,
    filings json NOT NULL
);
ALTER TABLE prospect_stories ADD CONSTRAINT prospect_stories_pkey PRIMARY KEY (prospect_id);

CREATE TABLE prospect_ucc_filings (
    prospect_id uuid NOT NULL,
    filing_id bigint NOT NULL
);
ALTER TABLE prospect_ucc_filings ADD CONSTRAINT prospect_ucc_filings_pkey PRIMARY KEY (prospect_id, filing_id);
CREATE INDEX prospect_ucc_filings_filing ON prospect_ucc_filings USING btree (filing_id);

CREATE TABLE prospect_work (
    prospect_id uuid NOT NULL,
    facts_rev bigint DEFAULT 1 NOT NULL,
    enriched_rev bigint DEFAULT 0 NOT NULL,
    scored_rev bigint DEFAULT 0 NOT NULL,
    scored_as_of date,
    changed_at timestamp with time zone DEFAULT now() NOT NULL
);
ALTER TABLE prospect_work ADD CONSTRAINT prospect_work_pkey PRIMARY KEY (prospect_id);
CREATE INDEX prospect_work_unenriched ON prospect_work USING btree (changed_at) WHERE enriched_rev < facts_rev;
CREATE INDEX prospect_work_unscored ON prospect_work USING btree (changed_at) WHERE scored_rev < facts_rev;

CREATE TABLE prospects (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    debtor_key text,
    company_name text NOT NULL,
    name_key text NOT NULL,
    state text NOT NULL,
    industry text,
    industry_confidence real,
    status text DEFAULT 'unclaimed'::text NOT NULL,
    corrected_name text,
    corrected_industry text,
    claimed_by text,
    claimed_at timestamp with time zone,
    notes text,
    lien_amount numeric(14,2),
    filing_date date,
    filings integer DEFAULT 0 NOT NULL,
    open_filings integer DEFAULT 0 NOT NULL,
    names_as_filed jsonb DEFAULT '[]'::jsonb NOT NULL,
    trade_names jsonb DEFAULT '[]'::jsonb NOT NULL,
    addresses jsonb DEFAULT '[]'::jsonb NOT NULL,
    lenders jsonb DEFAULT '[]'::jsonb NOT NULL,
    mca text DEFAULT 'none'::text NOT NULL,
    stack_depth integer DEFAULT 0 NOT NULL,
    stack_certain integer DEFAULT 0 NOT NULL,
    renewal_due boolean DEFAULT false NOT NULL,
    renewal_on date,
    distress boolean DEFAULT false NOT NULL,
    evidence jsonb DEFAULT '{}'::jsonb NOT NULL,
    priority_score smallint DEFAULT 0 NOT NULL,
    score_components jsonb DEFAULT '[]'::jsonb NOT NULL,
    health_score smallint,
    health_grade text,
    scored_as_of date,
    version bigint DEFAULT 1 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    shown_name text GENERATED ALWAYS AS (COALESCE(corrected_name, company_name)) STORED NOT NULL,
    CONSTRAINT prospects_check CHECK (((stack_certain >= 0) AND (stack_certain <= stack_depth))),
    CONSTRAINT prospects_claim_is_whole CHECK (((claimed_by IS NULL) = (claimed_at IS NULL))),
    CONSTRAINT prospects_company_name_check CHECK ((btrim(company_name) <> ''::text)),
    CONSTRAINT prospects_corrected_industry_check CHECK ((corrected_industry = ANY (ARRAY['restaurant'::text, 'retail'::text, 'construction'::text, 'healthcare'::text, 'manufacturing'::text, 'services'::text, 'technology'::text]))),
    CONSTRAINT prospects_health_grade_check CHECK ((health_grade = ANY (ARRAY['A'::text, 'B'::text, 'C'::text, 'D'::text, 'F'::text]))),
    CONSTRAINT prospects_health_score_check CHECK (((health_score >= 0) AND (health_score <= 100))),
    CONSTRAINT prospects_industry_check CHECK ((industry = ANY (ARRAY['restaurant'::text, 'retail'::text, 'construction'::text, 'healthcare'::text, 'manufacturing'::text, 'services'::text, 'technology'::text]))),
    CONSTRAINT prospects_industry_confidence_check CHECK (((industry_confidence >= (0)::double precision) AND (industry_confidence <= (1)::double precision))),
    CONSTRAINT prospects_lien_amount_check CHECK ((lien_amount > (0)::numeric)),
    CONSTRAINT prospects_mca_check CHECK ((mca = ANY (ARRAY['certain'::text, 'possible'::text, 'none'::text]))),
    CONSTRAINT prospects_priority_score_check CHECK (((priority_score >= 0) AND (priority_score <= 100))),
    CONSTRAINT prospects_renewal_has_date CHECK ((renewal_due = (renewal_on IS NOT NULL))),
    CONSTRAINT prospects_stack_depth_check CHECK ((stack_depth >= 0)),
    CONSTRAINT prospects_state_check CHECK (is_us_jurisdiction(state)),
    CONSTRAINT prospects_status_check CHECK ((status = ANY (ARRAY['unclaimed'::text, 'claimed'::text, 'contacted'::text, 'qualified'::text, 'converted'::text, 'dead'::text, 'active'::text])))
) WITH (autovacuum_vacuum_scale_factor=0.05, autovacuum_vacuum_insert_scale_factor=0.05);
ALTER TABLE prospects ADD CONSTRAINT prospects_debtor_key_key UNIQUE (debtor_key);
ALTER TABLE prospects ADD CONSTRAINT prospects_pkey PRIMARY KEY (id);
CREATE INDEX prospects_claimed ON prospects USING btree (claimed_by, claimed_at DESC) WHERE claimed_by IS NOT NULL;
CREATE INDEX prospects_created ON prospects USING btree (created_at DESC, id) INCLUDE (state, status, priority_score, corrected_industry, industry);
CREATE INDEX prospects_distress ON prospects USING btree (priority_score DESC, id) WHERE distress;
CREATE INDEX prospects_grade ON prospects USING btree (health_grade, priority_score DESC, id) WHERE health_grade <> 'C'::text;
CREATE INDEX prospects_industry_score ON prospects USING btree (COALESCE(corrected_industry, industry), priority_score DESC, id) INCLUDE (corrected_industry, industry, state, status);
CREATE INDEX prospects_lender ON prospects USING gin (prospect_lender_terms(lenders)) WHERE lenders <> '[]'::jsonb;
CREATE INDEX prospects_mca ON prospects USING btree (mca, priority_score DESC, id) WHERE mca <> 'none'::text;
CREATE INDEX prospects_name ON prospects USING btree (shown_name, id) INCLUDE (state, status, priority_score, corrected_industry, industry);
CREATE INDEX prospects_name_key ON prospects USING btree (state, name_key) WHERE debtor_key IS NULL;
CREATE INDEX prospects_name_part ON prospects USING gin (COALESCE(corrected_name, company_name) gin_trgm_ops);
CREATE INDEX prospects_renewal ON prospects USING btree (renewal_on, id) WHERE renewal_due;
CREATE INDEX prospects_score ON prospects USING btree (priority_score DESC, id) INCLUDE (state, status, corrected_industry, industry);
CREATE INDEX prospects_stacked ON prospects USING btree (stack_depth DESC, priority_score DESC, id) WHERE stack_depth >= 2;
CREATE INDEX prospects_state_created ON prospects USING btree (state, created_at DESC, id) INCLUDE (status, priority_score, corrected_industry, industry);
CREATE INDEX prospects_state_industry ON prospects USING btree (state, COALESCE(corrected_industry, industry), priority_score DESC, id) INCLUDE (corrected_industry, industry, status);
CREATE INDEX prospects_state_name ON prospects USING btree (state, shown_name, id) INCLUDE (status, priority_score, corrected_industry, industry);
CREATE INDEX prospects_state_score ON prospects USING btree (state, priority_score DESC, id) INCLUDE (status, corrected_industry, industry);
CREATE INDEX prospects_state_status ON prospects USING btree (state, status, priority_score DESC, id) INCLUDE (corrected_industry, industry);
CREATE INDEX prospects_status_score ON prospects USING btree (status, priority_score DESC, id) INCLUDE (state, corrected_industry, industry);

CREATE TABLE quarantine (
    id bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
    register text NOT NULL,
    dataset text NOT NULL,
    row_key text NOT NULL,
    row_text text NOT NULL,
    reason text NOT NULL,
    state text DEFAULT 'open'::text NOT NULL,
    job_id bigint,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    resolved_at timestamp with time zone,
    resolved_by text,
    corrected_row jsonb,
    note text,
    replay_job_id bigint,
    CONSTRAINT quarantine_corrected_row_check CHECK ((jsonb_typeof(corrected_row) = 'object'::text)),
    CONSTRAINT quarantine_state_check CHECK ((state = ANY (ARRAY['open'::text, 'replayed'::text, 'discarded'::text])))
);
ALTER TABLE quarantine ADD CONSTRAINT quarantine_pkey PRIMARY KEY (id);
CREATE INDEX quarantine_by_state ON quarantine USING btree (state, id DESC);
CREATE INDEX quarantine_corrected ON quarantine USING btree (register) WHERE corrected_row IS NOT NULL AND state = 'replayed'::text;
CREATE INDEX quarantine_open ON quarantine USING btree (register, id) WHERE state = 'open'::text;
CREATE UNIQUE INDEX quarantine_row ON quarantine USING btree (register, dataset, md5(row_text));

CREATE TABLE queues (
    name text NOT NULL,
    paused_at timestamp with time zone,
    paused_by text,
    reason text,
    concurrency integer,
    rate double precision,
    tokens double precision DEFAULT 0 NOT NULL,
    refilled_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT queues_concurrency_check CHECK ((concurrency > 0)),
    CONSTRAINT queues_name_check CHECK ((name ~ '^[a-z][a-z_]{0,39}$'::text)),
    CONSTRAINT queues_rate_check CHECK ((rate > (0)::double precision))
);
ALTER TABLE queues ADD CONSTRAINT queues_pkey PRIMARY KEY (name);

CREATE TABLE schedule_runs (
    id bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
    schedule text NOT NULL,
    cause text NOT NULL,
    due_at timestamp with time zone NOT NULL,
    job_id bigint,
    created_by text,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT schedule_runs_cause_check CHECK ((cause = ANY (ARRAY['due'::text, 'missed'::text, 'after'::text, 'hand'::text])))
);
ALTER TABLE schedule_runs ADD CONSTRAINT schedule_runs_pkey PRIMARY KEY (id);
CREATE INDEX schedule_runs_age ON schedule_runs USING btree (created_at);
CREATE INDEX schedule_runs_by_schedule ON schedule_runs USING btree (schedule, id DESC);

CREATE TABLE schedules (
    name text NOT NULL,
    kind text NOT NULL,
    queue text NOT NULL,
    args jsonb DEFAULT '{}'::jsonb NOT NULL,
    cron text NOT NULL,
    timezone text DEFAULT 'UTC'::text NOT NULL,
    missed_policy text DEFAULT 'run_once'::text NOT NULL,
    enabled boolean DEFAULT true NOT NULL,
    next_run_at timestamp with time zone,
    last_run_at timestamp with time zone,
    last_job_id bigint,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    after_kind text,
    after_seen_at timestamp with time zone,
    problem text,
    CONSTRAINT schedules_missed_policy_check CHECK ((missed_policy = ANY (ARRAY['skip'::text, 'run_once'::text, 'run_all'::text])))
);
ALTER TABLE schedules ADD CONSTRAINT schedules_pkey PRIMARY KEY (name);
CREATE INDEX schedules_due ON schedules USING btree (next_run_at) WHERE enabled;

CREATE TABLE tombstones (
    debtor_key text NOT NULL,
    prospect_id uuid NOT NULL,
    deleted_by text,
    deleted_at timestamp with time zone DEFAULT now() NOT NULL
);
ALTER TABLE tombstones ADD CONSTRAINT tombstones_pkey PRIMARY KEY (debtor_key);

CREATE TABLE ucc_filings (
    id bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
    register text NOT NULL,
    filing_number text NOT NULL,
    state text NOT NULL,
    filing_type text,
    document_type text,
    initial_seen boolean DEFAULT false NOT NULL,
    filed_on date,
    lapse_as_filed date,
    lapse_on date,
    continued_on date,
    continuations integer DEFAULT 0 NOT NULL,
    terminated_on date,
    register_status text,
    status text DEFAULT 'unknown'::text NOT NULL,
    amendments integer DEFAULT 0 NOT NULL,
    last_event_on date,
    lien_amount numeric(14,2),
    history_checked boolean DEFAULT false NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT ucc_filings_filing_number_check CHECK ((filing_number <> ''::text)),
    CONSTRAINT ucc_filings_filing_type_check CHECK ((filing_type = ANY (ARRAY['ucc'::text, 'federal_tax_lien'::text, 'state_tax_lien'::text, 'judgment_lien'::text, 'hospital_lien'::text, 'farm_product'::text, 'other_lien'::text]))),
    CONSTRAINT ucc_filings_known_initial CHECK (((NOT initial_seen) OR (filing_type IS NOT NULL))),
    CONSTRAINT ucc_filings_lien_amount_check CHECK ((lien_amount > (0)::numeric)),
    CONSTRAINT ucc_filings_register_check CHECK ((register ~ '^[a-z][a-z0-9_]{0,19}$'::text)),
    CONSTRAINT ucc_filings_register_status_check CHECK ((register_status = ANY (ARRAY['active'::text, 'lapsed'::text, 'terminated'::text]))),
    CONSTRAINT ucc_filings_state_check CHECK (is_us_jurisdiction(state)),
    CONSTRAINT ucc_filings_status_check CHECK ((status = ANY (ARRAY['unknown'::text, 'active'::text, 'lapsed'::text, 'terminated'::text])))
);
ALTER TABLE ucc_filings ADD CONSTRAINT ucc_filings_pkey PRIMARY KEY (id);
ALTER TABLE ucc_filings ADD CONSTRAINT ucc_filings_register_filing_number_key UNIQUE (register, filing_number);
CREATE INDEX ucc_filings_filed ON ucc_filings USING btree (filed_on DESC);
CREATE INDEX ucc_filings_lapsing ON ucc_filings USING btree (lapse_on) WHERE status = 'active'::text;
CREATE INDEX ucc_filings_orphans ON ucc_filings USING btree (register, id) WHERE NOT initial_seen AND NOT history_checked;

CREATE TABLE upload_chunks (
    upload_id bigint NOT NULL,
    file integer NOT NULL,
    chunk integer NOT NULL,
    data bytea NOT NULL,
    CONSTRAINT upload_chunks_chunk_check CHECK ((chunk >= 0)),
    CONSTRAINT upload_chunks_file_check CHECK ((file >= 0))
);
ALTER TABLE upload_chunks ALTER COLUMN data SET STORAGE EXTERNAL;
ALTER TABLE upload_chunks ADD CONSTRAINT upload_chunks_pkey PRIMARY KEY (upload_id, file, chunk);

CREATE TABLE upload_files (
    upload_id bigint NOT NULL,
    file integer NOT NULL,
    name text NOT NULL,
    size bigint NOT NULL,
    CONSTRAINT upload_files_file_check CHECK ((file >= 0)),
    CONSTRAINT upload_files_size_check CHECK ((size >= 0))
);
ALTER TABLE upload_files ADD CONSTRAINT upload_files_pkey PRIMARY KEY (upload_id, file);

CREATE TABLE upload_members (
    upload_id bigint NOT NULL,
    member integer NOT NULL,
    file integer NOT NULL,
    name text NOT NULL,
    entry text,
    dataset text NOT NULL,
    columns text[] NOT NULL,
    header boolean NOT NULL,
    records_read bigint DEFAULT 0 NOT NULL,
    quarantined bigint DEFAULT 0 NOT NULL,
    staged_at timestamp with time zone,
    CONSTRAINT upload_members_member_check CHECK ((member >= 0)),
    CONSTRAINT upload_members_quarantined_check CHECK ((quarantined >= 0)),
    CONSTRAINT upload_members_records_read_check CHECK ((records_read >= 0))
);
ALTER TABLE upload_members ADD CONSTRAINT upload_members_pkey PRIMARY KEY (upload_id, member);

CREATE TABLE upload_rows (
    upload_id bigint NOT NULL,
    register text NOT NULL,
    filing text COLLATE "C" NOT NULL,
    member integer NOT NULL,
    line bigint NOT NULL,
    cells text[] NOT NULL
);
CREATE INDEX upload_rows_filing ON upload_rows USING btree (register, filing);
CREATE INDEX upload_rows_page ON upload_rows USING btree (upload_id, filing);

CREATE TABLE uploads (
    id bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
    format text NOT NULL,
    register text NOT NULL,
    state text NOT NULL,
    subject text NOT NULL,
    digest bytea NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT uploads_format_check CHECK ((format = ANY (ARRAY['fl'::text, 'ca'::text, 'iaca'::text]))),
    CONSTRAINT uploads_register_check CHECK ((register ~ '^[a-z][a-z0-9_]{0,19}$'::text)),
    CONSTRAINT uploads_state_check CHECK (is_us_jurisdiction(state)),
    CONSTRAINT uploads_subject_check CHECK ((subject <> ''::text))
);
ALTER TABLE uploads ADD CONSTRAINT uploads_pkey PRIMARY KEY (id);
CREATE INDEX uploads_age ON uploads USING btree (created_at);

CREATE TABLE usage_tracking (
    subject text NOT NULL,
    endpoint text NOT NULL,
    hour timestamp with time zone NOT NULL,
    requests bigint DEFAULT 0 NOT NULL,
    errors bigint DEFAULT 0 NOT NULL,
    duration_ms bigint DEFAULT 0 NOT NULL,
    CONSTRAINT usage_tracking_duration_ms_check CHECK ((duration_ms >= 0)),
    CONSTRAINT usage_tracking_errors_check CHECK ((errors >= 0)),
    CONSTRAINT usage_tracking_requests_check CHECK ((requests >= 0))
);
ALTER TABLE usage_tracking ADD CONSTRAINT usage_tracking_pkey PRIMARY KEY (subject, endpoint, hour);
CREATE INDEX usage_tracking_hour ON usage_tracking USING btree (hour DESC);

CREATE TABLE users (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    subject text NOT NULL,
    email text,
    display_name text,
    role text DEFAULT 'viewer'::text NOT NULL,
    disabled_at timestamp with time zone,
    last_seen_at timestamp with time zone,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT users_role_check CHECK ((role = ANY (ARRAY['admin'::text, 'analyst'::text, 'viewer'::text, 'service'::text]))),
    CONSTRAINT users_subject_check CHECK ((subject <> ''::text))
);
ALTER TABLE users ADD CONSTRAINT users_pkey PRIMARY KEY (id);
ALTER TABLE users ADD CONSTRAINT users_subject_key UNIQUE (subject);
CREATE INDEX users_disabled ON users USING btree (subject) WHERE disabled_at IS NOT NULL;
CREATE UNIQUE INDEX users_email ON users USING btree (lower(email)) WHERE email IS NOT NULL;

CREATE VIEW high_priority_prospects AS
 SELECT prospects.id,
    COALESCE(prospects.corrected_name, prospects.company_name) AS company_name,
    prospects.state,
    COALESCE(prospects.corrected_industry, prospects.industry) AS industry,
    prospects.status,
    prospects.priority_score,
    prospects.mca,
    prospects.stack_depth,
    prospects.renewal_on,
    prospects.health_grade
   FROM prospects
  WHERE ((prospects.priority_score >= 70) AND (prospects.status = ANY (ARRAY['unclaimed'::text, 'active'::text])));

CREATE VIEW latest_health_scores AS
 SELECT DISTINCT ON (health_scores.prospect_id) health_scores.prospect_id,
    health_scores.as_of,
    health_scores.score,
    health_scores.grade,
    health_scores.signals,
    health_scores.violations,
    health_scores.components,
    health_scores.liens,
    health_scores.sentiment_trend,
    health_scores.trend_reason
   FROM health_scores
  ORDER BY health_scores.prospect_id, health_scores.as_of DESC;

CREATE VIEW portfolio_health AS
 SELECT c.id,
    followed.prospect_id,
    followed.health_score,
    followed.health_grade
   FROM (portfolio_companies c
     LEFT JOIN LATERAL ( SELECT found.id AS prospect_id,
            found.health_score,
            found.health_grade
           FROM ( SELECT p.id,
                    p.health_score,
                    p.health_grade,
                    p.created_at,
                    1 AS nearness
                   FROM prospects p
                  WHERE (p.id = c.prospect_id)
                UNION ALL
                 SELECT p.id,
                    p.health_score,
                    p.health_grade,
                    p.created_at,
                    2
                   FROM prospects p
                  WHERE ((p.debtor_key = ((c.state || ':'::text) || c.name_key)) AND (c.name_key <> ''::text))
                UNION ALL
                 SELECT p.id,
                    p.health_score,
                    p.health_grade,
                    p.created_at,
                    3
                   FROM prospects p
                  WHERE ((p.debtor_key IS NULL) AND (p.state = c.state) AND (p.name_key = c.name_key) AND (c.name_key <> ''::text))) found
          ORDER BY found.nearness, found.created_at, found.id
         LIMIT 1) followed ON (true));

CREATE VIEW prospect_sheet AS
 SELECT COALESCE(p.corrected_name, p.company_name) AS company_name,
    p.state,
    concat_ws(', '::text, ((p.addresses -> 0) ->> 'address1'::text), ((p.addresses -> 0) ->> 'address2'::text)) AS address,
    ((p.addresses -> 0) ->> 'city'::text) AS city,
    ((p.addresses -> 0) ->> 'state'::text) AS address_state,
    ((p.addresses -> 0) ->> 'zip'::text) AS zip,
    ( SELECT string_agg((l.value ->> 'name'::text), '; '::text ORDER BY l.ordinality) AS string_agg
           FROM jsonb_array_elements(p.lenders) WITH ORDINALITY l(value, ordinality)) AS lenders,
    p.mca,
    ( SELECT string_agg(concat_ws(' '::text, (m.value ->> 'filing'::text), (m.value ->> 'filed_on'::text), (m.value ->> 'lender'::text), (m.value ->> 'why'::text)), '; '::text ORDER BY m.ordinality) AS string_agg
           FROM jsonb_array_elements((p.evidence -> 'mca'::text)) WITH ORDINALITY m(value, ordinality)) AS mca_evidence,
    p.stack_depth,
    p.stack_certain,
    p.renewal_on,
    p.distress,
    p.priority_score,
    p.health_score,
    p.health_grade,
    COALESCE(p.corrected_industry, p.industry) AS industry,
    p.filings,
    p.open_filings,
    p.filing_date AS last_filing_date,
    p.lien_amount,
    p.status,
    p.claimed_by,
    to_char((p.claimed_at AT TIME ZONE 'UTC'::text), 'YYYY-MM-DD"T"HH24:MI:SS"Z"'::text) AS claimed_at,
    to_char((p.created_at AT TIME ZONE 'UTC'::text), 'YYYY-MM-DD"T"HH24:MI:SS"Z"'::text) AS created_at,
    p.id
   FROM prospects p;

CREATE VIEW stale_prospects AS
 SELECT p.id,
    p.company_name,
    p.state,
    p.priority_score,
    w.changed_at,
    w.scored_as_of
   FROM (prospects p
     JOIN prospect_work w ON ((w.prospect_id = p.id)))
  WHERE ((w.scored_rev < w.facts_rev) OR (w.scored_as_of IS NULL) OR (w.scored_as_of < (CURRENT_DATE - 7)));

CREATE TRIGGER competitors_touch BEFORE UPDATE ON competitors FOR EACH ROW EXECUTE FUNCTION touch_updated_at();

CREATE TRIGGER data_sources_touch BEFORE UPDATE ON data_sources FOR EACH ROW EXECUTE FUNCTION touch_updated_at();

ALTER TABLE export_chunks ADD CONSTRAINT export_chunks_export_id_fkey FOREIGN KEY (export_id) REFERENCES exports(id) ON DELETE CASCADE;

ALTER TABLE export_parts ADD CONSTRAINT export_parts_export_id_fkey FOREIGN KEY (export_id) REFERENCES exports(id) ON DELETE CASCADE;

ALTER TABLE filing_collateral ADD CONSTRAINT filing_collateral_event_id_fkey FOREIGN KEY (event_id) REFERENCES filing_events(id) ON DELETE CASCADE;

ALTER TABLE filing_events ADD CONSTRAINT filing_events_filing_id_fkey FOREIGN KEY (filing_id) REFERENCES ucc_filings(id) ON DELETE CASCADE;

ALTER TABLE filing_parties ADD CONSTRAINT filing_parties_event_id_fkey FOREIGN KEY (event_id) REFERENCES filing_events(id) ON DELETE CASCADE;

ALTER TABLE growth_signals ADD CONSTRAINT growth_signals_prospect_id_fkey FOREIGN KEY (prospect_id) REFERENCES prospects(id) ON DELETE CASCADE;

ALTER TABLE health_scores ADD CONSTRAINT health_scores_prospect_id_fkey FOREIGN KEY (prospect_id) REFERENCES prospects(id) ON DELETE CASCADE;

ALTER TABLE job_attempts ADD CONSTRAINT job_attempts_job_id_fkey FOREIGN KEY (job_id) REFERENCES jobs(id) ON DELETE CASCADE;

ALTER TABLE job_logs ADD CONSTRAINT job_logs_job_id_fkey FOREIGN KEY (job_id) REFERENCES jobs(id) ON DELETE CASCADE;

ALTER TABLE jobs ADD CONSTRAINT jobs_parent_id_fkey FOREIGN KEY (parent_id) REFERENCES jobs(id) ON DELETE CASCADE;

ALTER TABLE portfolio_companies ADD CONSTRAINT portfolio_companies_prospect_id_fkey FOREIGN KEY (prospect_id) REFERENCES prospects(id) ON DELETE SET NULL;
CREATE TRIGGER portfolio_companies_name_key BEFORE INSERT OR UPDATE OF company_name ON portfolio_companies FOR EACH ROW EXECUTE FUNCTION portfolio_fill_name_key();
CREATE TRIGGER portfolio_companies_touch BEFORE UPDATE ON portfolio_companies FOR EACH ROW EXECUTE FUNCTION touch_updated_at();

ALTER TABLE prospect_sources ADD CONSTRAINT prospect_sources_prospect_id_fkey FOREIGN KEY (prospect_id) REFERENCES prospects(id) ON DELETE CASCADE;

ALTER TABLE prospect_stories ADD CONSTRAINT prospect_stories_prospect_id_fkey FOREIGN KEY (prospect_id) REFERENCES prospects(id) ON DELETE CASCADE;

ALTER TABLE prospect_ucc_filings ADD CONSTRAINT prospect_ucc_filings_filing_id_fkey FOREIGN KEY (filing_id) REFERENCES ucc_filings(id) ON DELETE CASCADE;
ALTER TABLE prospect_ucc_filings ADD CONSTRAINT prospect_ucc_filings_prospect_id_fkey FOREIGN KEY (prospect_id) REFERENCES prospects(id) ON DELETE CASCADE;

ALTER TABLE prospect_work ADD CONSTRAINT prospect_work_prospect_id_fkey FOREIGN KEY (prospect_id) REFERENCES prospects(id) ON DELETE CASCADE;

CREATE TRIGGER prospects_count_delete AFTER DELETE ON prospects REFERENCING OLD TABLE AS removed FOR EACH STATEMENT EXECUTE FUNCTION prospects_count_change();
CREATE TRIGGER prospects_count_insert AFTER INSERT ON prospects REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION prospects_count_change();
CREATE TRIGGER prospects_count_truncate AFTER TRUNCATE ON prospects FOR EACH STATEMENT EXECUTE FUNCTION prospects_count_change();
CREATE TRIGGER prospects_count_update AFTER UPDATE ON prospects REFERENCING OLD TABLE AS removed NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION prospects_count_change();
CREATE TRIGGER prospects_name_key_insert BEFORE INSERT ON prospects FOR EACH ROW WHEN (new.name_key IS NULL) EXECUTE FUNCTION prospects_fill_name_key();
CREATE TRIGGER prospects_name_key_update BEFORE UPDATE OF company_name ON prospects FOR EACH ROW WHEN (new.debtor_key IS NULL AND new.company_name IS DISTINCT FROM old.company_name) EXECUTE FUNCTION prospects_fill_name_key();
CREATE TRIGGER prospects_touch BEFORE UPDATE ON prospects FOR EACH ROW EXECUTE FUNCTION touch_updated_at();

ALTER TABLE schedule_runs ADD CONSTRAINT schedule_runs_schedule_fkey FOREIGN KEY (schedule) REFERENCES schedules(name) ON DELETE CASCADE;

CREATE TRIGGER ucc_filings_touch BEFORE UPDATE ON ucc_filings FOR EACH ROW EXECUTE FUNCTION touch_updated_at();

ALTER TABLE upload_chunks ADD CONSTRAINT upload_chunks_upload_id_fkey FOREIGN KEY (upload_id) REFERENCES uploads(id) ON DELETE CASCADE;

ALTER TABLE upload_files ADD CONSTRAINT upload_files_upload_id_fkey FOREIGN KEY (upload_id) REFERENCES uploads(id) ON DELETE CASCADE;

ALTER TABLE upload_members ADD CONSTRAINT upload_members_upload_id_fkey FOREIGN KEY (upload_id) REFERENCES uploads(id) ON DELETE CASCADE;

CREATE TRIGGER users_touch BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION touch_updated_at();
