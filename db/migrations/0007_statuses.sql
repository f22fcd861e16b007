-- What is to be said of commits, and what became of it: one row a commit and
-- context, which holds the newest. Whether a run was whole decides whether it
-- proves anything about its tree.
CREATE TABLE statuses (
    id          INTEGER PRIMARY KEY,
    host        TEXT    NOT NULL, -- github.com
    repo        TEXT    NOT NULL, -- owner/name
    commit_sha  TEXT    NOT NULL,
    context     TEXT    NOT NULL, -- popsicle/main
    state       TEXT    NOT NULL CHECK (state IN ('pending', 'success', 'failure', 'error')),
    description TEXT    NOT NULL,
    target_url  TEXT    NOT NULL DEFAULT '',
    pipeline_id INTEGER NOT NULL, -- the run that says it
    seq         INTEGER NOT NULL DEFAULT 1, -- counts the changes of state and description
    tries       INTEGER NOT NULL DEFAULT 0, -- of this seq
    since       INTEGER NOT NULL,           -- when this seq was made
    next_time   INTEGER,                    -- when it is tried next; NULL: never again
    verdict     TEXT    NOT NULL DEFAULT '', -- of the last try: posted, later, unknown, refused
    answer      TEXT    NOT NULL DEFAULT '', -- what the host said
    posted      INTEGER NOT NULL DEFAULT 0,  -- how many times anything was posted: GitHub takes 1000
    UNIQUE (host, repo, commit_sha, context)
) STRICT;

CREATE INDEX statuses_due ON statuses (next_time) WHERE next_time IS NOT NULL;
CREATE INDEX statuses_by_pipeline ON statuses (pipeline_id);

ALTER TABLE pipelines ADD COLUMN partial INTEGER NOT NULL DEFAULT 0 CHECK (partial IN (0, 1)); -- not all jobs were asked for
