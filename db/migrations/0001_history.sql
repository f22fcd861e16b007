-- The history of one machine. Times are unix milliseconds, 0 or NULL where
-- something has not happened; flags are 0 or 1; lists are JSON arrays.

CREATE TABLE pipelines (
    id            INTEGER PRIMARY KEY AUTOINCREMENT, -- shown as #12; never used twice
    repo          TEXT    NOT NULL DEFAULT '',
    commit_sha    TEXT    NOT NULL DEFAULT '',
    branch        TEXT    NOT NULL DEFAULT '',
    status        TEXT    NOT NULL CHECK (status IN ('queued', 'running', 'on_hold', 'success', 'failed', 'canceled',
                          'not_run', 'timedout', 'infrastructure_fail', 'interrupted')),
    start_time    INTEGER,
    end_time      INTEGER,
    queued_time   INTEGER NOT NULL,
    seen_time     INTEGER NOT NULL,            -- last sign of life of the process that runs it
    root          TEXT    NOT NULL DEFAULT '', -- the checkout on this host
    tag           TEXT    NOT NULL DEFAULT '',
    subject       TEXT    NOT NULL DEFAULT '',
    author        TEXT    NOT NULL DEFAULT '',
    trigger       TEXT    NOT NULL DEFAULT '',
    source        TEXT    NOT NULL DEFAULT '', -- worktree, index or commit
    tree          TEXT    NOT NULL DEFAULT '', -- git tree hash of what was tested
    tree_files    INTEGER NOT NULL DEFAULT 0,
    tree_bytes    INTEGER NOT NULL DEFAULT 0,
    changed       TEXT    NOT NULL DEFAULT '[]', -- first paths that differ from the commit
    dirty         INTEGER NOT NULL DEFAULT 0 CHECK (dirty IN (0, 1)),
    unstable      INTEGER NOT NULL DEFAULT 0 CHECK (unstable IN (0, 1)), -- changed while it was read: proves nothing
    equals_commit INTEGER NOT NULL DEFAULT 0 CHECK (equals_commit IN (0, 1)), -- tree is the commit's tree
    config_files  TEXT    NOT NULL DEFAULT '[]', -- [{"Path":…,"SHA256":…}]
    config_hash   TEXT    NOT NULL DEFAULT '',   -- one hash over config_files
    planned_jobs  INTEGER NOT NULL DEFAULT 0,
    reason        TEXT    NOT NULL DEFAULT '',
    lease         TEXT    NOT NULL DEFAULT '', -- names the process that runs it
    version       TEXT    NOT NULL DEFAULT ''  -- of popsicle
) STRICT;

-- Newest first of one repository or one checkout, with the other filters
-- answered from the index; by commit; by state (also: what is still open).
CREATE INDEX pipelines_by_repo   ON pipelines (repo, id, status, branch, tag, trigger);
CREATE INDEX pipelines_by_root   ON pipelines (root, id, status, branch, tag, trigger);
CREATE INDEX pipelines_by_commit ON pipelines (commit_sha);
CREATE INDEX pipelines_by_status ON pipelines (status);

CREATE TABLE workflows (
    id          INTEGER PRIMARY KEY,
    pipeline_id INTEGER NOT NULL REFERENCES pipelines (id) ON DELETE CASCADE,
    name        TEXT    NOT NULL,
    status      TEXT    NOT NULL CHECK (status IN ('queued', 'running', 'on_hold', 'success', 'failed', 'canceled',
                        'not_run', 'timedout', 'infrastructure_fail', 'interrupted')),
    start_time  INTEGER,
    end_time    INTEGER,
    UNIQUE (pipeline_id, name)
) STRICT;

-- Engines that jobs ran on, and later the ones the user adds.
CREATE TABLE runners (
    id        INTEGER PRIMARY KEY,
    host      TEXT    NOT NULL UNIQUE, -- the docker endpoint
    name      TEXT    NOT NULL DEFAULT '',
    arch      TEXT    NOT NULL DEFAULT '',
    labels    TEXT    NOT NULL DEFAULT '[]',
    max_jobs  INTEGER NOT NULL DEFAULT 0, -- 0: popsicle decides
    seen_time INTEGER
) STRICT;

-- log stays the last column of a job: what comes after a long text is read
-- through the whole text. Facts about a job that come later and are read
-- often belong into a table of their own.
CREATE TABLE jobs (
    id           INTEGER PRIMARY KEY,
    pipeline_id  INTEGER NOT NULL REFERENCES pipelines (id) ON DELETE CASCADE,
    job_name     TEXT    NOT NULL,
    status       TEXT    NOT NULL CHECK (status IN ('queued', 'running', 'on_hold', 'success', 'failed', 'canceled',
                         'not_run', 'timedout', 'infrastructure_fail', 'interrupted')),
    start_time   INTEGER,
    end_time     INTEGER,
    queued_time  INTEGER NOT NULL,
    workflow     TEXT    NOT NULL DEFAULT '',
    position     INTEGER NOT NULL, -- place in the pipeline, from 1
    node         INTEGER NOT NULL, -- container among the parallel ones, from 0
    kind         TEXT    NOT NULL DEFAULT '',
    reason       TEXT    NOT NULL DEFAULT '',
    requires     TEXT    NOT NULL DEFAULT '[]',
    planned_steps INTEGER NOT NULL DEFAULT 0,
    image        TEXT    NOT NULL DEFAULT '',
    image_digest TEXT    NOT NULL DEFAULT '',
    arch         TEXT    NOT NULL DEFAULT '',
    emulated     INTEGER NOT NULL DEFAULT 0 CHECK (emulated IN (0, 1)),
    user         TEXT    NOT NULL DEFAULT '',
    workdir      TEXT    NOT NULL DEFAULT '',
    runner_id    INTEGER REFERENCES runners (id) ON DELETE SET NULL,
    engine       TEXT    NOT NULL DEFAULT '',
    container    TEXT    NOT NULL DEFAULT '',
    plan_hash    TEXT    NOT NULL DEFAULT '',
    env_names    TEXT    NOT NULL DEFAULT '[]', -- names, never values
    log_form     TEXT    NOT NULL DEFAULT 'chunks' CHECK (log_form IN ('chunks', 'text')),
    log_bytes    INTEGER NOT NULL DEFAULT 0,    -- of the whole log, once the job ended
    log          TEXT,  -- form text: the whole log; form chunks, once the job ended: its last lines
    UNIQUE (pipeline_id, position, node)
) STRICT;

