-- What the catalog of a schema ($1) holds, as statements that make it. The caller sets search_path
-- so that names of the schema need no prefix. Every query returns
-- class, oid (as in pg_depend), kind, name, parent (its table, or null), ddl.
-- Not part of the catalog here: the runner's own schema_migrations and schema_catalog, privileges, owners, members of
-- extensions, what sequences and tables hold, aggregates, range types, foreign tables, other schemas.

-- name: extensions
SELECT 'pg_extension'::regclass::oid AS class, e.oid, 'extension' AS kind, e.extname::text AS name,
       NULL::text AS parent, format('CREATE EXTENSION IF NOT EXISTS %I;', e.extname) AS ddl
FROM pg_extension e
WHERE $1::text IS NOT NULL AND e.extname NOT IN ('plpgsql', 'pg_stat_statements')

-- name: enums
SELECT 'pg_type'::regclass::oid AS class, t.oid, 'type' AS kind, t.typname::text AS name,
       NULL::text AS parent,
       format('CREATE TYPE %I AS ENUM (%s);', t.typname,
              (SELECT string_agg(quote_literal(v.enumlabel), ', ' ORDER BY v.enumsortorder)
               FROM pg_enum v WHERE v.enumtypid = t.oid)) AS ddl
FROM pg_type t
WHERE t.typnamespace = $1::text::regnamespace AND t.typtype = 'e'

-- name: domains
SELECT 'pg_type'::regclass::oid AS class, t.oid, 'type' AS kind, t.typname::text AS name,
       NULL::text AS parent,
       concat('CREATE DOMAIN ', quote_ident(t.typname), ' AS ', format_type(t.typbasetype, t.typtypmod),
              ' DEFAULT ' || t.typdefault, CASE WHEN t.typnotnull THEN ' NOT NULL' END,
              (SELECT string_agg(format(' CONSTRAINT %I %s', c.conname, pg_get_constraintdef(c.oid)), ''
                                 ORDER BY c.conname)
               FROM pg_constraint c WHERE c.contypid = t.oid AND c.contype = 'c'), ';') AS ddl
FROM pg_type t
WHERE t.typnamespace = $1::text::regnamespace AND t.typtype = 'd'

-- name: composites
SELECT 'pg_class'::regclass::oid AS class, c.oid, 'type' AS kind, c.relname::text AS name,
       NULL::text AS parent,
       format('CREATE TYPE %I AS (%s);', c.relname,
              (SELECT string_agg(format('%I %s', a.attname, format_type(a.atttypid, a.atttypmod)), ', '
                                 ORDER BY a.attnum)
               FROM pg_attribute a
               WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped)) AS ddl
FROM pg_class c
WHERE c.relnamespace = $1::text::regnamespace AND c.relkind = 'c'

-- name: functions
SELECT 'pg_proc'::regclass::oid AS class, p.oid, 'function' AS kind,
       format('%s(%s)', p.proname, pg_get_function_identity_arguments(p.oid)) AS name,
       NULL::text AS parent,
       regexp_replace(rtrim(pg_get_functiondef(p.oid), E'\n'),
                      '^CREATE OR REPLACE (FUNCTION|PROCEDURE) ' || quote_ident($1::text) || '\.',
                      'CREATE \1 ') || ';' AS ddl
FROM pg_proc p
WHERE p.pronamespace = $1::text::regnamespace AND p.prokind IN ('f', 'p', 'w')

-- name: sequences
SELECT 'pg_class'::regclass::oid AS class, c.oid, 'sequence' AS kind, c.relname::text AS name,
       NULL::text AS parent,
       format('CREATE SEQUENCE %I AS %s INCREMENT %s MINVALUE %s MAXVALUE %s START %s CACHE %s%s;', c.relname,
              format_type(s.seqtypid, NULL), s.seqincrement, s.seqmin, s.seqmax, s.seqstart, s.seqcache,
              CASE WHEN s.seqcycle THEN ' CYCLE' ELSE '' END) AS ddl
FROM pg_class c
JOIN pg_sequence s ON s.seqrelid = c.oid
WHERE c.relnamespace = $1::text::regnamespace
  AND NOT EXISTS (SELECT FROM pg_depend d
                  WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'i')

