#!/bin/sh
# Puts the package in a folder onto a function app; what it needs is in it, so nothing is built there.
#   azure.sh FOLDER APP
set -eu
package="$(echo "$1"/*.zip)"
[ -f "$package" ] || { echo "$1 holds no package: where nothing served before, there is no way back." >&2; exit 1; }
az functionapp deployment source config-zip --resource-group "$AZURE_GROUP" --name "$2" --src "$package" \
    --build-remote false --timeout 600 --output none
