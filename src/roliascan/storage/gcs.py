"""Files kept in Google Cloud Storage, by google-cloud-storage, which is loaded at the first use.

cloud.google.com/storage/docs/json_api
"""

import os
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from functools import cached_property
from io import BytesIO
from typing import TYPE_CHECKING, Any, BinaryIO

from roliascan.storage import KeyTaken, NotStored, Stored, Ticket, addresses
from roliascan.storage.attempts import CONNECT_S, PASSING, READ_S, Fault, Told, ask, by_ranges, spooled
from roliascan.storage.keys import IMMUTABLE, check_key, check_prefix, is_key

if TYPE_CHECKING:
    from google.cloud.storage import Blob, Bucket

    from roliascan.storage.gcs_access import Access

_FORM = "gs://bucket/prefix"
_NAMES = {"bucket": r"[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]"}
_OPTIONS = {"endpoint": addresses.ENDPOINT}

_API = "https://storage.googleapis.com"
_PAGE = 1_000  # objects listed at a time
_FIELDS = "items(name,size,timeCreated),nextPageToken"


class GoogleStorage:
    """The Storage protocol over a bucket, or over what is below a prefix in one.

    Nothing is asked before the first call. Credentials are those that google-auth finds: the service account that we
    run as, or the one whose key is in the file that GOOGLE_APPLICATION_CREDENTIALS names.
    """

    def __init__(self, url: str) -> None:
        """Reads `gs://bucket/prefix?endpoint=https://...`. Raises UnknownStorage."""
        (self._bucket_name,), self._prefix, options = addresses.parsed(url, form=_FORM, names=_NAMES, options=_OPTIONS)
        self._endpoint = options["endpoint"].rstrip("/") or _API
        addresses.installed(url, library="google.cloud.storage", lock="google")

    def put(self, key: str, source: BinaryIO, *, type: str) -> None:
        name, mark = self._name(key), os.urandom(16).hex()
        spool, size = spooled(source)

        def send() -> None:
            spool.seek(0)
            blob = self._blob(name)
            blob.cache_control, blob.metadata = IMMUTABLE, {"put": mark}
            if not type.startswith("image/"):
                blob.content_disposition = "attachment"
            blob.upload_from_file(spool, size=size, content_type=type, if_generation_match=0, **_ONCE)

        with spool:
            try:
                ask(send, _TOLD, {"412": KeyTaken})
            except KeyTaken:
                # It may be us: where an answer is lost, we ask again, and meet what we stored before.
                if self._mark(name) != mark:
                    raise

    def _mark(self, name: str) -> str:
        blob = self._blob(name)
        with suppress(NotStored):
            ask(lambda: blob.reload(**_ONCE), _TOLD, _ABSENT)
            return str((blob.metadata or {}).get("put", ""))
        return ""

    def open(self, key: str, *, start: int = 0) -> BinaryIO:
        name = self._name(key)

        def fetch(start: int, length: int) -> bytes:
            def receive() -> bytes:
                told = BytesIO()
                span: dict[str, Any] = {"start": start, "end": start + length - 1}
                # Google keeps no hash of a range; TLS minds the bytes on their way.
                self._blob(name).download_to_file(told, raw_download=True, checksum=None, **span, **_ONCE)
                return told.getvalue()

            with suppress(_Beyond):
                return ask(receive, _TOLD, _ABSENT_OR_BEYOND)
            return b""

        return by_ranges(fetch, start=start)

    def delete(self, key: str) -> None:
        blob = self._blob(self._name(key))
        with suppress(NotStored):
            ask(lambda: blob.delete(**_ONCE), _TOLD, _ABSENT)

    def list(self, prefix: str = "", *, after: str = "") -> Iterator[Stored]:
        asked: dict[str, Any] = {"prefix": self._prefix + check_prefix(prefix), "page_size": _PAGE, "fields": _FIELDS}
        if after:
            asked["start_offset"] = self._prefix + after  # which it includes
        token: str | None = None
        while True:
            page, token = ask(lambda: self._page(asked, token), _TOLD)  # noqa: B023 - called at once
            for blob in page:
                key = blob.name.removeprefix(self._prefix)
                if key > after and is_key(key):
                    yield Stored(key, blob.size, blob.time_created.astimezone(UTC))
            if not token:
                return

    def _page(self, asked: dict[str, Any], token: str | None) -> tuple[tuple["Blob", ...], str | None]:
        found = self._access.client.list_blobs(self._bucket, page_token=token, **asked, **_ONCE)
        return tuple(next(found.pages, ())), found.next_page_token

    def ticket(self, key: str, *, type: str, bytes: int, sha256: str, expires_at: datetime) -> Ticket | None:
        """A signed PUT of so many bytes of this type, once. It does not bind the hash.

        cloud.google.com/storage/docs/access-control/signed-urls, .../xml-api/reference-headers
        """
        headers = {
            "Content-Type": type,
            "x-goog-content-length-range": f"{bytes},{bytes}",
            "x-goog-if-generation-match": "0",
        }
        # it adds Host to them
        return Ticket("PUT", self._signed(key, expires_at, method="PUT", headers=dict(headers)), headers)

    def address(self, key: str, *, method: str, type: str, disposition: str, expires_at: datetime) -> str | None:
        """A signed GET or HEAD. Where IAM signs, it is asked for each."""
        return self._signed(key, expires_at, method=method, response_type=type, response_disposition=disposition)

    def _signed(self, key: str, expires_at: datetime, **bound: Any) -> str:
        name = self._name(key)

        def sign() -> str:
            url: str = self._blob(name).generate_signed_url(
                version="v4",
                expiration=expires_at,
                credentials=self._access.signer,
                api_access_endpoint=self._endpoint,
                **bound,
            )
            return url

        return ask(sign, _TOLD)

    def is_listed_to_strangers(self) -> bool:
        """Whether anybody may list what is stored, without credentials. Raises StorageUnavailable."""
        from roliascan.storage import gcs_access

        with suppress(NotStored):
            strangers = gcs_access.strangers(self._endpoint)
            asked: dict[str, Any] = {"page_size": 1, **_ONCE}
            ask(lambda: next(strangers.list_blobs(self._bucket_name, **asked).pages, None), _TOLD, _FORBIDDEN)
            return True
        return False

    def _name(self, key: str) -> str:
        return self._prefix + check_key(key)

    def _blob(self, name: str) -> "Blob":
        return self._bucket.blob(name)

    @property
    def _bucket(self) -> "Bucket":
        return self._access.client.bucket(self._bucket_name)

    @cached_property
    def _access(self) -> "Access":
        from roliascan.storage import gcs_access

        return ask(lambda: gcs_access.found(self._endpoint), _TOLD)


