-- Engines that the user has added have names, and may be reached by TLS.
ALTER TABLE runners ADD COLUMN tls_dir TEXT NOT NULL DEFAULT ''; -- ca.pem, cert.pem, key.pem; empty: no TLS
CREATE UNIQUE INDEX runners_name ON runners (name) WHERE name <> '';
