-- A job in every state, one with children and one that died; rows that nobody could read; users, changes and usage.
INSERT INTO jobs (id, queue, kind, args, state, attempt, parent_id, awaiting_children, lease_until, worker, progress, result, error,
                  created_by, started_at, finished_at)
OVERRIDING SYSTEM VALUE
SELECT i, 'ingestion', 'ingestion.page', '{"source": "co"}', (ARRAY['running', 'queued', 'running', 'retryable', 'succeeded', 'dead', 'cancelled', 'queued'])[i],
       i % 3, CASE WHEN i IN (5, 6) THEN 1 END, i = 1, CASE WHEN i = 3 THEN now() + interval '1 hour' END, CASE WHEN i = 3 THEN 'w1' END,
       '{"rows": 3}', CASE WHEN i = 5 THEN '{"rows": 3}'::jsonb END,
       CASE WHEN i IN (4, 6) THEN '{"class": "SourceUnavailable", "message": "It does not answer", "fingerprint": "f", "retryable": true,
                                    "traceback": "Traceback"}'::jsonb END,
       CASE WHEN i % 2 = 0 THEN 'ann' ELSE 'job:1' END, CASE WHEN i NOT IN (2, 8) THEN now() END, CASE WHEN i IN (5, 6, 7) THEN now() END
FROM generate_series(1, 8) AS i;
SELECT setval(pg_get_serial_sequence('jobs', 'id'), 1000);

INSERT INTO quarantine (id, register, dataset, row_key, row_text, reason, state, job_id, replay_job_id, corrected_row, note, resolved_at, resolved_by)
OVERRIDING SYSTEM VALUE
SELECT i, (ARRAY['co', 'ct', 'or'])[1 + i % 3], 'filings', i::text, '{"row": ' || i || '}', 'column filed_on is no date',
       (ARRAY['open', 'open', 'open', 'replayed', 'discarded'])[1 + i % 5], CASE WHEN i % 2 = 0 THEN 5 END, CASE WHEN i % 5 = 3 THEN 6 END,
       CASE WHEN i % 5 = 3 THEN '{"row": 1}'::jsonb END, CASE WHEN i % 5 = 4 THEN 'A test of the register.' END,
       CASE WHEN i % 5 > 2 THEN now() END, CASE WHEN i % 5 > 2 THEN 'ann' END
FROM generate_series(1, 40) AS i;

INSERT INTO data_sources (name, kind, covered_until, last_started_at, last_success_at, last_error)
VALUES ('co', 'register', '2026-09-01', now(), now(), NULL), ('ct', 'register', NULL, now(), NULL, 'It does not answer');

INSERT INTO users (subject, role, email, disabled_at, last_seen_at)
VALUES ('ann', 'analyst', 'ann@example.com', NULL, now()), ('bob', 'viewer', NULL, now(), NULL), ('zoe+é@example.com', 'admin', NULL, NULL, NULL),
       ('a b/c', 'service', NULL, NULL, NULL);

INSERT INTO audit_logs (subject, action, entity, entity_id, before, after, request_id)
SELECT CASE WHEN i % 2 = 0 THEN 'ann' ELSE 'job:1' END, 'claim', 'prospect', i::text, NULL, '{"status": "claimed"}', 'r' || i
FROM generate_series(1, 30) AS i;

INSERT INTO usage_tracking (subject, endpoint, hour, requests, errors, duration_ms)
SELECT 'ann', 'GET /api/prospects', date_trunc('hour', now()) - i * interval '1 hour', 10, 1, 42 FROM generate_series(1, 30) AS i;
