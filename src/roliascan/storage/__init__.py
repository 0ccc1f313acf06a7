"""Where files are kept: the Storage protocol, its refusals, and open_storage(url)."""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import BinaryIO, NamedTuple, Protocol

from roliascan.errors import Busy, Conflict, NotFound, Refusal

AddressOf = Callable[[str], str]
"""Where readers get the file of a key. Made of settings only: nobody who reads an address needs the storage."""


class KeyTaken(Conflict):
    """Stored files are never overwritten: whoever meets this asks for a new key."""

    code = "key_taken"
    detail = "A file is already stored under this key."


class NotStored(NotFound):
    """Looks like any other absent thing to the person who asks (same code, same detail)."""


class BadKey(NotFound):
    """The key could never be stored; see keys.check_key. Absent, for the person who asks."""


class StorageFull(Busy):
    code = "storage_full"
    detail = "There is no room left to store files; please try again later."

    def __init__(self, detail: str | None = None, *, retry_after: int = 60) -> None:
        super().__init__(detail, retry_after=retry_after)


class StorageUnavailable(Busy):
    code = "storage_unavailable"
    detail = "Files cannot be stored or read right now; please try again."

    def __init__(self, detail: str | None = None, *, fault: str = "") -> None:
        super().__init__(detail)
        self.fault = fault


class UnknownStorage(Refusal):
    """Raised at the start only; `detail` quotes no more of the URL than its scheme or folder."""

    code = "unknown_storage"
    detail = "STORAGE_URL names no storage that this version can use."


class Stored(NamedTuple):
    """One stored file: its key, its size in bytes, and when it was stored (aware, UTC)."""

    key: str
    bytes: int
    modified: datetime


class Ticket(NamedTuple):
    """How a client sends a file: `method` to `url`, with these headers around its bytes.

    Where there are `fields`, as a form instead (multipart/form-data, RFC 7578): these first, then the bytes as `file`.
    `expires_at`: the end of it, where that comes before the one that was asked for.
    """

    method: str
    url: str
    headers: dict[str, str]
    fields: dict[str, str] | None = None
    expires_at: datetime | None = None


class Storage(Protocol):
    """What every backend does. Keys are as keys.check_key allows (else BadKey), and no key may be a folder of another.

    Threads may share one storage. Besides the refusals named here, each call may raise StorageUnavailable.
    """

    def put(self, key: str, source: BinaryIO, *, type: str) -> None:
        """Store `source` from where it stands to its end: visible under `key` as a whole, durably, or not at all.

        `type` is the content type that a storage which serves files itself answers with. Raises KeyTaken (of several
        at once, exactly one wins) and StorageFull.
        """

    def open(self, key: str, *, start: int = 0) -> BinaryIO:
        """The bytes from offset `start` (none when that is beyond the end); the caller closes it. Raises NotStored."""

    def delete(self, key: str) -> None:
        """Take the file away; that there is none is fine."""

    def list(self, prefix: str = "", *, after: str = "") -> Iterator[Stored]:
        """Every file whose key starts with `prefix` and is greater than `after`, in the order of their keys' bytes."""

    def ticket(self, key: str, *, type: str, bytes: int, sha256: str, expires_at: datetime) -> Ticket | None:
        """How a client sends `key` straight to this storage; None where it takes nothing from others.

        Then the app takes the bytes itself. A ticket is good for a file of this type, of so many bytes, and with this
        hash (lower-case hex), as far as a storage can hold who has it to that.
        """

    def address(self, key: str, *, method: str, type: str, disposition: str, expires_at: datetime) -> str | None:
        """Where whoever has it reads this one file of this storage; None where the app passes the bytes on itself.

        Until then, by this method (GET or HEAD), answered with this Content-Type and Content-Disposition. Whether there
        is such a file is not looked after.
        """


_KNOWN = (
    "it is s3://BUCKET/PREFIX, gs://BUCKET/PREFIX, az://ACCOUNT/CONTAINER/PREFIX, file:DIR (a folder of this machine)"
    " or memory: (tests; nothing lasts)"
)


def open_storage(url: str, *, azure_key: str = "", uploadthing_token: str = "", calls_at: str = "") -> Storage:
    """The storage that `url` (STORAGE_URL) names; a backend's module is imported only here. Raises UnknownStorage.

    `azure_key` (AZURE_STORAGE_KEY) is for az: only; "" where an identity does without. `uploadthing_token`
    (UPLOADTHING_TOKEN) is for uploadthing: only, as is `calls_at`: where that says that a file has come.
    """
    scheme, colon, rest = url.partition(":")
    if scheme == "file" and colon:
        from roliascan.storage.local import LocalStorage

        return LocalStorage(_folder(rest))
    if url == "memory:":
        from roliascan.storage.memory import MemoryStorage

        return MemoryStorage()
    if url.startswith("s3://"):
        from roliascan.storage.s3 import S3Storage

        return S3Storage(url)
    if url.startswith("gs://"):
        from roliascan.storage.gcs import GoogleStorage

        return GoogleStorage(url)
    if url.startswith("az://"):
        from roliascan.storage.azure import AzureStorage

        return AzureStorage(url, key=azure_key)
    if scheme == "uploadthing" and colon:
        from roliascan.storage.uploadthing import UploadThingStorage

        return UploadThingStorage(url, token=uploadthing_token, calls_at=calls_at)
    raise UnknownStorage(f"STORAGE_URL: the storage is unknown; {_KNOWN}.")


def _folder(rest: str) -> str:
    """The path in `file:path`, `file:/path` or `file:///path`, taken as it is written (no percent-encoding)."""
    if rest.startswith("//"):
        rest = rest[2:]
        if not rest.startswith("/"):
            raise UnknownStorage(
                "STORAGE_URL: write file:DIR for a relative folder and file:///DIR for an absolute one."
            )
    if not rest or "\0" in rest:
        raise UnknownStorage("STORAGE_URL: file: needs the name of a folder, as in file:data/uploads.")
    return rest
