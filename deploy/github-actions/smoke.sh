#!/bin/sh
# Goes through the site as people do, and clears all away. SITE, SMOKE_USER and SMOKE_PASSWORD: an administrator's.
#   smoke.sh [ROLIASCAN]
set -eu
token="$(jq --null-input --compact-output '{login: env.SMOKE_USER, password: env.SMOKE_PASSWORD}' |
    curl --fail --silent --show-error --retry 5 --retry-all-errors --header "Content-Type: application/json" --data @- \
        "$SITE/api/v1/auth/login" | jq --exit-status --raw-output .token)"
echo "::add-mask::$token"
ROLIASCAN_TOKEN="$token" "${1:-.venv/bin/roliascan}" smoke "$SITE"