-- name: owned_sequences
SELECT 'pg_class'::regclass::oid AS class, c.oid, 'owned sequence' AS kind, c.relname::text AS name,
       t.relname::text AS parent,
       format('ALTER SEQUENCE %I OWNED BY %I.%I;', c.relname, t.relname, a.attname) AS ddl
FROM pg_class c
JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'a'
    AND d.refclassid = 'pg_class'::regclass AND d.refobjsubid > 0
JOIN pg_class t ON t.oid = d.refobjid
JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = d.refobjsubid
WHERE c.relnamespace = $1::text::regnamespace AND c.relkind = 'S'

-- name: tables
-- A partition is written as such: columns, keys and indexes come from its parent.
SELECT 'pg_class'::regclass::oid AS class, c.oid, 'table' AS kind, c.relname::text AS name,
       c.relname::text AS parent,
       concat('CREATE ', CASE c.relpersistence WHEN 'u' THEN 'UNLOGGED ' END, 'TABLE ', quote_ident(c.relname),
              CASE WHEN c.relispartition
                   THEN concat(' PARTITION OF ', i.inhparent::regclass, ' ', pg_get_expr(c.relpartbound, c.oid))
                   ELSE concat(E' (\n    ', concat_ws(E',\n    ', VARIADIC cols.lines || checks.lines), E'\n)') END,
              ' PARTITION BY ' || pg_get_partkeydef(c.oid),
              ' WITH (' || array_to_string(c.reloptions, ', ') || ')', ';',
              CASE WHEN c.relrowsecurity THEN format(E'\nALTER TABLE %I ENABLE ROW LEVEL SECURITY;', c.relname) END,
              CASE WHEN c.relforcerowsecurity THEN format(E'\nALTER TABLE %I FORCE ROW LEVEL SECURITY;', c.relname) END,
              CASE c.relreplident WHEN 'f' THEN format(E'\nALTER TABLE %I REPLICA IDENTITY FULL;', c.relname)
                                  WHEN 'n' THEN format(E'\nALTER TABLE %I REPLICA IDENTITY NOTHING;', c.relname) END,
              tuning.lines) AS ddl
