#!/bin/sh
# Puts the package in a folder onto functions of a stage, and waits until they run it.
#   STAGE=prod aws.sh FOLDER web sweep
set -eu
package="$(echo "$1"/*.zip)"
[ -f "$package" ] || { echo "$1 holds no package: where nothing served before, there is no way back." >&2; exit 1; }
shift
for function in "$@"; do
    aws lambda update-function-code --function-name "roliascan-$STAGE-$function" --zip-file "fileb://$package" \
        --query CodeSha256 --output text
    aws lambda wait function-updated-v2 --function-name "roliascan-$STAGE-$function"
done
