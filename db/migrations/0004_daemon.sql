-- What the daemon needs besides the history itself.

-- The repositories whose webhooks are taken. Nothing else is.
CREATE TABLE repos (
    name       TEXT    PRIMARY KEY COLLATE NOCASE, -- owner/name
    url        TEXT    NOT NULL,                -- where it is fetched from; never what a payload says
    events     TEXT    NOT NULL DEFAULT '[]',   -- that start pipelines
    contexts   TEXT    NOT NULL DEFAULT '[]',   -- that its jobs may use
    added_time INTEGER NOT NULL
) STRICT;

-- Every signed delivery there ever was, so that none counts twice.
CREATE TABLE deliveries (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    guid        TEXT    NOT NULL UNIQUE,        -- X-GitHub-Delivery: a redelivery has the same
    body_hash   BLOB    NOT NULL,               -- SHA-256: the guid is not signed, the body is
    time        INTEGER NOT NULL,
    event       TEXT    NOT NULL,
    action      TEXT    NOT NULL DEFAULT '',
    repo        TEXT    NOT NULL DEFAULT '',
    ref         TEXT    NOT NULL DEFAULT '',
    commit_sha  TEXT    NOT NULL DEFAULT '',
    outcome     TEXT    NOT NULL CHECK (outcome IN ('queued', 'on_hold', 'ignored', 'refused')),
    reason      TEXT    NOT NULL DEFAULT '',
    pipeline_id INTEGER REFERENCES pipelines (id) ON DELETE SET NULL
) STRICT;

CREATE INDEX deliveries_by_body     ON deliveries (body_hash);
CREATE INDEX deliveries_by_pipeline ON deliveries (pipeline_id) WHERE pipeline_id IS NOT NULL;

-- What a pipeline of the daemon was asked to run. The state of an order is
-- the status of its pipeline: queued without a lease, it waits to be taken;
-- on_hold without one, to be approved.
CREATE TABLE orders (
    pipeline_id INTEGER PRIMARY KEY REFERENCES pipelines (id) ON DELETE CASCADE,
    repo        TEXT    NOT NULL COLLATE NOCASE,
    event       TEXT    NOT NULL,               -- push, pull_request, schedule, api, poll
    action      TEXT    NOT NULL DEFAULT '',
    ref         TEXT    NOT NULL,               -- what is fetched: refs/heads/main
    moving      INTEGER NOT NULL DEFAULT 0 CHECK (moving IN (0, 1)), -- a branch that newer pipelines supersede
    pull        TEXT    NOT NULL DEFAULT '',    -- JSON of a pull request, or ''
    workflow    TEXT    NOT NULL DEFAULT '',    -- only this one: what a schedule starts
    parameters  TEXT    NOT NULL DEFAULT '{}',
    again_of    INTEGER UNIQUE,                 -- the pipeline that was interrupted
    crashes     INTEGER NOT NULL DEFAULT 0,     -- how often the process died while it ran
    by          TEXT    NOT NULL DEFAULT '',    -- who asked, or approved
    settled     INTEGER NOT NULL DEFAULT 0 CHECK (settled IN (0, 1)) -- its end is on the disk
) STRICT;

CREATE INDEX orders_open ON orders (repo, ref) WHERE settled = 0;
