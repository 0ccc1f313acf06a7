#!/bin/sh
# Builds the images of packages, each called as its package: build.sh PROJECT REGION STAGE TAG PACKAGE.zip...
set -eu
here=$(dirname "$0")
project=$1 region=$2 name=roliascan-$3 tag=$4
shift 4
for package in "$@"; do
    image=$(basename "$package")
    folder=$(mktemp -d)
    unzip -q "$package" -d "$folder"
    cp "$here/Dockerfile" "$folder"
    gcloud builds submit "$folder" --project "$project" --region "$region" --config "$here/cloudbuild.yaml" \
        --service-account "projects/$project/serviceAccounts/$name-build@$project.iam.gserviceaccount.com" \
        --gcs-source-staging-dir "gs://$project-$name-source/source" \
        --substitutions "_IMAGE=$region-docker.pkg.dev/$project/$name/${image%%-[0-9]*}:$tag"
    rm -r "$folder"
done
