-- Files of registers as they are kept for whichever worker reads them.

-- name: upload_add
INSERT INTO uploads (format, register, state, subject, digest) VALUES ($1, $2, $3, $4, $5) RETURNING id;

-- name: upload_file_add
INSERT INTO upload_files (upload_id, file, name, size) VALUES ($1, $2, $3, $4);

-- name: upload_member_add
INSERT INTO upload_members (upload_id, member, file, name, entry, dataset, columns, header)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8);

-- name: upload_chunk_add
INSERT INTO upload_chunks (upload_id, file, chunk, data) VALUES ($1, $2, $3, $4);
