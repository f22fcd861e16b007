-- A job that its workflow ran again counts once: as it ran last.
ALTER TABLE jobs ADD COLUMN superseded INTEGER NOT NULL DEFAULT 0;
DROP INDEX jobs_by_status;
CREATE INDEX jobs_by_status ON jobs (pipeline_id, position, status, superseded);
