"""Files kept by UploadThing, over HTTP: what its SDK for JavaScript asks, without it.

docs.uploadthing.com/uploading-files and /api-reference/openapi-spec. Of what the service does with a second file under
one key nothing is documented: docs/deploy/storages.md says what is sure here, and what is not.
"""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any, BinaryIO, NamedTuple
from urllib.parse import urlsplit

import msgspec

from roliascan.storage import AddressOf, KeyTaken, NotStored, StorageFull, StorageUnavailable, Stored, Ticket
from roliascan.storage.attempts import CONNECT_S, PASSING, READ_S, Fault, Told, ask, by_ranges, spooled
from roliascan.storage.keys import check_key, check_prefix
from roliascan.storage.uploadthing_place import key_of, name_of, place, signed, written

SLUG = "roliascan"  # what the service calls our kind of upload
_VERSION = "7.7.4"  # of the SDK whose requests these are
_LASTS = timedelta(minutes=15)  # of what we sign for ourselves
_PAGE, _OVERLAP = 500, 50  # files listed at a time, and how many of them again
_TRIES = 3
_COPIED = 1 << 16  # bytes sent at a time
_MOST = 16 << 20  # bytes of an answer
_NONE: Mapping[str, str] = {}


def addresses(url: str, token: str, *, images_at: str) -> AddressOf:
    """Where readers get files: at the service, or at `images_at` (IMAGE_URL), which stands before its `/f`."""
    where = place(url, token)
    begins = f"{images_at or f'{where.files}/f'}/{where.prefix}"
    return lambda key: begins + written(key)


