-- name: users_page
SELECT subject, role, email, display_name, disabled_at, last_seen_at, created_at
FROM users
WHERE ($1::text IS NULL OR role = $1) AND ($2::boolean IS NULL OR (disabled_at IS NOT NULL) = $2)
ORDER BY subject
LIMIT $3 OFFSET $4

-- name: users_count
SELECT count(*) FROM users
WHERE ($1::text IS NULL OR role = $1) AND ($2::boolean IS NULL OR (disabled_at IS NOT NULL) = $2)

-- name: user_lock
SELECT subject, role, email, display_name, disabled_at, last_seen_at, created_at
FROM users WHERE subject = $1 FOR UPDATE

-- name: user_set_disabled
UPDATE users SET disabled_at = CASE WHEN $2 THEN now() END
WHERE subject = $1
RETURNING subject, role, email, display_name, disabled_at, last_seen_at, created_at