FROM pg_class c
LEFT JOIN pg_inherits i ON i.inhrelid = c.oid AND c.relispartition
CROSS JOIN LATERAL (
    SELECT coalesce(array_agg(concat(
        quote_ident(a.attname), ' ', format_type(a.atttypid, a.atttypmod),
        CASE WHEN a.attcollation NOT IN (0, y.typcollation) THEN ' COLLATE ' || a.attcollation::regcollation END,
        CASE a.attgenerated WHEN 's' THEN ' GENERATED ALWAYS AS (' || pg_get_expr(f.adbin, f.adrelid) || ') STORED'
                            WHEN '' THEN ' DEFAULT ' || pg_get_expr(f.adbin, f.adrelid) END,
        CASE a.attidentity WHEN 'a' THEN ' GENERATED ALWAYS AS IDENTITY' || identity.options
                           WHEN 'd' THEN ' GENERATED BY DEFAULT AS IDENTITY' || identity.options END,
        CASE WHEN a.attnotnull THEN ' NOT NULL' END) ORDER BY a.attnum), '{}') AS lines
    FROM pg_attribute a
    JOIN pg_type y ON y.oid = a.atttypid
    LEFT JOIN pg_attrdef f ON f.adrelid = a.attrelid AND f.adnum = a.attnum
    LEFT JOIN LATERAL (
        SELECT coalesce(' (' || nullif(concat_ws(' ',
                   CASE WHEN s.seqincrement <> 1 THEN 'INCREMENT ' || s.seqincrement END,
                   CASE WHEN s.seqstart <> 1 THEN 'START ' || s.seqstart END,
                   CASE WHEN s.seqcache <> 1 THEN 'CACHE ' || s.seqcache END,
                   CASE WHEN s.seqcycle THEN 'CYCLE' END), '') || ')', '') AS options
        FROM pg_depend d
        JOIN pg_sequence s ON s.seqrelid = d.objid
        WHERE d.classid = 'pg_class'::regclass AND d.deptype = 'i' AND d.refclassid = 'pg_class'::regclass
          AND d.refobjid = a.attrelid AND d.refobjsubid = a.attnum) AS identity ON true
    WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
) AS cols
CROSS JOIN LATERAL (
    SELECT coalesce(array_agg(format('CONSTRAINT %I %s', k.conname, pg_get_constraintdef(k.oid))
                              ORDER BY k.conname), '{}') AS lines
    FROM pg_constraint k
    WHERE k.conrelid = c.oid AND k.contype = 'c' AND k.conislocal
) AS checks
CROSS JOIN LATERAL (
    SELECT string_agg(concat(
        CASE WHEN a.attstattarget >= 0 THEN format(E'\nALTER TABLE %I ALTER COLUMN %I SET STATISTICS %s;',
                                                   c.relname, a.attname, a.attstattarget) END,
        CASE WHEN a.attstorage <> y.typstorage
             THEN format(E'\nALTER TABLE %I ALTER COLUMN %I SET STORAGE %s;', c.relname, a.attname,
                         CASE a.attstorage WHEN 'p' THEN 'PLAIN' WHEN 'e' THEN 'EXTERNAL'
                                           WHEN 'm' THEN 'MAIN' ELSE 'EXTENDED' END) END,
        CASE a.attcompression WHEN 'l' THEN format(E'\nALTER TABLE %I ALTER COLUMN %I SET COMPRESSION lz4;',
                                                   c.relname, a.attname) END), '' ORDER BY a.attnum) AS lines
    FROM pg_attribute a
    JOIN pg_type y ON y.oid = a.atttypid
    WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
) AS tuning
WHERE c.relnamespace = $1::text::regnamespace AND c.relkind IN ('r', 'p') AND c.relname NOT IN ('schema_migrations', 'schema_catalog')

-- name: constraints
SELECT 'pg_constraint'::regclass::oid AS class, k.oid,
       CASE k.contype WHEN 'f' THEN 'foreign key' ELSE 'key' END AS kind,
       c.relname || '.' || k.conname AS name, c.relname::text AS parent,
       concat(format('ALTER TABLE %I ADD CONSTRAINT %I %s;', c.relname, k.conname, pg_get_constraintdef(k.oid)),
              CASE WHEN EXISTS (SELECT FROM pg_trigger g WHERE g.tgconstraint = k.oid AND g.tgenabled <> 'O')
                   THEN ' -- not enforced: triggers disabled' END) AS ddl
FROM pg_constraint k
JOIN pg_class c ON c.oid = k.conrelid
WHERE c.relnamespace = $1::text::regnamespace AND c.relname NOT IN ('schema_migrations', 'schema_catalog')
  AND k.contype IN ('p', 'u', 'x', 'f') AND k.conparentid = 0

-- name: indexes
SELECT 'pg_class'::regclass::oid AS class, x.indexrelid AS oid, 'index' AS kind, i.relname::text AS name,
       c.relname::text AS parent,
       concat(pg_get_indexdef(x.indexrelid, 0, true), ';', CASE WHEN NOT x.indisvalid THEN ' -- invalid' END) AS ddl
FROM pg_index x
JOIN pg_class i ON i.oid = x.indexrelid
JOIN pg_class c ON c.oid = x.indrelid
WHERE c.relnamespace = $1::text::regnamespace AND c.relname NOT IN ('schema_migrations', 'schema_catalog') AND NOT i.relispartition
  AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.oid AND k.contype IN ('p', 'u', 'x'))

-- name: statistics
SELECT 'pg_statistic_ext'::regclass::oid AS class, s.oid, 'statistics' AS kind, s.stxname::text AS name,
       s.stxrelid::regclass::text AS parent,
       replace(pg_get_statisticsobjdef(s.oid), 'STATISTICS ' || quote_ident($1::text) || '.', 'STATISTICS ')
       || ';' AS ddl
FROM pg_statistic_ext s
WHERE s.stxnamespace = $1::text::regnamespace

