"""Where UploadThing keeps an app's files: its token, its addresses, its names for our keys, and its signatures.

docs.uploadthing.com/uploading-files; where that is silent, its SDK for JavaScript, version 7.
"""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error, a2b_base64
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated
from urllib.parse import parse_qsl, quote, quote_plus

import msgspec
from msgspec import Meta

from roliascan.storage import UnknownStorage, addresses, sqids
from roliascan.storage.keys import check_key, is_key

_SIGNED_BY = "hmac-sha256="
_OPTIONS = ("api", "ingest", "files")
_HOST = r"^[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?$"


class _Token(msgspec.Struct, rename="camel"):
    """UPLOADTHING_TOKEN, decoded."""

    api_key: Annotated[str, Meta(pattern=r"^[!-~]{8,200}$")]
    app_id: Annotated[str, Meta(pattern=r"^[A-Za-z0-9]{1,60}$")]
    regions: Annotated[list[Annotated[str, Meta(pattern=r"^[a-z0-9-]{1,30}$")]], Meta(min_length=1)]
    ingest_host: Annotated[str, Meta(pattern=_HOST)] = "ingest.uploadthing.com"


class Place(msgspec.Struct, frozen=True):
    """An app of UploadThing's. `api`, `ingest` and `files` are addresses without a slash at the end."""

    app_id: str
    api_key: str
    api: str
    ingest: str
    files: str

    def __repr__(self) -> str:
        """Tells no key."""
        return f"Place({self.app_id})"

    @property
    def prefix(self) -> str:
        """What the names of all our files begin with."""
        return sqids.prefix(self.app_id)


def place(url: str, token: str) -> Place:
    """What UPLOADTHING_TOKEN says, but for what `uploadthing:?api=...&ingest=...&files=...` says of a stand-in.

    No address comes from anywhere else. Raises UnknownStorage, which quotes nothing.
    """
    options, told = _options(url), _decoded(token)
    return Place(
        app_id=told.app_id,
        api_key=told.api_key,
        api=options.get("api", "https://api.uploadthing.com"),
        ingest=options.get("ingest", f"https://{told.regions[0]}.{told.ingest_host}"),
        files=options.get("files", f"https://{told.app_id.lower()}.ufs.sh"),
    )


def _options(url: str) -> dict[str, str]:
    head, _, query = url.partition("?")
    try:
        given = parse_qsl(query, strict_parsing=True) if query else []
    except ValueError:
        given = [("", "")]
    pattern, example = addresses.ENDPOINT
    options = dict(given)
    fine = all(name in _OPTIONS and re.fullmatch(pattern, value) for name, value in given)
    if head != "uploadthing:" or not fine or len(options) < len(given):
        raise addresses.wrong("uploadthing:", f"nothing follows it, or ?api=, ingest= and files= as in ?api={example}")
    return {name: value.rstrip("/") for name, value in options.items()}


def _decoded(token: str) -> _Token:
    if not token:
        raise UnknownStorage("UPLOADTHING_TOKEN: set it, as files are kept at UploadThing; its dashboard shows it.")
    try:
        return msgspec.json.decode(a2b_base64(token), type=_Token)
    except (Error, ValueError):  # of which msgspec's are; they quote what they met
        pass
    raise UnknownStorage(
        "UPLOADTHING_TOKEN: it is not as UploadThing's dashboard shows it (API keys, V7), which is base64 of"
        " apiKey, appId and at least one of regions."
    )


# Names. The service asks for its prefix; what follows is ours, as long as it fits into an address.


def name_of(prefix: str, key: str) -> str:
    """The file key of our key, which says all of it: nothing else need be remembered. Raises BadKey."""
    return prefix + written(check_key(key))


def written(key: str) -> str:
    """What follows the prefix."""
    return urlsafe_b64encode(key.encode()).rstrip(b"=").decode()


def key_of(prefix: str, name: str) -> str | None:
    """The way back; None for what none of our keys would be called: files of other apps, and not of ours."""
    rest = name[len(prefix) :]
    if not re.fullmatch(r"[A-Za-z0-9_-]{2,300}", rest):
        return None
    try:
        key = urlsafe_b64decode(rest + "=" * (-len(rest) % 4)).decode("ascii")
    except ValueError:
        return None
    return key if is_key(key) and name_of(prefix, key) == name else None


# Signatures.


def signed(place: Place, url: str, expires_at: datetime, **data: str) -> str:
    """`url` with `data` (names with dashes for underscores), good until then: HMAC-SHA256 over all of it.

    Values are encoded twice, as the SDK does: by encodeURIComponent, then as a query.
    """
    pairs = {"expires": str(int(expires_at.timestamp() * 1000))}
    pairs |= {name.replace("_", "-"): quote(value, safe="!*'()") for name, value in data.items()}
    told = f"{url}?{_query(pairs)}"
    return f"{told}&{_query({'signature': _SIGNED_BY + _mac(place, told.encode())})}"


def is_signed(place: Place, body: bytes, signature: str) -> bool:
    """Whether who knows the app's key signed this; no time tells how much of a signature was right."""
    from hmac import compare_digest

    return compare_digest(f"{_SIGNED_BY}{_mac(place, body)}".encode(), signature.encode(errors="replace"))


def _mac(place: Place, told: bytes) -> str:
    from hmac import digest  # which loads hashlib, as no reader needs

    return digest(place.api_key.encode(), told, "sha256").hex()


def _query(pairs: Mapping[str, str]) -> str:
    """As URLSearchParams writes it (url.spec.whatwg.org)."""
    return "&".join(f"{name}={quote_plus(value, safe='*').replace('~', '%7E')}" for name, value in pairs.items())
