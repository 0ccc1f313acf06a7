"""Creating once what is asked for more than once: the header Idempotency-Key."""

import hashlib
import re
from collections.abc import Callable
from functools import partial
from typing import Any

import msgspec

from roliascan.database.holding import holding
from roliascan.errors import Invalid, PreconditionFailed, Problem
from roliascan.people import repeats
from roliascan.people.repeats import AlreadyTaken, KeyInUse, KeyReused, Remembered
from roliascan.web.bodies import Sent
from roliascan.web.calls import Call, Created, Tagged
from roliascan.web.routes import API, ROUTES

_KEY = re.compile(rf'"([\x20\x21\x23-\x7e]{{1,{repeats.LONGEST}}})"|([\x21\x23-\x7e]{{1,{repeats.LONGEST}}})')
_BEFORE_PARTS = 16  # digits
_NAMED = re.compile(r"{(\w+)}")  # a part of a route's path
_encode = msgspec.json.Encoder().encode


def answer(call: Call, sent: Sent, *, form: bool, create: Callable[[], Created[Any]]) -> Created[Any]:
    """What `create` answers, or answered when this was asked before, by the same person with the same key.

    `form`: the body is one that `create` reads by itself. Raises Invalid, KeyReused, KeyInUse, and what `create` does.
    """
    id = repeats.name(call.person.id, _key(call))
    call.req.context.digest = hashlib.sha256(_asked(call, sent))
    call.req.context.asked = call.req.context.digest.hexdigest()
    db = call.db
    if known := repeats.find(db, id, now=call.now):
        return _again(call, known, form=form)
    try:
        with holding(db, partial(_take, call, id)) as held:
            call.db = held
            created = create()
            location = f"{API}{created.location}" if created.below_api else created.location
            if held.tx is not None:
                repeats.keep(held.tx, id, location=location, body=_encode(created.body).decode())
            return created
    except AlreadyTaken:
        call.db = db
        return _theirs(call, repeats.find(db, id, now=call.now))
    except PreconditionFailed:  # who was faster may have been this same request
        call.db = db
        if known := repeats.find(db, id, now=call.now):
            return _again(call, known, form=form)
        raise


def _key(call: Call) -> str:
    """In quotes, as the draft has it, or without, as most send it."""
    found = _KEY.fullmatch(str(call.env["HTTP_IDEMPOTENCY_KEY"]).strip())
    if not found:
        raise Invalid(Problem("Idempotency-Key", f"must have 1 to {repeats.LONGEST} printable ASCII characters"))
    return found[1] or found[2]


def _asked(call: Call, sent: Sent) -> bytes:
    """All that was asked; of a form its parts follow, whose boundary is another each time."""
    wanted = (call.req.method, call.req.path, call.req.query_string, call.env.get("HTTP_IF_MATCH") or "")
    return "\n".join(wanted).encode() + b"\n" + sent.data


def _request(call: Call) -> str:
    """What is kept of a request: a little of what is known before the parts of a form are read, and of the whole."""
    context = call.req.context
    return f"{context.asked[:_BEFORE_PARTS]}{context.digest.hexdigest()[_BEFORE_PARTS:]}"


def _take(call: Call, id: str, tx: Any) -> None:
    repeats.take(tx, id, request=_request(call), now=call.now)


def _again(call: Call, known: Remembered, *, form: bool) -> Created[Any]:
    """Reads of a form no more than was taken before: it comes past the rights and limits of who creates."""
    if form:
        if known.request[:_BEFORE_PARTS] != call.req.context.asked[:_BEFORE_PARTS]:
            raise KeyReused
        _read_parts(call)
    return _theirs(call, known)


def _read_parts(call: Call) -> None:
    from roliascan.web import forms

    for part in forms.parts(call.req):
        size = 0
        while data := part.source.read(1 << 16):  # what it digests is all that matters of it
            size += len(data)
            if size > call.settings.max_file_size:
                raise KeyReused


def _theirs(call: Call, known: Remembered | None) -> Created[Any]:
    if known is None:
        raise KeyInUse  # it came and went: it was refused
    if known.request != _request(call):
        raise KeyReused
    body = msgspec.Raw(known.body.encode()) if known.is_kept else _read_again(call, known.location)
    return Created(body, known.location, below_api=False)


def _read_again(call: Call, location: str) -> Any:
    """What stands at an address of ours now. Raises what reading it there does: NotFound, Removed."""
    for route in ROUTES:
        if route.method == "GET" and (found := re.fullmatch(_NAMED.sub(r"(?P<\1>[^/]+)", route.path), location)):
            shown = route.handler(call, **found.groupdict())
            return shown.body if isinstance(shown, Tagged) else shown
    raise AssertionError(f"nothing is shown at {location}")