class UploadThingStorage:
    """The Storage protocol over an app of UploadThing's. Nothing is asked before the first call."""

    def __init__(self, url: str, *, token: str, calls_at: str = "") -> None:
        """`calls_at`: where the service is to call when a file has come; "" for nowhere. Raises UnknownStorage."""
        self.place = place(url, token)
        self._calls_at = calls_at

    def put(self, key: str, source: BinaryIO, *, type: str) -> None:
        """Nothing at all has come under a key that is free; and what goes on after a break is looked at in the end."""
        shown = "inline" if type.startswith("image/") else "attachment"
        spool, size = spooled(source)
        with spool:
            url = self._ingest(key, size=size, type=type, x_ut_content_disposition=shown)
            if self._came(url):
                raise KeyTaken
            tries: list[int] = []

            def send() -> None:
                begin = self._came_once(url) if tries else 0
                tries.append(begin)
                if begin < size or not begin:
                    self._send(url, spool, begin, size, type)

            try:
                ask(send, _TOLD, _TAKEN)
            except KeyTaken:
                if len(tries) == 1:
                    raise
            # Where an answer was lost, what is there may be ours, or what somebody else sent in between.
            if len(tries) > 1 and not self._has(key, spool):
                raise KeyTaken

    def _send(self, url: str, spool: BinaryIO, begin: int, size: int, type: str) -> None:
        spool.seek(begin)
        boundary = os.urandom(16).hex()
        named = f'Content-Disposition: form-data; name="file"; filename="file"\r\nContent-Type: {type}'
        head, tail = f"--{boundary}\r\n{named}\r\n\r\n".encode(), f"\r\n--{boundary}--\r\n".encode()
        headers = {
            "Content-Type": f"multipart/form-data; boundary={boundary}",
            "Content-Length": str(len(head) + size - begin + len(tail)),
            "Range": f"bytes={begin}-",
            "x-uploadthing-version": _VERSION,
        }
        _asked("PUT", url, headers, _pieces(head, spool, tail))

    def _came(self, url: str) -> int:
        return ask(lambda: self._came_once(url), _TOLD)

    def _came_once(self, url: str) -> int:
        """How many bytes the service has, of a file that is whole as of one on its way; `doctor` finds out if not."""
        try:
            said = _asked("HEAD", url).came
        except _Refused as refused:
            if refused.status == 404:
                return 0
            raise
        return int(said) if said.isdecimal() else 0

    def _has(self, key: str, spool: BinaryIO) -> bool:
        spool.seek(0)
        try:
            stored = self.open(key)
        except NotStored:
            raise StorageUnavailable from None  # it said otherwise a moment ago
        with stored:
            while block := stored.read(_COPIED):
                if block != spool.read(len(block)):
                    return False
            return not spool.read(1)

    def open(self, key: str, *, start: int = 0) -> BinaryIO:
        """By an address that is signed anew each time: no cache on the way has an older answer to it."""
        name = self._name(key)

        def fetch(start: int, length: int) -> bytes:
            def receive() -> bytes:
                url = signed(self.place, f"{self.place.files}/f/{name}", datetime.now(UTC) + _LASTS)
                answer = _asked("GET", url, {"Range": f"bytes={start}-{start + length - 1}"}, most=start + length)
                return answer.body if answer.status == 206 else answer.body[start : start + length]

            with suppress(_Beyond):
                return ask(receive, _TOLD, _ABSENT_OR_BEYOND)
            return b""

        return by_ranges(fetch, start=start)

    def delete(self, key: str) -> None:
        self._api("/v6/deleteFiles", {"fileKeys": [self._name(key)]}, dict[str, Any])

    def list(self, prefix: str = "", *, after: str = "") -> Iterator[Stored]:
        """The service knows neither prefix nor order, so all names of the app are fetched, and kept meanwhile."""
        check_prefix(prefix)
        if after[:1] > "z":  # no key is: whoever asks wants to know whether the service answers
            self._page(0, 1)
            return
        for key in sorted(found := self._all(prefix, after)):
            yield found[key]

    def _all(self, prefix: str, after: str) -> dict[str, Stored]:
        """Pages overlap: where one has nothing of the one before, files went meanwhile and others slipped through."""
        for _ in range(_TRIES):
            found: dict[str, Stored] = {}
            offset, before, is_whole = 0, set[str](), False
            while not is_whole:
                page = self._page(offset, _PAGE)
                names = {file.key for file in page.files}
                if before and not names & before:
                    break
                found |= {one.key: one for file in page.files if (one := self._stored(file, prefix, after))}
                offset, before, is_whole = offset + max(len(names) - _OVERLAP, 1), names, not page.has_more
            if is_whole:
                return found
        raise StorageUnavailable("Files come and go faster than they can be listed; please try again.")

    def _stored(self, file: "_File", prefix: str, after: str) -> Stored | None:
        key = key_of(self._prefix, file.key)
        if key is None or file.status != "Uploaded" or not key.startswith(prefix) or key <= after:
            return None
        return Stored(key, file.size, datetime.fromtimestamp(file.uploaded_at / 1000, UTC))

    def address(self, key: str, *, method: str, type: str, disposition: str, expires_at: datetime) -> None:
        """What it keeps is public: there is nothing to sign."""

    def ticket(self, key: str, *, type: str, bytes: int, sha256: str, expires_at: datetime) -> Ticket | None:
        """A signed address that takes a form with one `file` of this size and type. It does not bind the hash."""
        called = {"x_ut_slug": SLUG} if self._calls_at else {}
        url = self._ingest(key, size=bytes, type=type, expires_at=expires_at, **called)
        return Ticket("PUT", url, {}, fields={})

    # Calls of the service's, which say that a file has come.

    def expect(self, keys: Sequence[str]) -> None:
        """Has the service call when these files have come: one request for all of them, as it asks for."""
        if self._calls_at and keys:
            told = {
                "fileKeys": [self._name(key) for key in keys],
                "metadata": {},
                "callbackUrl": self._calls_at,
                "callbackSlug": SLUG,
                "awaitServerData": False,
                "isDev": False,
            }
            self._post(f"{self.place.ingest}/route-metadata", told)

    def key_of(self, name: str) -> str | None:
        """Our key of a file of this app; None for any other."""
        return key_of(self._prefix, name)

    def acknowledge(self, key: str) -> None:
        """Tells the service that its call was heard; where, the token says, and never the call."""
        self._post(f"{self.place.ingest}/callback-result", {"fileKey": self._name(key), "callbackData": None})

    # Requests.

    def _name(self, key: str) -> str:
        return name_of(self._prefix, check_key(key))

    @cached_property
    def _prefix(self) -> str:
        return self.place.prefix

    def _ingest(self, key: str, *, size: int, type: str, expires_at: datetime | None = None, **more: str) -> str:
        return signed(
            self.place,
            f"{self.place.ingest}/{self._name(key)}",
            expires_at or datetime.now(UTC) + _LASTS,
            x_ut_identifier=self.place.app_id,
            x_ut_file_name=key.rpartition("/")[2],
            x_ut_file_size=str(size),
            x_ut_file_type=type,
            **more,
        )

    def _page(self, offset: int, limit: int) -> "_Page":
        page: _Page = self._api("/v6/listFiles", {"limit": limit, "offset": offset}, _Page)
        return page

    def _api(self, path: str, asked: dict[str, Any], kind: type[Any]) -> Any:
        body = self._post(f"{self.place.api}{path}", asked)
        with suppress(msgspec.DecodeError):  # of which ValidationError is one
            return msgspec.json.decode(body, type=kind)
        raise StorageUnavailable

    def _post(self, url: str, told: dict[str, Any]) -> bytes:
        body = msgspec.json.encode(told)
        headers = {
            "Content-Type": "application/json",
            "Content-Length": str(len(body)),
            "x-uploadthing-api-key": self.place.api_key,
            "x-uploadthing-version": _VERSION,
            "x-uploadthing-be-adapter": SLUG,
        }
        return ask(lambda: _asked("POST", url, headers, [body]).body, _TOLD)


