"""From refusals to answers: the one table of statuses, and RFC 9457 problem documents."""

from typing import Any

import msgspec

from roliascan import errors
from roliascan.web import bodies, logs
from roliascan.web.lean import falcon

STATUS: dict[type[errors.Refusal], int] = {
    bodies.Malformed: 400,
    errors.Invalid: 400,
    errors.NotSignedIn: 401,
    errors.NotAllowed: 403,
    errors.NotFound: 404,
    errors.Conflict: 409,
    errors.Removed: 410,
    bodies.LengthRequired: 411,
    errors.PreconditionFailed: 412,
    errors.TooLarge: 413,
    errors.NotSatisfiable: 416,
    errors.UnsupportedType: 415,
    errors.TooMany: 429,
    errors.Busy: 503,
}
"""A refusal has the status of the nearest of its classes that stands here."""

_TITLES = {
    400: "Bad request",
    401: "Not signed in",
    403: "Not allowed",
    404: "Not found",
    405: "Method not allowed",
    409: "Conflict",
    410: "Removed",
    411: "Length required",
    412: "Changed meanwhile",
    413: "Too large",
    415: "Unsupported type",
    416: "Range not satisfiable",
    429: "Too many requests",
    500: "Our mistake",
    503: "Not right now",
}
PROBLEM = "application/problem+json"


def status_of(refusal: type[errors.Refusal]) -> int:
    return next(STATUS[kind] for kind in refusal.__mro__ if kind in STATUS)


def refuse(resp: falcon.Response, status: int, code: str, detail: str, request_id: str, **more: Any) -> None:
    """Fills in a problem document (RFC 9457). `more`: further members, such as `errors`."""
    problem = {
        "type": f"urn:roliascan:{code}",
        "title": _TITLES.get(status, "Refused"),
        "status": status,
        "detail": detail,
        "code": code,
        "requestId": request_id,
        **more,
    }
    resp.status = status
    resp.content_type = PROBLEM
    resp.set_header("Cache-Control", "no-store")
    resp.data = msgspec.json.encode(problem)
    resp.text = resp.stream = None


def refused(req: falcon.Request, resp: falcon.Response, refusal: errors.Refusal, _params: Any) -> None:
    """A verb's no."""
    more = {}
    if isinstance(refusal, errors.Invalid):
        more["errors"] = [{"field": problem.field, "message": problem.message} for problem in refusal.problems]
    if isinstance(refusal, errors.TooMany | errors.Busy):
        resp.set_header("Retry-After", str(refusal.retry_after))
    status = status_of(type(refusal))
    if status == 401:
        resp.set_header("WWW-Authenticate", 'Bearer realm="roliascan"')
    refuse(resp, status, refusal.code, refusal.detail, req.context.request_id, **more)


_CODES = {404: "not_found", 405: "method_not_allowed", 413: "too_large", 415: "unsupported_type"}


def falcon_refused(req: falcon.Request, resp: falcon.Response, error: falcon.HTTPError, _params: Any) -> None:
    """The framework's own no: no such route, no such method, a header that cannot be read."""
    if error.headers:
        resp.set_headers(error.headers)
    status = error.status_code
    details = {404: errors.NotFound.detail, 405: "This address does not take this method; see the Allow header."}
    code = _CODES.get(status, "malformed" if status == 400 else "refused")
    refuse(
        resp, status, code, details.get(status, error.title or "The request cannot be read."), req.context.request_id
    )


def crashed(req: falcon.Request, resp: falcon.Response, error: Exception, _params: Any) -> None:
    """A mistake of ours: told in the log, not to the client."""
    request_id = req.context.request_id
    logs.log_crash(error, request_id=request_id)
    refuse(resp, 500, "internal", "Something went wrong on our side; it was written down under requestId.", request_id)
