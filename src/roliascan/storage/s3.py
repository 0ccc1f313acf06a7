"""Files kept in S3, of AWS or of any server that speaks its language, by botocore, which is loaded at the first use.

docs.aws.amazon.com/AmazonS3/latest/API. What a server ignores of what a ticket signs, completing the upload finds.
"""

import os
import re
from binascii import b2a_base64
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from io import BytesIO
from threading import Lock
from typing import Any, BinaryIO, NamedTuple, cast
from urllib.parse import parse_qsl, urlsplit

from roliascan.storage import BadKey, KeyTaken, NotStored, Stored, Ticket, UnknownStorage
from roliascan.storage.keys import IMMUTABLE, check_key, check_prefix, is_key
from roliascan.storage.s3_refusals import ABSENT, FORBIDDEN, Beyond, Forbidden, named

_ATTEMPTS, _CONNECT_S, _READ_S = 3, 2, 5
"""With pauses of up to 3 s together, one call ends in 24 s: before API Gateway does, after 29."""

_IN_MEMORY = 1 << 20  # bytes of a file on its way kept in memory before a temporary file takes them
_BLOCK = 1 << 16  # bytes copied at a time


class Place(NamedTuple):
    """Which bucket, and how it is reached. `prefix` ends with a slash or is empty; empty is what is not given."""

    bucket: str
    prefix: str
    region: str
    endpoint: str
    addressing: str