class _File(msgspec.Struct, rename="camel"):
    key: str
    size: int
    status: str
    uploaded_at: float


class _Page(msgspec.Struct, rename="camel"):
    has_more: bool
    files: list[_File]


def _pieces(head: bytes, file: BinaryIO, tail: bytes) -> Iterator[bytes]:
    yield head
    yield from iter(lambda: file.read(_COPIED), b"")
    yield tail


class _Answer(NamedTuple):
    status: int
    came: str
    body: bytes


class _Refused(Exception):
    def __init__(self, status: int) -> None:
        self.status = status
        super().__init__(status)


def _asked(
    method: str, url: str, headers: Mapping[str, str] = _NONE, body: Iterable[bytes] | None = None, *, most: int = _MOST
) -> _Answer:
    """One request on a connection of its own; TLS is verified, and nobody is followed elsewhere.

    Raises _Refused for what is not 2xx, OSError and http.client.HTTPException.
    """
    import http.client

    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    with closing(kind(parts.netloc, timeout=CONNECT_S)) as connection:
        connection.connect()
        connection.sock.settimeout(READ_S)
        target = f"{parts.path}?{parts.query}" if parts.query else parts.path
        connection.request(method, target, body, {"User-Agent": SLUG, **headers})
        response = connection.getresponse()
        if not 200 <= response.status < 300:
            raise _Refused(response.status)
        told = response.read(most)
        # What is read by its length may end early, and a head that ends early tells none.
        is_whole = response.length == 0 or (response.length is None and response.chunked)
        if not is_whole and len(told) < most:
            raise http.client.IncompleteRead(told)
        return _Answer(response.status, response.getheader("x-ut-range-start", ""), told)


# What the service, or the way to it, refuses.


class _Beyond(NotStored):
    """There are no bytes at this offset."""


_TAKEN = {"409": KeyTaken, "402": StorageFull, "507": StorageFull}
_ABSENT_OR_BEYOND = {"404": NotStored, "416": _Beyond}
_DENIED = "UploadThing does not take what UPLOADTHING_TOKEN says, or the clock here is wrong: see its dashboard."
_TO_MEND = {
    "401": _DENIED,
    "403": _DENIED,
    "unreachable": "UploadThing cannot be reached; please try again.",
}
"""By the status of the answer. What the service says beside it goes nowhere: it may quote what was signed."""


def _fault(error: Exception) -> Fault | None:
    from http.client import HTTPException

    if isinstance(error, _Refused):
        return Fault(str(error.status), passes=error.status in PASSING)
    return Fault("unreachable", passes=True) if isinstance(error, OSError | HTTPException) else None


_TOLD = Told(_fault, _TO_MEND)
