"""Pages as JPEGs over HTTP."""

from roliascan.errors import NotFound, ReadOnly
from roliascan.library import jpegs
from roliascan.web import logs
from roliascan.web.calls import Call, Elsewhere


def show(call: Call, page: str) -> Elsewhere:
    """The address of a page as a JPEG, for readers that do not know its type. It is made when it is first asked for.

    Of an animation it is the first picture. The address stays as long as the page does.
    """
    found = jpegs.find(call.db, page, viewer=call.viewer)
    if found.jpeg_key is None:
        if call.settings.read_only:
            raise ReadOnly
        if call.viewer:
            call.limit("jpeg", call.viewer.id)
        else:
            call.limit("jpeg", call.address, wider=call.around)
        _make(call, found)
        found = jpegs.find(call.db, page, viewer=call.viewer)  # it took its time, and others may have been quicker
    if found.jpeg_key is None:
        raise NotFound
    return Elsewhere(call.address_of(found.jpeg_key))


def _make(call: Call, page: jpegs.Page) -> None:
    """Tells the operator of what was an image when it came and is none now: the first words of what is wrong."""
    try:
        jpegs.make(call.db, call.storage, page, now=call.now)
    except NotFound as gone:
        if refusal := gone.__cause__:
            error = str(refusal.__cause__ or type(refusal).__name__).partition(":")[0]
            logs.log("warning", "no jpeg", page=page.id, error=error)
        raise