def place(url: str) -> Place:
    """What `s3://bucket/prefix?region=...&endpoint=https://...&addressing=path` says. Raises UnknownStorage."""
    if "@" in url.partition("?")[0]:
        raise _wrong("credentials do not belong here; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give a role")
    try:
        parts = urlsplit(url)
        given = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=True) if parts.query else []
    except ValueError:
        raise _wrong("write s3://bucket/prefix?region=eu-central-1") from None
    options = {"region": "", "endpoint": "", "addressing": "", **dict(given)}
    if unknown := sorted(set(options) - set(_OPTIONS)):
        raise _wrong(f"there is no parameter {', '.join(unknown)}; there are {', '.join(_OPTIONS)}")
    if len(dict(given)) < len(given):
        raise _wrong("a parameter is here twice")
    for name, value in given:
        form, example = _OPTIONS[name]
        if not re.fullmatch(form, value):
            raise _wrong(f"{name} is written as in {name}={example}")
    if parts.fragment or not re.fullmatch(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", parts.netloc):
        raise _wrong("the bucket has 3 to 63 small letters, digits, dots and dashes, as in s3://bucket/prefix")
    prefix = parts.path.strip("/")
    endpoint = options["endpoint"].rstrip("/")
    return Place(
        parts.netloc, _prefix(f"{prefix}/" if prefix else ""), options["region"], endpoint, options["addressing"]
    )


_OPTIONS = {
    "region": (r"[a-z0-9-]{1,40}", "eu-central-1"),
    "endpoint": (r"https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[A-Za-z0-9._/-]*)?", "https://s3.example.org"),
    "addressing": (r"path|virtual", "path"),
}


def _wrong(why: str) -> UnknownStorage:
    return UnknownStorage(f"STORAGE_URL: s3: {why}.")


def _prefix(prefix: str) -> str:
    try:
        return check_prefix(prefix)
    except BadKey:
        raise _wrong("the prefix has letters, digits, dots, dashes and slashes, none of them a dot first") from None


class S3Storage:
    """The Storage protocol over a bucket, or over what is below a prefix in one.

    Nothing is asked before the first call. Credentials are those that botocore finds: a role, or the environment.
    """

    def __init__(self, url: str) -> None:
        """Raises UnknownStorage."""
        from importlib.util import find_spec

        self._place = place(url)
        if find_spec("botocore") is None:
            how = ".venv/bin/pip install --require-hashes -r requirements/container.txt"
            raise _wrong(f"boto3 is not installed here; install it, in the clone's folder, with: {how}")
        self._lock = Lock()
        self._made: _Clients | None = None

    def put(self, key: str, source: BinaryIO, *, type: str) -> None:
        from tempfile import SpooledTemporaryFile

        name, mark = self._name(key), os.urandom(16).hex()
        with SpooledTemporaryFile(max_size=_IN_MEMORY) as spool:  # its size and hash come first, and it may go again
            size, sha256 = _copy(source, cast(BinaryIO, spool))
            spool.seek(0)
            kept = {"Body": spool, "ContentLength": size, "ChecksumSHA256": _base64(sha256), "ContentType": type}
            shown = {} if type.startswith("image/") else {"ContentDisposition": "attachment"}
            try:
                with named({"PreconditionFailed": KeyTaken}):
                    self._clients.own.put_object(
                        Bucket=self._place.bucket,
                        Key=name,
                        **kept,
                        **shown,
                        CacheControl=IMMUTABLE,
                        Metadata={"put": mark},
                        IfNoneMatch="*",
                    )
            except KeyTaken:
                # It may be us: when an answer is lost, botocore asks again, and meets what it stored before.
                if self._mark(name) != mark:
                    raise

    def _mark(self, name: str) -> str:
        with suppress(NotStored), named(ABSENT):
            told = self._clients.own.head_object(Bucket=self._place.bucket, Key=name)
            return str(told.get("Metadata", {}).get("put", ""))
        return ""

    def open(self, key: str, *, start: int = 0) -> BinaryIO:
        asked = {"Range": f"bytes={start}-"} if start else {}
        try:
            with named({**ABSENT, "InvalidRange": Beyond, "416": Beyond}):
                told = self._clients.own.get_object(Bucket=self._place.bucket, Key=self._name(key), **asked)
        except Beyond:
            return BytesIO()
        return cast(BinaryIO, _Body(told["Body"]))

    def delete(self, key: str) -> None:
        with suppress(NotStored), named(ABSENT):
            self._clients.own.delete_object(Bucket=self._place.bucket, Key=self._name(key))

    def list(self, prefix: str = "", *, after: str = "") -> Iterator[Stored]:
        asked = {"Bucket": self._place.bucket, "Prefix": self._place.prefix + check_prefix(prefix)}
        last = self._place.prefix + after
        while True:
            with named():
                page = self._clients.own.list_objects_v2(**asked, **({"StartAfter": last} if last else {}))
            found = page.get("Contents", [])
            for one in found:
                key = one["Key"].removeprefix(self._place.prefix)
                if is_key(key):
                    yield Stored(key, one["Size"], one["LastModified"].astimezone(UTC))
            if not (page.get("IsTruncated") and found):
                return
            last = found[-1]["Key"]

    def ticket(self, key: str, *, type: str, bytes: int, sha256: str, expires_at: datetime) -> Ticket | None:
        """A presigned PUT of exactly these bytes, once: what it signs, whoever has it must send.

        docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
        """
        digest = _base64(sha256)
        with named():
            ends = min(expires_at, self._clients.credentials_end() or expires_at)
        bound = {"ContentLength": bytes, "ContentType": type, "ChecksumSHA256": digest, "IfNoneMatch": "*"}
        url = self._signed("put_object", key, ends, bound)
        headers = {"Content-Type": type, "If-None-Match": "*", "x-amz-checksum-sha256": digest}
        return Ticket("PUT", url, headers, expires_at=ends if ends < expires_at else None)

    def address(self, key: str, *, method: str, type: str, disposition: str, expires_at: datetime) -> str | None:
        """A presigned GET or HEAD, good for as long, or as our credentials are."""
        if method == "HEAD":
            return self._signed("head_object", key, expires_at, {})
        answered = {"ResponseContentType": type, "ResponseContentDisposition": disposition}
        return self._signed("get_object", key, expires_at, answered)

    def _signed(self, act: str, key: str, ends: datetime, bound: dict[str, Any]) -> str:
        seconds = max(1, int((ends - datetime.now(UTC)).total_seconds()))
        named_so = {"Bucket": self._place.bucket, "Key": self._name(key)}
        with named():
            url: str = self._clients.own.generate_presigned_url(act, Params=named_so | bound, ExpiresIn=seconds)
        return url

    def is_listed_to_strangers(self) -> bool:
        """Whether anybody may list what is stored, without credentials. Raises StorageUnavailable."""
        try:
            with named(FORBIDDEN):
                self._clients.of_strangers().list_objects_v2(Bucket=self._place.bucket, MaxKeys=1)
        except Forbidden:
            return False
        return True

    def _name(self, key: str) -> str:
        return self._place.prefix + check_key(key)

    @property
    def _clients(self) -> "_Clients":
        with self._lock:  # botocore's clients are for several threads, but making one is not
            self._made = self._made or _Clients(self._place)
            return self._made


class _Clients:
    """What asks the server: with our credentials, or as anybody."""

    def __init__(self, place: Place) -> None:
        import botocore.session
        from botocore.config import Config
        from botocore.exceptions import NoRegionError

        self._how = Config(
            signature_version="s3v4",
            connect_timeout=_CONNECT_S,
            read_timeout=_READ_S,
            retries={"mode": "standard", "total_max_attempts": _ATTEMPTS},
            # Others know no other checksums than those that we send, and a ticket signs what we declare.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            ignore_configured_endpoint_urls=True,
            s3={
                "addressing_style": place.addressing or ("path" if place.endpoint else "virtual"),
                "us_east_1_regional_endpoint": "regional",
            },
        )
        self._session = botocore.session.Session()
        given = os.environ.get("AWS_REGION") or self._session.get_config_variable("region")
        region = place.region or given or ("us-east-1" if place.endpoint else None)
        if region is None:
            raise NoRegionError  # botocore would ask the one in Virginia
        self._at = {"region_name": region, "endpoint_url": place.endpoint or None}
        self._credentials = self._session.get_credentials()
        self.own: Any = self._session.create_client("s3", config=self._how, **self._at)

    def of_strangers(self) -> Any:
        """What asks without credentials."""
        from botocore import UNSIGNED
        from botocore.config import Config

        how = self._how.merge(Config(signature_version=UNSIGNED))
        return self._session.create_client("s3", config=how, **self._at)

    def credentials_end(self) -> datetime | None:
        """When those that we sign with end, where botocore knows, as of a role that is not in the environment."""
        if self._credentials is not None:
            self._credentials.get_frozen_credentials()  # renews them first where they end soon
        ends: datetime | None = getattr(self._credentials, "_expiry_time", None)
        return ends


class _Body:
    """The bytes of a file, as far as somebody reads."""

    def __init__(self, source: Any) -> None:
        self._source = source

    def read(self, size: int | None = -1, /) -> bytes:
        with named():
            block: bytes = self._source.read(None if size is None or size < 0 else size)
        return block

    def close(self) -> None:
        self._source.close()

    def __enter__(self) -> "_Body":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _copy(source: BinaryIO, spool: BinaryIO) -> tuple[int, str]:
    """The size and the SHA-256, in hex, of what was copied."""
    from hashlib import sha256

    size, digest = 0, sha256()
    while block := source.read(_BLOCK):
        size += len(block)
        digest.update(block)
        spool.write(block)
    return size, digest.hexdigest()


def _base64(sha256: str) -> str:
    """A hash in hex as a header says it."""
    return b2a_base64(bytes.fromhex(sha256), newline=False).decode()
