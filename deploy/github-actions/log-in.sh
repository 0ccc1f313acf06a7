#!/bin/sh
# Logs a job in to a cloud by GitHub's word for what it is (OpenID Connect): no key is kept anywhere.
#   log-in.sh aws      AWS_ROLE_ARN, AWS_REGION
#   log-in.sh google   GOOGLE_ACCOUNT, and GOOGLE_PROVIDER:
#                      projects/NUMBER/locations/global/workloadIdentityPools/POOL/providers/NAME
#   log-in.sh azure    AZURE_CLIENT, AZURE_TENANT, AZURE_SUBSCRIPTION
set -eu
umask 077

# The word is good for some minutes, and for this audience alone.
word() {
    curl --fail --silent --show-error --header "Authorization: bearer $ACTIONS_ID_TOKEN_REQUEST_TOKEN" \
        "$ACTIONS_ID_TOKEN_REQUEST_URL&audience=$1" | jq --exit-status --raw-output .value
}

case "$1" in
aws)
    mkdir -p ~/.aws
    aws sts assume-role-with-web-identity --role-arn "$AWS_ROLE_ARN" --role-session-name "github-$GITHUB_RUN_ID" \
        --web-identity-token "$(word sts.amazonaws.com)" --duration-seconds 3600 --query Credentials --output json |
        jq --exit-status --raw-output '"[default]", "aws_access_key_id = \(.AccessKeyId)",
            "aws_secret_access_key = \(.SecretAccessKey)", "aws_session_token = \(.SessionToken)"' >~/.aws/credentials
    aws sts get-caller-identity --query Arn --output text
    ;;
google)
    # gcloud asks for a new word whenever it needs one.
    gcloud iam workload-identity-pools create-cred-config "$GOOGLE_PROVIDER" \
        --service-account "$GOOGLE_ACCOUNT" --output-file "$RUNNER_TEMP/google.json" \
        --credential-source-url "$ACTIONS_ID_TOKEN_REQUEST_URL&audience=https://iam.googleapis.com/$GOOGLE_PROVIDER" \
        --credential-source-headers "Authorization=bearer $ACTIONS_ID_TOKEN_REQUEST_TOKEN" \
        --credential-source-type json --credential-source-field-name value
    gcloud auth login --quiet --cred-file "$RUNNER_TEMP/google.json"
    ;;
azure)
    az login --service-principal --username "$AZURE_CLIENT" --tenant "$AZURE_TENANT" --output none \
        --federated-token "$(word api://AzureADTokenExchange)"
    az account set --subscription "$AZURE_SUBSCRIPTION"
    ;;
*)
    echo "log-in.sh aws | google | azure" >&2
    exit 2
    ;;
esac
