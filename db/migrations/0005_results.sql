-- What jobs leave behind besides their logs: files, and the results of tests.

-- A pack is content of the stash that holds artifacts one after the other:
-- a hundred thousand small files are some packs, not as many contents.
CREATE TABLE packs (
    id     INTEGER PRIMARY KEY,
    job_id INTEGER NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    blob   TEXT    NOT NULL, -- its ID in the stash
    bytes  INTEGER NOT NULL,
    time   INTEGER NOT NULL,
    UNIQUE (job_id, blob)
) STRICT;

CREATE INDEX packs_by_time ON packs (time);

CREATE TABLE artifacts (
    job_id  INTEGER NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    path    TEXT    NOT NULL,
    size    INTEGER NOT NULL,
    pack_id INTEGER NOT NULL REFERENCES packs (id) ON DELETE CASCADE,
    start   INTEGER NOT NULL, -- where it begins in the pack
    PRIMARY KEY (job_id, path)
) STRICT, WITHOUT ROWID;

CREATE INDEX artifacts_by_pack ON artifacts (pack_id);

CREATE TABLE tests (
    id      INTEGER PRIMARY KEY,
    job_id  INTEGER NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    suite   TEXT    NOT NULL,
    class   TEXT    NOT NULL,
    name    TEXT    NOT NULL,
    file    TEXT    NOT NULL,
    result  TEXT    NOT NULL CHECK (result IN ('success', 'failure', 'error', 'skipped')),
    seconds REAL    NOT NULL,
    message TEXT    NOT NULL
) STRICT;

-- By job, and of a job those that failed without reading the others.
CREATE INDEX tests_by_job ON tests (job_id, result);
