"""Keys: the names under which files are stored, and the content type that each is served with."""

import os
import re

from roliascan.storage import BadKey

_LONGEST = 200  # below every store's limit (S3: 1,024 bytes; a file system: 255 for one segment)
_KEY = r"(?!\.)[A-Za-z0-9._-]+(?:/(?!\.)[A-Za-z0-9._-]+)*"
_PREFIX = r"(?:(?!\.)[A-Za-z0-9._-]+/)*(?:(?!\.)[A-Za-z0-9._-]+)?"

IMMUTABLE = "public, max-age=31536000, s-maxage=86400, immutable"
"""Cache-Control of what is stored. It never changes: its key is its own. But it may be hidden or deleted: a cache that
many share asks again each day (RFC 9111, section 5.2.2.10), a reader's own keeps what that reader has seen.
"""

# What we store and serve; anything else is bytes to save, never to show.
_TYPES = {
    "jpg": "image/jpeg",
    "png": "image/png",
    "webp": "image/webp",
    "gif": "image/gif",
    "avif": "image/avif",
    "pdf": "application/pdf",
}


def make_key(folder: str, name: str, extension: str) -> str:
    """Such as `incoming/{name}.bin`. Raises BadKey."""
    return check_key(f"{folder}/{name}.{extension}")


def new_key(folder: str, id: str, extension: str) -> str:
    """Where readers find a file, such as `pages/{id}-{16 hex digits}.jpg`, which nobody guesses. Raises BadKey.

    `id` is a new identifier (UUIDv7), which nothing else has: it tells how old the key is, and brings 74 random bits to
    the 64 of the digits.
    """
    return make_key(folder, f"{id}-{os.urandom(8).hex()}", extension)


def is_key(text: str) -> bool:
    """Whether a file can be stored under `text`: it cannot leave the root, hide, or mean anything to a file system.

    At most 200 characters: segments of A-Z a-z 0-9 . _ - joined by `/`, none empty or with a dot first, no `..`.
    """
    return len(text) <= _LONGEST and ".." not in text and re.fullmatch(_KEY, text) is not None


def check_key(key: str) -> str:
    """`key` itself when is_key says so, else BadKey."""
    if not is_key(key):
        raise BadKey
    return key


def check_prefix(prefix: str) -> str:
    """`prefix` itself when a key can start with it, else BadKey."""
    if len(prefix) > _LONGEST or ".." in prefix or not re.fullmatch(_PREFIX, prefix):
        raise BadKey
    return prefix


def type_of(key: str) -> str:
    """The content type to serve `key` with, from its extension, which we chose when storing; never from its bytes."""
    return _TYPES.get(key.rpartition(".")[2], "application/octet-stream")
