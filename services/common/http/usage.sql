-- name: usage_add
-- In the order of the key: processes that write at once wait for each other, they do not deadlock.
INSERT INTO usage_tracking AS u (subject, endpoint, hour, requests, errors, duration_ms)
SELECT subject, endpoint, hour, requests, errors, duration_ms
FROM jsonb_to_recordset($1) AS s (
    subject text, endpoint text, hour timestamptz, requests bigint, errors bigint, duration_ms bigint)
ORDER BY subject, endpoint, hour
ON CONFLICT (subject, endpoint, hour) DO UPDATE SET
    requests = u.requests + excluded.requests, errors = u.errors + excluded.errors,
    duration_ms = u.duration_ms + excluded.duration_ms;
