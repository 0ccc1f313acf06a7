"""Calls of other services."""

from roliascan.library import callbacks
from roliascan.web import bodies
from roliascan.web.calls import Call, Empty


def uploadthing(call: Call) -> Empty:
    """Hears that a file has come, or has not. For UploadThing, which signs it; it changes nothing."""
    sent = bodies.receive(call.req)
    if sent.refusal is not None:
        raise sent.refusal
    callbacks.heed(
        call.db,
        call.storage,
        hook=call.req.get_header("uploadthing-hook") or "",
        signature=call.req.get_header("x-uploadthing-signature") or "",
        body=sent.data,
    )
    return Empty()
