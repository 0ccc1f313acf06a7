"""Files kept in Azure Blob Storage, by azure-storage-blob, which is loaded at the first use.

learn.microsoft.com/rest/api/storageservices/blob-service-rest-api
"""

import os
import re
from binascii import Error, a2b_base64
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import cached_property
from threading import Lock
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

from roliascan.storage import KeyTaken, NotStored, Stored, Ticket, addresses
from roliascan.storage.attempts import CONNECT_S, PASSING, READ_S, Fault, Told, ask, by_ranges, spooled
from roliascan.storage.keys import IMMUTABLE, check_key, check_prefix, is_key

if TYPE_CHECKING:
    from azure.storage.blob import ContainerClient, UserDelegationKey

_FORM = "az://account/container/prefix"
_NAMES = {
    "account": r"[a-z0-9]{3,24}",
    "container": r"(?!-)(?!.*--)[a-z0-9-]{3,63}(?<!-)",
}
_OPTIONS = {"endpoint": addresses.ENDPOINT}

_AT_ONCE = 16 << 20  # bytes: larger files are sent in blocks, and shown when all are there
_BLOCK = 8 << 20
_PAGE = 5_000  # blobs listed at a time, the most that Azure tells
_KEY_LASTS = timedelta(hours=6)
_SKEW = timedelta(minutes=15)


class Place(NamedTuple):
    """Which container, and where its account answers. `prefix` is empty or ends with a slash."""

    account: str
    container: str
    prefix: str
    endpoint: str


def place(url: str) -> Place:
    """What `az://account/container/prefix?endpoint=https://...` says. Raises UnknownStorage."""
    (account, container), prefix, options = addresses.parsed(url, form=_FORM, names=_NAMES, options=_OPTIONS)
    endpoint = options["endpoint"].rstrip("/") or f"https://{account}.blob.core.windows.net"
    return Place(account, container, prefix, endpoint)


