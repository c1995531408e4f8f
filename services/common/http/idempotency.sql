-- name: idempotency_lock
SELECT pg_try_advisory_xact_lock(hashtextextended('idempotency:' || $1::text || chr(31) || $2::text, 0));

-- name: idempotency_find
SELECT request_hash, response_status, response_body, response_headers FROM idempotency_keys
WHERE owner = $1 AND key = $2 AND created_at > now() - interval '24 hours';

-- name: idempotency_keep
INSERT INTO idempotency_keys AS k (
    owner, key, route, request_hash, response_status, response_body, response_headers)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (owner, key) DO UPDATE SET
    route = excluded.route, request_hash = excluded.request_hash, response_status = excluded.response_status,
    response_body = excluded.response_body, response_headers = excluded.response_headers, created_at = excluded.created_at;

-- name: idempotency_expire
DELETE FROM idempotency_keys WHERE (owner, key) IN (
    SELECT owner, key FROM idempotency_keys WHERE created_at < now() - interval '24 hours'
    ORDER BY created_at LIMIT 5000 FOR UPDATE SKIP LOCKED
);
