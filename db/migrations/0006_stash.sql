-- What lies in the stash, and what for. blob is the ID of the content there.

-- Caches of projects. A key is written once.
CREATE TABLE caches (
    id           INTEGER PRIMARY KEY,
    project      TEXT    NOT NULL, -- the repository, or the checkout where it has no remote
    scope        TEXT    NOT NULL, -- '' is the project's own; what is not trusted has one of its own
    key          TEXT    NOT NULL,
    blob         TEXT    NOT NULL,
    paths        TEXT    NOT NULL DEFAULT '[]', -- as the config names them
    files        INTEGER NOT NULL,
    bytes        INTEGER NOT NULL, -- of the content
    stored       INTEGER NOT NULL, -- bytes that it added to the stash
    pipeline_id  INTEGER REFERENCES pipelines (id) ON DELETE SET NULL,
    job          TEXT    NOT NULL DEFAULT '',
    created_time INTEGER NOT NULL,
    used_time    INTEGER NOT NULL,
    UNIQUE (project, scope, key)
) STRICT;

CREATE INDEX caches_by_pipeline ON caches (pipeline_id) WHERE pipeline_id IS NOT NULL;

-- Layers of workspaces.
CREATE TABLE layers (
    id           INTEGER PRIMARY KEY,
    pipeline_id  INTEGER NOT NULL REFERENCES pipelines (id) ON DELETE CASCADE,
    workflow     TEXT    NOT NULL,
    job          TEXT    NOT NULL,
    node         INTEGER NOT NULL,
    step         INTEGER NOT NULL,
    blob         TEXT    NOT NULL,
    names        TEXT    NOT NULL, -- blob of the names of its files
    files        INTEGER NOT NULL,
    bytes        INTEGER NOT NULL,
    stored       INTEGER NOT NULL,
    created_time INTEGER NOT NULL,
    used_time    INTEGER NOT NULL,
    UNIQUE (pipeline_id, workflow, job, node, step)
) STRICT;
