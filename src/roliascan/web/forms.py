"""Forms with files (multipart/form-data, RFC 7578): the parts of a body as they arrive."""

from collections.abc import Iterator
from typing import IO, TYPE_CHECKING, NamedTuple, cast

from roliascan.errors import TooLarge, UnsupportedType
from roliascan.web.bodies import MOST_FILES, LengthRequired, Malformed, is_empty
from roliascan.web.lean import falcon

if TYPE_CHECKING:
    import hashlib


class TooManyFiles(TooLarge):
    code = "too_many_files"
    detail = f"Send at most {MOST_FILES} files at once."


class Part(NamedTuple):
    """A part of a form: its field as it can be told, what its sender calls the file, and its bytes."""

    field: str
    name: str | None
    source: IO[bytes]


def parts(req: falcon.Request) -> Iterator[Part]:
    """The parts of the form, of which nothing is read yet; each has to be read before the next is asked for.

    Raises UnsupportedType, LengthRequired now; on the way Malformed, TooManyFiles, and what Falcon says of bad forms.
    """
    if (req.content_type or "").partition(";")[0].strip().lower() != "multipart/form-data":
        raise UnsupportedType("Send the files as multipart/form-data.")
    if req.content_length is None and not is_empty(req):
        raise LengthRequired
    return _each(req)


def _each(req: falcon.Request) -> Iterator[Part]:
    for count, part in enumerate(() if is_empty(req) else req.get_media(), start=1):
        if count > MOST_FILES:
            raise TooManyFiles
        try:
            field, name = part.name or "", part.filename
        except UnicodeDecodeError as error:
            raise Malformed("The form has a field whose name is not UTF-8.") from error
        source = part.stream
        if (whole := req.context.get("digest")) is not None:
            source = cast(IO[bytes], _Digested(source, whole, f"{field}\0{name}"))
        yield Part("".join(c for c in field if c.isprintable())[:60] or "(unnamed)", name, source)


class _Digested:
    """The bytes of a part; read to their end, they and its names are in the digest of the whole."""

    def __init__(self, source: IO[bytes], whole: "hashlib._Hash", names: str) -> None:
        self._source = source
        self._whole = whole
        self._own = whole.copy()
        self._own.update(names.encode(errors="surrogatepass") + b"\0")  # some charsets have what UTF-8 has not

    def read(self, size: int = -1) -> bytes:
        data = self._source.read(size)
        self._own.update(data)
        if not data:
            self._whole.update(self._own.digest())
        return data
