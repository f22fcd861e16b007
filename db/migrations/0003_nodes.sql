-- A job's nodes count as one job, in the state of the worst of them: the
-- index that counts jobs groups them by their place in the pipeline.
DROP INDEX jobs_by_status;
CREATE INDEX jobs_by_status ON jobs (pipeline_id, position, status);

-- What people said of approval jobs. The process that runs a pipeline looks
-- here while one is on hold.
CREATE TABLE approvals (
    pipeline_id INTEGER NOT NULL REFERENCES pipelines (id) ON DELETE CASCADE,
    job         INTEGER NOT NULL, -- its place in the pipeline
    approved    INTEGER NOT NULL CHECK (approved IN (0, 1)), -- 0: rejected
    time        INTEGER NOT NULL,
    by          TEXT    NOT NULL DEFAULT '',
    PRIMARY KEY (pipeline_id, job)
) STRICT, WITHOUT ROWID;