CREATE INDEX jobs_by_status ON jobs (pipeline_id, status);
CREATE INDEX jobs_by_runner ON jobs (runner_id) WHERE runner_id IS NOT NULL;

CREATE TABLE steps (
    id         INTEGER PRIMARY KEY,
    job_id     INTEGER NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    number     INTEGER NOT NULL, -- place in its job, from 1
    name       TEXT    NOT NULL DEFAULT '',
    kind       TEXT    NOT NULL DEFAULT '',
    status     TEXT    NOT NULL CHECK (status IN ('queued', 'running', 'on_hold', 'success', 'failed', 'canceled',
                       'not_run', 'timedout', 'infrastructure_fail', 'interrupted', 'skipped')),
    exit_code  INTEGER,          -- NULL: no command ran to its end
    reason     TEXT    NOT NULL DEFAULT '',
    start_time INTEGER,
    end_time   INTEGER,
    background INTEGER NOT NULL DEFAULT 0 CHECK (background IN (0, 1)),
    command    TEXT    NOT NULL DEFAULT '',
    shell      TEXT    NOT NULL DEFAULT '',
    file       TEXT    NOT NULL DEFAULT '', -- config file and line that asked for it
    line       INTEGER NOT NULL DEFAULT 0,
    log_offset INTEGER NOT NULL DEFAULT 0,  -- where its text begins in the job's log, once the job ended
    log_bytes  INTEGER NOT NULL DEFAULT 0,
    log_lines  INTEGER NOT NULL DEFAULT 0,  -- newlines in it
    log_marks  BLOB,                        -- form text: when which part was written
    UNIQUE (job_id, number)
) STRICT;

-- The text of jobs that run, and of ended jobs whose log is long. Each step
-- has a stream of its own, cut into rows that follow each other.
CREATE TABLE chunks (
    id     INTEGER PRIMARY KEY,
    job_id INTEGER NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    step   INTEGER NOT NULL,
    start  INTEGER NOT NULL, -- bytes of the step's text before this row
    bytes  INTEGER NOT NULL, -- of text in this row
    line   INTEGER NOT NULL, -- newlines in the step's text before this row
    lines  INTEGER NOT NULL, -- newlines in this row
    time   INTEGER NOT NULL, -- when its first byte was written
    marks  BLOB,             -- when the others were, where it was not at once
    zstd   INTEGER NOT NULL CHECK (zstd IN (0, 1)),
    data   BLOB    NOT NULL, -- the text, or one zstd frame of it
    UNIQUE (job_id, step, start)
) STRICT;

-- What the user was told besides the logs.
CREATE TABLE messages (
    id          INTEGER PRIMARY KEY,
    pipeline_id INTEGER NOT NULL REFERENCES pipelines (id) ON DELETE CASCADE,
    job         INTEGER NOT NULL, -- place of the job in the pipeline, 0: of none
    node        INTEGER NOT NULL,
    step        INTEGER NOT NULL,
    time        INTEGER NOT NULL,
    level       TEXT    NOT NULL,
    text        TEXT    NOT NULL
) STRICT;

CREATE INDEX messages_by_pipeline ON messages (pipeline_id);

-- What was learnt about an image, so that the next run need not ask.
CREATE TABLE image_facts (
    image     TEXT    NOT NULL, -- image id, or reference where there is none
    user      TEXT    NOT NULL, -- as configured; empty: the image's own
    uid       INTEGER NOT NULL,
    gid       INTEGER NOT NULL,
    home      TEXT    NOT NULL,
    shell     TEXT    NOT NULL,
    has_tar   INTEGER NOT NULL CHECK (has_tar IN (0, 1)),
    has_git   INTEGER NOT NULL CHECK (has_git IN (0, 1)),
    has_bash  INTEGER NOT NULL CHECK (has_bash IN (0, 1)),
    arch      TEXT    NOT NULL,
    seen_time INTEGER,
    PRIMARY KEY (image, user)
) STRICT, WITHOUT ROWID;

-- Trees that lie on an engine as immutable volumes.
CREATE TABLE bases (
    id           INTEGER PRIMARY KEY,
    engine       TEXT    NOT NULL,
    name         TEXT    NOT NULL, -- of the volume
    root         TEXT    NOT NULL, -- the checkout it was read from
    tree         TEXT    NOT NULL,
    uid          INTEGER NOT NULL,
    gid          INTEGER NOT NULL,
    bytes        INTEGER NOT NULL,
    files        INTEGER NOT NULL,
    created_time INTEGER,
    used_time    INTEGER,
    manifest     BLOB    NOT NULL, -- what lies in it, in the words of whoever fills it
    UNIQUE (engine, name)
) STRICT;

CREATE INDEX bases_by_root ON bases (engine, root, uid, created_time);