_ONCE: dict[str, Any] = {"retry": None, "timeout": (CONNECT_S, READ_S)}


# What the server, or the way to it, refuses.


class _Beyond(NotStored):
    """There are no bytes at this offset."""


_ABSENT = {"404": NotStored}
_ABSENT_OR_BEYOND = {**_ABSENT, "416": _Beyond}
_FORBIDDEN = dict.fromkeys(("401", "403", "404", "credentials"), NotStored)
"""To strangers; "credentials", because google-auth answers 401 by looking for better ones, and strangers have none."""

_DENIED = "The storage does not allow this: give the service account what docs/deploy/storages.md lists."
_TO_MEND = {
    "401": "The storage does not take these credentials, or the clock here is wrong by 15 minutes.",
    "403": _DENIED,
    "404": "The bucket of STORAGE_URL is not there: create it, or mend its name.",
    "credentials": "There are no credentials for the storage: run as a service account, or name a file with its key in"
    " GOOGLE_APPLICATION_CREDENTIALS.",
    "signing": "Tickets cannot be signed: give the service account the role Service Account Token Creator on itself.",
    "unreachable": "The storage cannot be reached; please try again.",
}
"""By the status of the answer: cloud.google.com/storage/docs/json_api/v1/status-codes."""


def _fault(error: Exception) -> Fault | None:
    from google.api_core.exceptions import GoogleAPICallError
    from google.auth.exceptions import GoogleAuthError, TransportError
    from google.cloud.exceptions import GoogleCloudError
    from google.cloud.storage.exceptions import DataCorruption, InvalidResponse
    from urllib3.exceptions import HTTPError

    from roliascan.storage.gcs_access import NotSigned

    if isinstance(error, NotSigned):
        return Fault("signing", passes=error.status in PASSING)
    if isinstance(error, GoogleAPICallError | GoogleCloudError):
        return Fault(str(int(error.code or 0)), passes=error.code in PASSING)
    if isinstance(error, TransportError | OSError | HTTPError | DataCorruption | InvalidResponse):
        return Fault("unreachable", passes=True)
    return Fault("credentials", passes=error.retryable) if isinstance(error, GoogleAuthError) else None


_TOLD = Told(_fault, _TO_MEND)