class AzureStorage:
    """The Storage protocol over a container, or over what is below a prefix in one.

    Nothing is asked before the first call. `key` is one of the account's; without, we are who the platform says.
    """

    def __init__(self, url: str, *, key: str = "") -> None:
        """Raises UnknownStorage."""
        self._place = place(url)
        self._key = _checked(url, key)
        addresses.installed(url, library="azure.storage.blob", lock="azure")
        if not key:
            addresses.installed(url, library="azure.identity", lock="azure")
        self._lock = Lock()
        self._delegation: UserDelegationKey | None = None

    def put(self, key: str, source: BinaryIO, *, type: str) -> None:
        from azure.storage.blob import ContentSettings

        name, mark = self._name(key), os.urandom(16).hex()
        shown = None if type.startswith("image/") else "attachment"
        how = ContentSettings(content_type=type, cache_control=IMMUTABLE, content_disposition=shown)
        spool, size = spooled(source)

        def send() -> None:
            spool.seek(0)
            blob.upload_blob(spool, length=size, overwrite=False, content_settings=how, metadata={"put": mark})

        with spool:
            blob = self._container.get_blob_client(name)
            try:
                ask(send, _TOLD, {"BlobAlreadyExists": KeyTaken, "ConditionNotMet": KeyTaken, "409": KeyTaken})
            except KeyTaken:
                # It may be us: where an answer is lost, we ask again, and meet what we stored before.
                if self._mark(name) != mark:
                    raise

    def _mark(self, name: str) -> str:
        with suppress(NotStored):
            found = ask(lambda: self._container.get_blob_client(name).get_blob_properties(), _TOLD, _ABSENT)
            return str((found.metadata or {}).get("put", ""))
        return ""

    def open(self, key: str, *, start: int = 0) -> BinaryIO:
        blob = self._container.get_blob_client(self._name(key))

        def fetch(start: int, length: int) -> bytes:
            with suppress(_Beyond):
                return ask(lambda: blob.download_blob(offset=start, length=length).readall(), _TOLD, _ABSENT_OR_BEYOND)
            return b""

        return by_ranges(fetch, start=start)

    def delete(self, key: str) -> None:
        blob = self._container.get_blob_client(self._name(key))
        with suppress(NotStored):
            ask(lambda: blob.delete_blob(delete_snapshots="include"), _TOLD, _ABSENT)

    def list(self, prefix: str = "", *, after: str = "") -> Iterator[Stored]:
        """Azure lists names by their bytes, where the account has no hierarchical namespace.

        `startFrom` of its REST API spares what comes before `after`; it includes it, and older servers know no such.
        """
        asked: dict[str, Any] = {
            "name_starts_with": self._place.prefix + check_prefix(prefix),
            "results_per_page": _PAGE,
        }
        if after.startswith(prefix) and after:
            asked["start_from"] = self._place.prefix + after
        elif after > prefix:
            return  # whatever starts with `prefix` comes before
        token: str | None = None
        while True:
            page, token = ask(lambda: self._page(asked, token), _TOLD)  # noqa: B023 - called at once
            for blob in page:
                key = blob.name.removeprefix(self._place.prefix)
                if key > after and is_key(key):
                    yield Stored(key, blob.size, blob.last_modified.astimezone(UTC))
            if not token:
                return

    def _page(self, asked: dict[str, Any], token: str | None) -> tuple[tuple[Any, ...], str | None]:
        pages: Any = self._container.list_blobs(**asked).by_page(token)
        return tuple(next(pages, ())), pages.continuation_token

    def ticket(self, key: str, *, type: str, bytes: int, sha256: str, expires_at: datetime) -> Ticket | None:
        """A shared access signature with which to create this one blob; not to replace, read, list or delete any.

        It binds neither size nor type nor hash. learn.microsoft.com/rest/api/storageservices/delegate-access-with-
        shared-access-signature
        """
        from azure.storage.blob import BlobSasPermissions

        url = self._signed(key, expires_at, permission=BlobSasPermissions(create=True))
        return Ticket("PUT", url, {"Content-Type": type, "x-ms-blob-type": "BlockBlob"})

    def address(self, key: str, *, method: str, type: str, disposition: str, expires_at: datetime) -> str | None:
        """A shared access signature with which to read this one blob, by GET and by HEAD."""
        from azure.storage.blob import BlobSasPermissions

        may = BlobSasPermissions(read=True)
        return self._signed(key, expires_at, permission=may, content_type=type, content_disposition=disposition)

    def _signed(self, key: str, expires_at: datetime, **bound: Any) -> str:
        from azure.storage.blob import generate_blob_sas

        name = self._name(key)
        signer: dict[str, Any] = (
            {"account_key": self._key} if self._key else {"user_delegation_key": self._until(expires_at)}
        )
        signature = generate_blob_sas(
            self._place.account,
            self._place.container,
            name,
            expiry=expires_at,
            protocol="https,http" if self._place.endpoint.startswith("http:") else "https",
            **signer,
            **bound,
        )
        return f"{self._place.endpoint}/{self._place.container}/{name}?{signature}"

    def _until(self, expires_at: datetime) -> "UserDelegationKey":
        """A key to sign with for as long, which Azure gave us as who we are, and takes back with our rights."""
        now = datetime.now(UTC)
        with self._lock:
            kept = self._delegation
            if kept is None or datetime.fromisoformat(str(kept.signed_expiry)) < max(expires_at, now):
                ends = max(expires_at, now) + _KEY_LASTS
                service = self._service
                kept = ask(lambda: service.get_user_delegation_key(now - _SKEW, ends), _TOLD)
                self._delegation = kept
            return kept

    def is_listed_to_strangers(self) -> bool:
        """Whether anybody may list what is stored, without credentials. Raises StorageUnavailable."""
        from azure.storage.blob import ContainerClient

        strangers = ContainerClient(self._place.endpoint, self._place.container, credential=None, **_HOW)
        known = dict.fromkeys((*_FORBIDDEN, "ContainerNotFound", "ResourceNotFound"), NotStored)
        with suppress(NotStored):
            ask(lambda: next(strangers.list_blobs(results_per_page=1).by_page(), None), _TOLD, known)
            return True
        return False

    def _name(self, key: str) -> str:
        return self._place.prefix + check_key(key)

    @cached_property
    def _credential(self) -> Any:
        if self._key:
            from azure.core.credentials import AzureNamedKeyCredential

            return AzureNamedKeyCredential(self._place.account, self._key)
        from azure.identity import DefaultAzureCredential

        return DefaultAzureCredential(
            exclude_shared_token_cache_credential=True,
            exclude_visual_studio_code_credential=True,
            exclude_powershell_credential=True,
            exclude_developer_cli_credential=True,
            process_timeout=READ_S,
            retry_total=1,
            connection_timeout=CONNECT_S,
            read_timeout=READ_S,
        )

    @cached_property
    def _service(self) -> Any:
        from azure.storage.blob import BlobServiceClient

        return BlobServiceClient(self._place.endpoint, credential=self._credential, **_HOW)

    @cached_property
    def _container(self) -> "ContainerClient":
        client: ContainerClient = self._service.get_container_client(self._place.container)
        return client


