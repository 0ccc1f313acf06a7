"""What an S3 server, or the way to it, refuses, in our words: its own quote addresses and what was signed."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from roliascan.errors import Refusal
from roliascan.storage import NotStored, StorageFull, StorageUnavailable


class Beyond(Refusal):
    """There are no bytes at this offset."""


class Forbidden(Refusal):
    """Strangers may not."""


_NOTHING: Mapping[str, type[Refusal]] = {}
ABSENT = {"NoSuchKey": NotStored, "404": NotStored}
FORBIDDEN = {"AccessDenied": Forbidden, "403": Forbidden, "Unauthorized": Forbidden, "401": Forbidden}
_FULL = {"QuotaExceeded", "StorageFull", "XMinioStorageFull", "InsufficientStorage", "507"}

_KEYS = "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY anew, or let the platform give a role"
_REGION = "The bucket is in another region: set region= in STORAGE_URL to it."
_SKEWED = "The clock here differs by more than 15 minutes from the storage's: set it right (NTP)."
_DENIED = "The storage does not allow this: give the role what docs/deploy/storages.md lists."
_TO_MEND = {
    "NoSuchBucket": "The bucket of STORAGE_URL is not there: create it, or mend its name.",
    "InvalidAccessKeyId": f"The storage does not know these credentials: {_KEYS}.",
    "SignatureDoesNotMatch": f"The storage does not take these credentials: {_KEYS}.",
    "ExpiredToken": f"The credentials for the storage have expired: {_KEYS}.",
    "InvalidToken": f"The storage does not take these credentials: {_KEYS}.",
    "AccessDenied": _DENIED,
    "403": _DENIED,
    "RequestTimeTooSkewed": _SKEWED,
    "PermanentRedirect": _REGION,
    "AuthorizationHeaderMalformed": _REGION,
    "IllegalLocationConstraintException": _REGION,
    "NoRegionError": "STORAGE_URL names no region: write s3://bucket?region=eu-central-1.",
    "NoCredentialsError": f"There are no credentials for the storage: {_KEYS}.",
    "PartialCredentialsError": f"A part of the credentials for the storage is missing: {_KEYS}.",
    "CredentialRetrievalError": f"The credentials for the storage cannot be had: {_KEYS}.",
    "EndpointConnectionError": "The storage cannot be reached; please try again.",
}
"""By the server's code (AmazonS3/latest/API/ErrorResponses.html), or by botocore's name where it did not get there."""


@contextmanager
def named(expected: Mapping[str, type[Refusal]] = _NOTHING) -> Iterator[None]:
    """Turns the server's no into ours: `expected` by its code, StorageFull, else StorageUnavailable."""
    from botocore.exceptions import BotoCoreError, ClientError
    from botocore.parsers import ResponseParserError

    try:
        yield
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code", ""))
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", "")
        code = code if re.fullmatch(r"\w{1,60}", code) else str(status)
    except (BotoCoreError, ResponseParserError) as error:
        code = type(error).__name__
    else:
        return
    if code in expected:
        raise expected[code] from None
    if code in _FULL:
        raise StorageFull from None
    raise StorageUnavailable(_TO_MEND.get(code), fault=code) from None
