-- The containers of failed jobs that are kept as images on an engine.
CREATE TABLE kept (
    id           INTEGER PRIMARY KEY,
    pipeline_id  INTEGER NOT NULL,
    workflow     TEXT    NOT NULL,
    job          TEXT    NOT NULL,
    node         INTEGER NOT NULL,
    engine       TEXT    NOT NULL,
    image        TEXT    NOT NULL,
    about        TEXT    NOT NULL, -- what is needed to open it, in the words of whoever kept it
    created_time INTEGER NOT NULL
) STRICT;

CREATE INDEX kept_by_pipeline ON kept (pipeline_id);
