-- Files that a job was to make: one is there, one waits, one is gone, one belongs to another.
INSERT INTO exports (id, subject, format, selection, rows, size, finished_at, expires_at)
SELECT ('00000000-0000-4000-8001-' || lpad(i::text, 12, '0'))::uuid, (ARRAY['contract', 'contract', 'contract', 'ann'])[i],
       'xlsx', '{}', 60000, CASE WHEN i <> 2 THEN 4 END, CASE WHEN i <> 2 THEN now() END,
       now() + CASE WHEN i = 3 THEN interval '-1 hour' ELSE interval '1 day' END
FROM generate_series(1, 4) AS i;
INSERT INTO export_chunks
SELECT id, 0, '\x504b0304' FROM exports WHERE size IS NOT NULL;
