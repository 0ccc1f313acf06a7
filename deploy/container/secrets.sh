#!/bin/sh
# Makes the secrets of compose.yml in secrets/ beside this file, and .env; keeps what is there.
set -eu
cd "$(dirname "$0")"
umask 022 # the containers' users read them; the folder lets nobody else in
mkdir -p secrets
chmod 700 secrets
keep() { if [ -e "secrets/$1" ]; then cat >/dev/null; else cat >"secrets/$1"; fi; }
openssl rand -hex 24 | keep postgres-password
openssl rand -base64 48 | keep jwt-secret
echo "postgresql://rolia:$(openssl rand -hex 24)@database/roliascan?sslmode=disable" | keep database-url
echo "postgresql://rolia_migrations:$(openssl rand -hex 24)@database/roliascan?sslmode=disable" | keep migrations-url
umask 077
[ -e .env ] || cat >.env <<END
ROLIASCAN_VERSION=$(git rev-parse --short HEAD)
PUBLIC_URL=https://comics.example.org
S3_ADDRESS=https://files.comics.example.org
S3_FOLDER=/srv/comics
S3_ACCESS_KEY=$(openssl rand -hex 10)
S3_SECRET_KEY=$(openssl rand -hex 24)
END
