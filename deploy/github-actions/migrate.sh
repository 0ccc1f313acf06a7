#!/bin/sh
# Expands the database of DATABASE_DIRECT_URL, before the new code is there; the old code goes on meanwhile.
#   migrate.sh [ROLIASCAN]
set -eu
roliascan="${1:-.venv/bin/roliascan}"
state() { "$roliascan" migrate check --json | jq --raw-output .state; }

case "$(state)" in
at | ahead) echo "There is nothing to migrate." ;;
behind)
    "$roliascan" migrate plan
    "$roliascan" migrate up
    ;;
*)
    "$roliascan" migrate check
    exit 1
    ;;
esac
"$roliascan" migrate check