-- name: views
SELECT 'pg_class'::regclass::oid AS class, c.oid, 'view' AS kind, c.relname::text AS name, NULL::text AS parent,
       concat('CREATE ', CASE c.relkind WHEN 'm' THEN 'MATERIALIZED ' END, 'VIEW ', quote_ident(c.relname),
              ' WITH (' || array_to_string(c.reloptions, ', ') || ')',
              E' AS\n', pg_get_viewdef(c.oid)) AS ddl
FROM pg_class c
WHERE c.relnamespace = $1::text::regnamespace AND c.relkind IN ('v', 'm')

-- name: triggers
SELECT 'pg_trigger'::regclass::oid AS class, g.oid, 'trigger' AS kind, c.relname || '.' || g.tgname AS name,
       c.relname::text AS parent,
       concat(pg_get_triggerdef(g.oid, true), ';',
              CASE g.tgenabled WHEN 'D' THEN format(E'\nALTER TABLE %I DISABLE TRIGGER %I;', c.relname, g.tgname)
                               WHEN 'A' THEN format(E'\nALTER TABLE %I ENABLE ALWAYS TRIGGER %I;', c.relname, g.tgname)
                               WHEN 'R' THEN format(E'\nALTER TABLE %I ENABLE REPLICA TRIGGER %I;', c.relname, g.tgname)
              END) AS ddl
FROM pg_trigger g
JOIN pg_class c ON c.oid = g.tgrelid
WHERE c.relnamespace = $1::text::regnamespace AND NOT g.tgisinternal AND g.tgparentid = 0

-- name: rules
SELECT 'pg_rewrite'::regclass::oid AS class, r.oid, 'rule' AS kind, c.relname || '.' || r.rulename AS name,
       c.relname::text AS parent, pg_get_ruledef(r.oid, true) AS ddl
FROM pg_rewrite r
JOIN pg_class c ON c.oid = r.ev_class
WHERE c.relnamespace = $1::text::regnamespace AND r.rulename <> '_RETURN'

-- name: policies
SELECT 'pg_policy'::regclass::oid AS class, p.oid, 'policy' AS kind, c.relname || '.' || p.polname AS name,
       c.relname::text AS parent,
       concat(format('CREATE POLICY %I ON %I', p.polname, c.relname),
              CASE WHEN NOT p.polpermissive THEN ' AS RESTRICTIVE' END,
              CASE p.polcmd WHEN 'r' THEN ' FOR SELECT' WHEN 'a' THEN ' FOR INSERT' WHEN 'w' THEN ' FOR UPDATE'
                            WHEN 'd' THEN ' FOR DELETE' END,
              ' TO ' || (SELECT string_agg(quote_ident(r.rolname), ', ' ORDER BY r.rolname)
                         FROM pg_roles r WHERE r.oid = ANY (p.polroles)),
              ' USING (' || pg_get_expr(p.polqual, p.polrelid) || ')',
              ' WITH CHECK (' || pg_get_expr(p.polwithcheck, p.polrelid) || ')', ';') AS ddl
FROM pg_policy p
JOIN pg_class c ON c.oid = p.polrelid
WHERE c.relnamespace = $1::text::regnamespace

-- name: comments
SELECT o.class::oid AS class, o.oid, 'comment' AS kind, o.target AS name, o.parent,
       format('COMMENT ON %s IS %L;', o.target, n.description) AS ddl
