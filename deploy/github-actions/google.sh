#!/bin/sh
# Puts the package in a folder onto services of a stage, as the image of its commit, which is built where the registry
# lacks it. Settings stay as they are; Google waits until they are ready.
#   STAGE=prod google.sh FOLDER web sweep
set -eu
package="$(echo "$1"/*.zip)"
[ -f "$package" ] || { echo "$1 holds no package: where nothing served before, there is no way back." >&2; exit 1; }
commit="$(cat "$1/commit")"
shift
image="$(basename "$package")"
image="$GOOGLE_REGION-docker.pkg.dev/$GOOGLE_PROJECT/roliascan-$STAGE/${image%%-[0-9]*}:$commit"
gcloud artifacts docker images describe "$image" --format 'value(image_summary.digest)' ||
    sh "$(dirname "$0")/../terraform/google/build.sh" "$GOOGLE_PROJECT" "$GOOGLE_REGION" "$STAGE" "$commit" "$package"
for function in "$@"; do
    gcloud run services update "roliascan-$STAGE-$function" --quiet --project "$GOOGLE_PROJECT" \
        --region "$GOOGLE_REGION" --image "$image" --format 'value(status.latestReadyRevisionName)'
done
