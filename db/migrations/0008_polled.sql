-- Where branches and tags stood when the daemon last asked for them.
CREATE TABLE polled (
    repo       TEXT NOT NULL COLLATE NOCASE,
    ref        TEXT NOT NULL, -- '' says that the repository was looked at before
    commit_sha TEXT NOT NULL,
    PRIMARY KEY (repo, ref)
) STRICT, WITHOUT ROWID;
