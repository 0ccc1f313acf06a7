"""AWS Secrets Manager and the Parameter Store, by boto3: it is in Lambda's runtime, and finds its credentials there.

Databases take a token of IAM, which is made here without it.
"""

import os
from datetime import UTC, datetime
from typing import Any

from roliascan.vaults import TIMEOUT_S, Unresolved, member, sigv4


def secret(reference: str) -> str:
    """A secret by its ARN, perhaps with `:KEY:STAGE:VERSION` after it. Raises Unresolved."""
    parts = reference.split(":")
    key, stage, version, *_ = *parts[7:], "", "", ""
    asked = {"SecretId": ":".join(parts[:7]), "VersionStage": stage, "VersionId": version}
    told = _ask("secretsmanager", parts[3], "get_secret_value", {name: one for name, one in asked.items() if one})
    if "SecretString" not in told:
        raise Unresolved("the secret is binary; keep it as text")
    return member(told["SecretString"], key)


def parameter(reference: str) -> str:
    """A parameter by its ARN, decrypted. Raises Unresolved."""
    told = _ask("ssm", reference.split(":")[3], "get_parameter", {"Name": reference, "WithDecryption": True})
    return str(told["Parameter"]["Value"])


def database_token(host: str, port: int, user: str, region: str) -> str:
    """What a user logs in with instead of a password, at RDS, its proxies and Aurora. Raises Unresolved.

    It lasts for 15 minutes: docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.IAMDBAuth.html
    """
    asked = {"Action": "connect", "DBUser": user}
    now, by = datetime.now(UTC), _credentials()
    return sigv4.presigned(f"{host}:{port}", asked, service="rds-db", region=region, lasts_s=900, now=now, by=by)


def _credentials() -> sigv4.Credentials:
    """From the environment, as Lambda gives them; else from wherever boto3 finds some. Raises Unresolved."""
    names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
    found = sigv4.Credentials(*(os.environ.get(name, "") for name in names))
    return found if found.access_key and found.secret_key else _of_boto3()


def _of_boto3() -> sigv4.Credentials:
    """Containers (also a function with SnapStart), instances, files."""
    try:
        import boto3
        from botocore.exceptions import BotoCoreError
    except ImportError:
        raise Unresolved(
            "there are no AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, and no boto3 to look further"
        ) from None
    try:
        found = boto3.Session().get_credentials()
        frozen = found.get_frozen_credentials() if found else None
    except BotoCoreError as error:
        raise Unresolved(f"AWS's credentials cannot be had: {type(error).__name__}") from None
    if frozen is None:
        raise Unresolved("there are no credentials of AWS")
    return sigv4.Credentials(frozen.access_key, frozen.secret_key, frozen.token or "")


def _ask(service: str, region: str, operation: str, asked: dict[str, Any]) -> dict[str, Any]:
    try:
        import boto3
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError, ClientError
    except ImportError:
        raise Unresolved("boto3 is not here to read it; AWS Lambda has it, elsewhere install it") from None
    patience = Config(connect_timeout=TIMEOUT_S, read_timeout=TIMEOUT_S, retries={"total_max_attempts": 2})
    try:
        client = boto3.client(service, region_name=region, config=patience)
        told: dict[str, Any] = getattr(client, operation)(**asked)
    except ClientError as error:
        raise Unresolved(f"the secret could not be read: {error.response['Error']['Code']}") from None
    except BotoCoreError as error:
        raise Unresolved(f"the secret could not be read: {type(error).__name__}") from None
    return told
