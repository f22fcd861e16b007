-- That somebody approved the commit of an order: a rerun needs no second approval, and nothing else lets a fork run.
ALTER TABLE orders ADD COLUMN approved INTEGER NOT NULL DEFAULT 0 CHECK (approved IN (0, 1));
