#!/bin/bash
# Run by PostgreSQL's image in a new database: who migrates owns the tables, the site reads and writes rows.
set -euo pipefail
password() { sed 's|.*://[^:]*:\([^@]*\)@.*|\1|' "/run/secrets/$1"; }
psql --set ON_ERROR_STOP=1 --username "${POSTGRES_USER:-postgres}" --dbname "$POSTGRES_DB" \
    --set site="$(password database-url)" --set migrations="$(password migrations-url)" <<'SQL'
CREATE ROLE rolia_migrations LOGIN PASSWORD :'migrations';
CREATE ROLE rolia LOGIN PASSWORD :'site';
GRANT CREATE, USAGE ON SCHEMA public TO rolia_migrations;
GRANT USAGE ON SCHEMA public TO rolia;
ALTER DEFAULT PRIVILEGES FOR ROLE rolia_migrations IN SCHEMA public
    GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO rolia;
SQL
