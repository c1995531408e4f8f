-- name: prepare_session
-- Timeouts of the role are for services. The server stops the statement of a killed runner
-- within two seconds; an idle one whose machine is gone holds the runners' lock for a minute.
-- Strings are read as statements.py reads them. By pg_settings, as transaction_timeout is new in 17.
SELECT set_config(name, value, false)
FROM (VALUES ('search_path', 'public'), ('tcp_keepalives_idle', '30'), ('tcp_keepalives_interval', '10'),
             ('tcp_keepalives_count', '3'), ('client_connection_check_interval', '2s'),
             ('statement_timeout', '0'), ('lock_timeout', '0'), ('transaction_timeout', '0'),
             ('idle_in_transaction_session_timeout', '0'), ('idle_session_timeout', '0'),
             ('standard_conforming_strings', 'on'), ('default_transaction_isolation', 'read committed'),
             ('default_transaction_deferrable', 'off')) AS wanted (name, value)
JOIN pg_settings USING (name);

-- name: reset_user
-- To that of the connection: what a role or a database sets for a session stays.
RESET SESSION AUTHORIZATION; RESET ROLE;

-- name: reset_session
RESET ALL; CLOSE ALL; UNLISTEN *; DISCARD TEMP; DISCARD SEQUENCES;

-- name: backend_pid
SELECT pg_backend_pid();

-- name: try_lock
SELECT pg_try_advisory_lock($1::bigint);

-- name: has_lock
SELECT EXISTS (SELECT FROM pg_locks l
               WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1 AND l.pid = pg_backend_pid()
                 AND ((l.classid::bigint << 32) | l.objid::bigint) = $1::bigint);

-- name: lock_holder
SELECT a.pid, a.usename, a.application_name, a.state, a.query,
       extract(epoch FROM clock_timestamp() - a.backend_start)::float8 AS seconds
FROM pg_locks l
JOIN pg_database d ON d.oid = l.database AND d.datname = current_database()
JOIN pg_stat_activity a ON a.pid = l.pid
WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
  AND ((l.classid::bigint << 32) | l.objid::bigint) = $1::bigint;

-- name: blockers
-- Process 0 is a prepared transaction, which nobody works on and no backend shows.
SELECT blocking.pid, coalesce(a.usename, x.owner) AS usename,
       CASE WHEN x.gids IS NULL THEN a.application_name ELSE 'prepared transaction' END AS application_name,
       CASE WHEN x.gids IS NULL THEN a.state ELSE 'prepared' END AS state,
       CASE WHEN x.gids IS NULL THEN a.query
            ELSE 'COMMIT PREPARED or ROLLBACK PREPARED ends it: ' || x.gids END AS query,
       extract(epoch FROM clock_timestamp() - coalesce(a.xact_start, x.since))::float8 AS seconds
FROM (SELECT DISTINCT unnest(pg_blocking_pids($1::integer))) AS blocking (pid)
LEFT JOIN pg_stat_activity a ON a.pid = blocking.pid
LEFT JOIN (SELECT min(owner) AS owner, min(prepared) AS since, string_agg(quote_literal(gid), ', ') AS gids
           FROM pg_prepared_xacts WHERE database = current_database()) AS x ON blocking.pid = 0
WHERE a.pid IS NOT NULL OR x.gids IS NOT NULL
ORDER BY a.xact_start, blocking.pid;

-- name: runner_blockers
SELECT DISTINCT a.pid, a.usename, a.application_name, a.state, a.query,
       extract(epoch FROM clock_timestamp() - a.xact_start)::float8 AS seconds
FROM pg_stat_activity r
CROSS JOIN LATERAL unnest(pg_blocking_pids(r.pid)) AS blocking (pid)
JOIN pg_stat_activity a ON a.pid = blocking.pid
WHERE r.datname = current_database() AND r.application_name LIKE 'migrations %'
ORDER BY a.pid;

-- name: timeouts
SELECT set_config('lock_timeout', $1, $3), set_config('statement_timeout', $2, $3);

-- name: has_history
SELECT to_regclass('public.schema_migrations') IS NOT NULL;

-- name: create_history
CREATE TABLE IF NOT EXISTS public.schema_migrations (
    version     integer PRIMARY KEY CHECK (version > 0),
    name        text NOT NULL,
    sha256      text NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    direction   text NOT NULL CHECK (direction IN ('up', 'down')),
    state       text NOT NULL CHECK (state IN ('started', 'applied')),
    applied_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    duration_ms integer CHECK (duration_ms >= 0),
    applied_by  text NOT NULL,
    CHECK (state = 'started' OR direction = 'up')
);

-- name: has_app_version
SELECT EXISTS (SELECT FROM pg_attribute
               WHERE attrelid = to_regclass('public.schema_migrations') AND attname = 'min_app_version'
                 AND NOT attisdropped);

