#!/bin/sh
# Builds the images of both packages: build.sh PROJECT REGION STAGE TAG
set -eu
here=$(dirname "$0")
name=roliascan-$3
for package in roliascan roliascan-migrations; do
    folder=$(mktemp -d)
    unzip -q "$here/../../../dist/$package-0.1.0-google-x86_64-python3.13.zip" -d "$folder"
    cp "$here/Dockerfile" "$folder"
    gcloud builds submit "$folder" --project "$1" --region "$2" --config "$here/cloudbuild.yaml" \
        --service-account "projects/$1/serviceAccounts/$name-build@$1.iam.gserviceaccount.com" \
        --gcs-source-staging-dir "gs://$1-$name-source/source" \
        --substitutions "_IMAGE=$2-docker.pkg.dev/$1/$name/$package:$4"
    rm -r "$folder"
done