_HOW: dict[str, Any] = {
    "retry_total": 0,
    "connection_timeout": CONNECT_S,
    "read_timeout": READ_S,
    "max_single_put_size": _AT_ONCE,
    "max_block_size": _BLOCK,
}


def _checked(url: str, key: str) -> str:
    try:
        if len(a2b_base64(key, strict_mode=True)) in ({64} if key else {0}):
            return key
    except Error:
        pass
    raise addresses.wrong(url, "AZURE_STORAGE_KEY is no key of an account, which is 88 characters of base64")


# What the server, or the way to it, refuses.


class _Beyond(NotStored):
    """There are no bytes at this offset."""


_ABSENT = {"BlobNotFound": NotStored, "404": NotStored}
_ABSENT_OR_BEYOND = {**_ABSENT, "InvalidRange": _Beyond, "416": _Beyond}
_FORBIDDEN = ("PublicAccessNotPermitted", "NoAuthenticationInformation", "AuthorizationFailure", "401", "403", "409")

_DENIED = "The storage does not allow this: give the identity what docs/deploy/storages.md lists."
_TO_MEND = {
    "ContainerNotFound": "The container of STORAGE_URL is not there: create it, or mend its name.",
    "ContainerBeingDeleted": "The container of STORAGE_URL is being deleted.",
    "AccountIsDisabled": "The account of STORAGE_URL is disabled.",
    "AuthenticationFailed": "The storage does not take these credentials, or the clock here is wrong by 15 minutes.",
    "AuthorizationFailure": _DENIED,
    "AuthorizationPermissionMismatch": _DENIED,
    "InsufficientAccountPermissions": _DENIED,
    "KeyBasedAuthenticationNotPermitted": "The account takes no keys: unset AZURE_STORAGE_KEY, and give an identity.",
    "403": _DENIED,
    "credentials": "There are no credentials for the storage: give an identity, or set AZURE_STORAGE_KEY.",
    "unreachable": "The storage cannot be reached; please try again.",
}
"""By the server's code: learn.microsoft.com/rest/api/storageservices/blob-service-error-codes."""


def _fault(error: Exception) -> Fault | None:
    from azure.core.exceptions import AzureError, ClientAuthenticationError, HttpResponseError, IncompleteReadError

    if isinstance(error, HttpResponseError) and not isinstance(error, IncompleteReadError):
        if isinstance(error, ClientAuthenticationError) and error.response is None:
            return Fault("credentials", passes=False)
        code = getattr(error, "error_code", None)
        name = str(getattr(code, "value", code) or error.status_code)
        return Fault(
            name if re.fullmatch(r"\w{1,60}", name) else str(error.status_code), passes=error.status_code in PASSING
        )
    return Fault("unreachable", passes=True) if isinstance(error, AzureError | OSError) else None


_TOLD = Told(_fault, _TO_MEND)