FROM (
    SELECT 'pg_class'::regclass AS class, c.oid, 0 AS sub, c.relname::text AS parent,
           format('%s %I', CASE c.relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW'
                                          WHEN 'S' THEN 'SEQUENCE' WHEN 'i' THEN 'INDEX' WHEN 'I' THEN 'INDEX'
                                          WHEN 'c' THEN 'TYPE' ELSE 'TABLE' END, c.relname) AS target
    FROM pg_class c
    WHERE c.relnamespace = $1::text::regnamespace AND c.relname NOT IN ('schema_migrations', 'schema_catalog')
    UNION ALL
    SELECT 'pg_class'::regclass, c.oid, a.attnum, c.relname, format('COLUMN %I.%I', c.relname, a.attname)
    FROM pg_class c
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
    WHERE c.relnamespace = $1::text::regnamespace
    UNION ALL
    SELECT 'pg_proc'::regclass, p.oid, 0, NULL,
           format('ROUTINE %I(%s)', p.proname, pg_get_function_identity_arguments(p.oid))
    FROM pg_proc p
    WHERE p.pronamespace = $1::text::regnamespace
    UNION ALL
    SELECT 'pg_type'::regclass, t.oid, 0, NULL, format('%s %I', CASE t.typtype WHEN 'd' THEN 'DOMAIN' ELSE 'TYPE' END, t.typname)
    FROM pg_type t
    WHERE t.typnamespace = $1::text::regnamespace AND t.typtype IN ('d', 'e')
    UNION ALL
    SELECT 'pg_constraint'::regclass, k.oid, 0, c.relname, format('CONSTRAINT %I ON %I', k.conname, c.relname)
    FROM pg_constraint k
    JOIN pg_class c ON c.oid = k.conrelid
    WHERE c.relnamespace = $1::text::regnamespace
    UNION ALL
    SELECT 'pg_trigger'::regclass, g.oid, 0, c.relname, format('TRIGGER %I ON %I', g.tgname, c.relname)
    FROM pg_trigger g
    JOIN pg_class c ON c.oid = g.tgrelid
    WHERE c.relnamespace = $1::text::regnamespace
) AS o
JOIN pg_description n ON n.classoid = o.class AND n.objoid = o.oid AND n.objsubid = o.sub

-- name: extension_members
SELECT d.classid AS class, d.objid AS oid FROM pg_depend d WHERE d.deptype = 'e' AND $1::text IS NOT NULL

-- name: dependencies
-- Who needs whom; what has no statement of its own counts as the thing that carries it.
WITH carried (class, oid, by_class, by_oid) AS (
    SELECT 'pg_rewrite'::regclass::oid, r.oid, 'pg_class'::regclass::oid, r.ev_class FROM pg_rewrite r
    WHERE r.rulename = '_RETURN'
    UNION ALL SELECT 'pg_attrdef'::regclass, f.oid, 'pg_class'::regclass, f.adrelid FROM pg_attrdef f
    UNION ALL SELECT 'pg_constraint'::regclass, k.oid, 'pg_class'::regclass, k.conrelid FROM pg_constraint k
              WHERE k.contype = 'c' AND k.conrelid <> 0
    UNION ALL SELECT 'pg_constraint'::regclass, k.oid, 'pg_type'::regclass, k.contypid FROM pg_constraint k
              WHERE k.contypid <> 0
    UNION ALL SELECT 'pg_class'::regclass, k.conindid, 'pg_constraint'::regclass, k.oid FROM pg_constraint k
              WHERE k.contype IN ('p', 'u', 'x')
    UNION ALL SELECT 'pg_type'::regclass, t.oid, 'pg_class'::regclass, t.typrelid FROM pg_type t WHERE t.typrelid <> 0
    UNION ALL SELECT 'pg_type'::regclass, t.oid, 'pg_type'::regclass, t.typelem FROM pg_type t
              WHERE t.typcategory = 'A' AND t.typelem <> 0
)
SELECT DISTINCT coalesce(s.by_class, d.classid) AS class, coalesce(s.by_oid, d.objid) AS oid,
       coalesce(t2.by_class, t.by_class, d.refclassid) AS needs_class,
       coalesce(t2.by_oid, t.by_oid, d.refobjid) AS needs_oid
FROM pg_depend d
LEFT JOIN carried s ON (s.class, s.oid) = (d.classid, d.objid)
LEFT JOIN carried t ON (t.class, t.oid) = (d.refclassid, d.refobjid)
LEFT JOIN carried t2 ON (t2.class, t2.oid) = (t.by_class, t.by_oid)
WHERE d.deptype IN ('n', 'a') AND d.objid >= 16384 AND $1::text IS NOT NULL
  AND NOT (d.classid = 'pg_class'::regclass AND d.deptype = 'a'
           AND EXISTS (SELECT FROM pg_sequence q WHERE q.seqrelid = d.objid))