-- name: add_app_version
-- By itself, as every database that an older release migrated gets it later. Set by contract files.
ALTER TABLE public.schema_migrations
    ADD COLUMN IF NOT EXISTS min_app_version text CHECK (min_app_version ~ '^\d+\.\d+\.\d+$');

-- name: set_app_version
UPDATE public.schema_migrations SET min_app_version = $2 WHERE version = $1;

-- name: history
-- By way of JSON, as a table that an older release made has no min_app_version.
SELECT version, name, sha256, direction, state, applied_at, duration_ms, applied_by,
       to_jsonb(m) ->> 'min_app_version' AS min_app_version
FROM public.schema_migrations AS m
ORDER BY version;

-- name: has_catalog
SELECT to_regclass('public.schema_catalog') IS NOT NULL;

-- name: create_catalog
CREATE TABLE IF NOT EXISTS public.schema_catalog (
    one      boolean PRIMARY KEY DEFAULT true CHECK (one),
    version  integer NOT NULL,
    server   integer NOT NULL,
    sha256   text NOT NULL,
    items    jsonb NOT NULL,
    taken_at timestamptz NOT NULL
);

-- name: store_catalog
INSERT INTO public.schema_catalog (version, server, sha256, items, taken_at)
VALUES ($1, $2, $3, $4::jsonb, $5)
ON CONFLICT (one) DO UPDATE
SET version = EXCLUDED.version, server = EXCLUDED.server, sha256 = EXCLUDED.sha256,
    items = EXCLUDED.items, taken_at = EXCLUDED.taken_at;

-- name: stored_catalog
SELECT version, server, sha256, taken_at FROM public.schema_catalog;

-- name: stored_items
SELECT items FROM public.schema_catalog WHERE sha256 = $1;

-- name: catalog_session
-- All that decides how PostgreSQL prints a definition: roles and databases have settings of their own.
SELECT set_config(name, value, true)
FROM (VALUES ('search_path', 'public'), ('lock_timeout', '5s'), ('statement_timeout', '0'),
             ('TimeZone', 'UTC'), ('DateStyle', 'ISO, MDY'), ('IntervalStyle', 'postgres'),
             ('quote_all_identifiers', 'off'), ('extra_float_digits', '1'),
             ('bytea_output', 'hex')) AS wanted (name, value);

-- name: state
-- As `history`, after one row at least, and with the real backend in each.
SELECT pg_backend_pid() AS pid, version, name, sha256, direction, state, applied_at, duration_ms,
       applied_by, to_jsonb(m) ->> 'min_app_version' AS min_app_version
FROM (VALUES (1)) AS one
LEFT JOIN public.schema_migrations AS m ON true
ORDER BY version;

-- name: start_up
INSERT INTO public.schema_migrations
    (version, name, sha256, direction, state, applied_by, min_app_version)
VALUES ($1, $2, $3, 'up', 'started', session_user || '@' || $4, $5);

-- name: start_down
UPDATE public.schema_migrations SET direction = 'down', state = 'started', applied_at = clock_timestamp()
WHERE version = $1;

-- name: applied
-- Also restores the row of a `down` that did not take effect: duration_ms is then kept.
INSERT INTO public.schema_migrations
    (version, name, sha256, direction, state, applied_by, min_app_version, duration_ms)
VALUES ($1, $2, $3, 'up', 'applied', session_user || '@' || $4, $5, $6)
ON CONFLICT (version) DO UPDATE
SET direction = 'up', state = 'applied', min_app_version = EXCLUDED.min_app_version,
    duration_ms = coalesce(EXCLUDED.duration_ms, schema_migrations.duration_ms);

-- name: forget
DELETE FROM public.schema_migrations WHERE version = $1;

-- name: index_is_valid
SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass($1);

-- name: relations
-- Tables and views that somebody else can see, by their name without the schema public.
SELECT c.oid, concat(nullif(n.nspname, 'public') || '.', c.relname) AS name
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'm', 'f', 'v') AND n.nspname NOT IN ('pg_catalog', 'information_schema')
  AND n.nspname NOT LIKE 'pg\_t%';

-- name: own_locks
SELECT relation AS oid, mode FROM pg_locks
WHERE pid = pg_backend_pid() AND locktype = 'relation' AND granted;

-- name: table_of_index
SELECT indrelid::regclass::text FROM pg_index WHERE indexrelid = to_regclass($1);

-- name: sizes
SELECT concat(nullif(n.nspname, 'public') || '.', c.relname) AS relation,
       pg_total_relation_size(c.oid) AS bytes, nullif(c.reltuples, -1)::bigint AS rows
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.oid = ANY ($1::oid[]) AND c.relkind IN ('r', 'p', 'm')
ORDER BY bytes DESC, relation;
