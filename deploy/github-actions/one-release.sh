#!/bin/sh
# Refuses to skip a release: what a release takes away (it contracts), the one before it has stopped using. Older code
# would break while both run, and after a roll-back.
#   one-release.sh COMMIT    the commit that serves now; empty where none does
set -eu
before="$(sed -n "s/^commit //p" previous-release)"
if [ -z "${1:-}" ]; then
    echo "Nothing serves yet."
elif git merge-base --is-ancestor "$before" "$1"; then
    echo "$1 serves, which is the release before, or newer."
else
    echo "$1 serves, which is older than the release before this one: deploy $before first." >&2
    exit 1
fi
