#!/bin/sh
# Puts the package in a folder onto functions of a stage. Settings stay as they are; Google waits until they are ready.
#   STAGE=prod google.sh FOLDER web sweep
set -eu
package="$(echo "$1"/*.zip)"
[ -f "$package" ] || { echo "$1 holds no package: where nothing served before, there is no way back." >&2; exit 1; }
shift
source="$(mktemp -d)"
unzip -q "$package" -d "$source"
for function in "$@"; do
    gcloud functions deploy "roliascan-$STAGE-$function" --gen2 --quiet --project "$GOOGLE_PROJECT" \
        --region "$GOOGLE_REGION" --source "$source" --format 'value(state)'
done
