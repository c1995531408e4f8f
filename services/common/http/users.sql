-- name: users_disabled
SELECT subject FROM users WHERE disabled_at IS NOT NULL

-- name: users_seen
-- A row at the first sight of a subject; its role follows the tokens.
INSERT INTO users (subject, role, last_seen_at)
SELECT subject, role, now() FROM unnest($1::text[], $2::text[]) AS seen (subject, role)
ON CONFLICT (subject) DO UPDATE SET role = EXCLUDED.role, last_seen_at = EXCLUDED.last_seen_at
