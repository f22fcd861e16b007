-- What was asked of a run, as a JSON object, so that it can be asked again.
ALTER TABLE pipelines ADD COLUMN asked TEXT NOT NULL DEFAULT '{}';
