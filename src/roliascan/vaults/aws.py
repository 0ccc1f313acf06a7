"""AWS Secrets Manager and the Parameter Store, by boto3: it is in Lambda's runtime, and finds its credentials there."""

from typing import Any

from roliascan.vaults import TIMEOUT_S, Unresolved, member


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
