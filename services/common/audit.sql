-- name: audit_add
INSERT INTO audit_logs (subject, action, entity, entity_id, before, after, request_id)
VALUES ($1, $2, $3, $4, $5, $6, $7);
