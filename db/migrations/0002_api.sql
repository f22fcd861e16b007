-- What the REST API needs besides the history itself.

-- Keys to the API. Only the SHA-256 of a token is kept.
CREATE TABLE tokens (
    id           INTEGER PRIMARY KEY,
    name         TEXT    NOT NULL UNIQUE,
    hash         BLOB    NOT NULL UNIQUE CHECK (length(hash) = 32),
    scope        TEXT    NOT NULL CHECK (scope IN ('read', 'write')),
    created_time INTEGER NOT NULL,
    expires_time INTEGER,           -- NULL: never
    used_time    INTEGER            -- to the minute
) STRICT;

-- Pipelines that somebody wants to end. The process that runs one looks here.
CREATE TABLE cancels (
    pipeline_id INTEGER PRIMARY KEY REFERENCES pipelines (id) ON DELETE CASCADE,
    time        INTEGER NOT NULL,
    by          TEXT    NOT NULL DEFAULT '' -- who asked
) STRICT;

-- How many pipelines and jobs are in which state, kept by triggers: counting
-- a million jobs takes a tenth of a second, and a monitor asks all the time.
CREATE TABLE counts (
    thing  TEXT    NOT NULL CHECK (thing IN ('pipeline', 'job')),
    status TEXT    NOT NULL,
    number INTEGER NOT NULL,
    PRIMARY KEY (thing, status)
) STRICT, WITHOUT ROWID;

INSERT INTO counts SELECT 'pipeline', status, count(*) FROM pipelines GROUP BY status;
INSERT INTO counts SELECT 'job', status, count(*) FROM jobs GROUP BY status;

CREATE TRIGGER pipelines_counted AFTER INSERT ON pipelines BEGIN
    INSERT INTO counts VALUES ('pipeline', new.status, 1) ON CONFLICT DO UPDATE SET number = number + 1;
END;
CREATE TRIGGER pipelines_recounted AFTER UPDATE OF status ON pipelines WHEN old.status <> new.status BEGIN
    UPDATE counts SET number = number - 1 WHERE thing = 'pipeline' AND status = old.status;
    INSERT INTO counts VALUES ('pipeline', new.status, 1) ON CONFLICT DO UPDATE SET number = number + 1;
END;
CREATE TRIGGER pipelines_discounted AFTER DELETE ON pipelines BEGIN
    UPDATE counts SET number = number - 1 WHERE thing = 'pipeline' AND status = old.status;
END;
CREATE TRIGGER jobs_counted AFTER INSERT ON jobs BEGIN
    INSERT INTO counts VALUES ('job', new.status, 1) ON CONFLICT DO UPDATE SET number = number + 1;
END;
CREATE TRIGGER jobs_recounted AFTER UPDATE OF status ON jobs WHEN old.status <> new.status BEGIN
    UPDATE counts SET number = number - 1 WHERE thing = 'job' AND status = old.status;
    INSERT INTO counts VALUES ('job', new.status, 1) ON CONFLICT DO UPDATE SET number = number + 1;
END;
CREATE TRIGGER jobs_discounted AFTER DELETE ON jobs BEGIN
    UPDATE counts SET number = number - 1 WHERE thing = 'job' AND status = old.status;
END;

-- Lists that one filter makes short, with the others answered from the index.
CREATE INDEX pipelines_by_branch  ON pipelines (branch, id, status, trigger);
CREATE INDEX pipelines_by_trigger ON pipelines (trigger, id, status);
CREATE INDEX IF NOT EXISTS pipelines_by_tree ON pipelines (tree);
