"""Calls of UploadThing's, when a file that it was to expect has come, or has not.

A call changes nothing: whoever sent the file completes it, and what is complete was read and checked. So calls may come
twice, late, in any order or never. What they are good for is that the service knows of a file that it is wanted.
"""

from collections.abc import Sequence

import msgspec

from roliascan.database import Reader
from roliascan.errors import NotAllowed, NotFound
from roliascan.library import uploads
from roliascan.library.tickets import INCOMING, incoming_key
from roliascan.storage import Storage
from roliascan.storage.uploadthing import UploadThingStorage
from roliascan.storage.uploadthing_place import is_signed


class Unreadable(NotAllowed):
    """It is signed, but is none of the two calls that we know."""

    code = "unknown_call"
    detail = "This is no call that this version knows."
    level = "error"


class _File(msgspec.Struct):
    key: str


class _Came(msgspec.Struct):
    """`file` has more, and `status`, `origin` and `metadata` stand beside it. Nothing of that is believed or needed."""

    file: _File


class _Failed(msgspec.Struct, rename="camel"):
    file_key: str


def expect(storage: Storage, upload_ids: Sequence[str]) -> None:
    """Has UploadThing call for these. Raises StorageUnavailable."""
    if isinstance(storage, UploadThingStorage):
        storage.expect([incoming_key(upload_id) for upload_id in upload_ids])


def heed(db: Reader, storage: Storage, *, hook: str, signature: str, body: bytes) -> None:
    """`hook` is `callback` or `error`. An unknown file is NotFound, after which the service may try again.

    Raises NotFound where files are kept elsewhere; NotAllowed before anything of what is not signed is looked at;
    Unreadable; StorageUnavailable where the service does not take the answer.
    """
    if not isinstance(storage, UploadThingStorage):
        raise NotFound
    if not is_signed(storage.place, body, signature):
        raise NotAllowed
    key = storage.key_of(_named(hook, body))
    upload_id = (key or "").removeprefix(f"{INCOMING}/").removesuffix(".bin")
    if key != incoming_key(upload_id or "none"):
        raise NotFound
    uploads.find(db, upload_id, person=None)
    if hook == "callback":
        storage.acknowledge(key)


def _named(hook: str, body: bytes) -> str:
    try:
        if hook == "callback":
            return msgspec.json.decode(body, type=_Came).file.key
        if hook == "error":
            return msgspec.json.decode(body, type=_Failed).file_key
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass
    raise Unreadable
