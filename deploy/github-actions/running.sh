#!/bin/sh
# The commit that serves: that of the newest deployment to the environment that went well, as GitHub keeps it.
# Nothing where there is none.
#   running.sh ENVIRONMENT
set -eu
# The names are GraphQL's.
# shellcheck disable=SC2016
gh api graphql --field owner="${GITHUB_REPOSITORY%/*}" --field name="${GITHUB_REPOSITORY#*/}" --field environment="$1" \
    --raw-field query='query($owner: String!, $name: String!, $environment: String!) {
      repository(owner: $owner, name: $name) {
        deployments(environments: [$environment], first: 50, orderBy: {field: CREATED_AT, direction: DESC}) {
          nodes { commitOid latestStatus { state } } } } }' \
    --jq '[.data.repository.deployments.nodes[] | select(.latestStatus.state == "SUCCESS")][0].commitOid // ""'
