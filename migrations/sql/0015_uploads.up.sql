-- phase: expand
-- transaction: true
-- min_app_version: 0.1.0
-- Files of registers: their bytes between the upload and the work, and their rows until other files that they belong to came.

CREATE TABLE uploads (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    format     text NOT NULL CHECK (format IN ('fl', 'ca', 'iaca')),
    register   text NOT NULL CHECK (register ~ '^[a-z][a-z0-9_]{0,19}$'),
    state      text NOT NULL CHECK (is_us_jurisdiction(state)),
    subject    text NOT NULL CHECK (subject <> ''),
    digest     bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX uploads_age ON uploads (created_at);

CREATE TABLE upload_files (
    upload_id bigint NOT NULL REFERENCES uploads (id) ON DELETE CASCADE,
    file      integer NOT NULL CHECK (file >= 0),
    name      text NOT NULL,
    size      bigint NOT NULL CHECK (size >= 0),
    PRIMARY KEY (upload_id, file)
);

CREATE TABLE upload_chunks (
    upload_id bigint NOT NULL REFERENCES uploads (id) ON DELETE CASCADE,
    file      integer NOT NULL CHECK (file >= 0),
    chunk     integer NOT NULL CHECK (chunk >= 0),
    data      bytea NOT NULL,
    PRIMARY KEY (upload_id, file, chunk)
);
-- most files are compressed already, and none is kept for long
ALTER TABLE upload_chunks ALTER COLUMN data SET STORAGE EXTERNAL;

-- A table in a file: the file itself, or an entry of an archive. records_read moves in the transaction that stages the records.
CREATE TABLE upload_members (
    upload_id    bigint NOT NULL REFERENCES uploads (id) ON DELETE CASCADE,
    member       integer NOT NULL CHECK (member >= 0),
    file         integer NOT NULL,
    name         text NOT NULL,
    entry        text,
    dataset      text NOT NULL,
    columns      text[] NOT NULL,
    header       boolean NOT NULL,
    records_read bigint NOT NULL DEFAULT 0 CHECK (records_read >= 0),
    quarantined  bigint NOT NULL DEFAULT 0 CHECK (quarantined >= 0),
    staged_at    timestamptz,
    PRIMARY KEY (upload_id, member)
);

-- The rows of files by the filing they belong to. No foreign key: it would be checked ten million times a file.
CREATE TABLE upload_rows (
    upload_id bigint NOT NULL,
    register  text NOT NULL,
    filing    text COLLATE "C" NOT NULL,
    member    integer NOT NULL,
    line      bigint NOT NULL,
    cells     text[] NOT NULL
);
CREATE INDEX upload_rows_page ON upload_rows (upload_id, filing);
CREATE INDEX upload_rows_filing ON upload_rows (register, filing);
