-- The pipeline whose jobs that passed an order takes over; 0: none.
ALTER TABLE orders ADD COLUMN reuse_of INTEGER NOT NULL DEFAULT 0;
