"""From refusals to answers: the one table of statuses, and RFC 9457 problem documents."""

from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from roliascan import errors
from roliascan.web import bodies, logs

if TYPE_CHECKING:
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
    errors.Unprocessable: 422,
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
    422: "Cannot be done",
    429: "Too many requests",
    500: "Our mistake",
    503: "Not right now",
}
PROBLEM = "application/problem+json"


def status_of(refusal: type[errors.Refusal]) -> int:
    return next(STATUS[kind] for kind in refusal.__mro__ if kind in STATUS)


class Told(NamedTuple):
    """A refusal as it is answered: its headers by name, and its problem document; and as it is logged."""

    status: int
    headers: dict[str, str]
    body: bytes
    level: str = ""
    code: str = ""

    @property
    def line(self) -> str:
        """The status as WSGI takes it."""
        return f"{self.status} {_TITLES.get(self.status, 'Refused')}"


def problem(status: int, code: str, detail: str, request_id: str, **more: Any) -> Told:
    """A problem document (RFC 9457). `more`: further members, such as `errors`."""
    members = {
        "type": f"urn:roliascan:{code}",
        "title": _TITLES.get(status, "Refused"),
        "status": status,
        "detail": detail,
        "code": code,
        "requestId": request_id,
        **more,
    }
    return Told(status, {"Content-Type": PROBLEM, "Cache-Control": "no-store"}, msgspec.json.encode(members), code=code)


def told(error: Exception, request_id: str) -> Told:
    """What is said for a verb's no; any other exception is a mistake of ours: told in the log, not to the client."""
    if not isinstance(error, errors.Refusal):
        logs.log_crash(error, request_id=request_id)
        detail = "Something went wrong on our side; it was written down under requestId."
        return problem(500, "internal", detail, request_id)
    more = {}
    if isinstance(error, errors.Invalid):
        more["errors"] = [{"field": one.field, "message": one.message} for one in error.problems]
    answer = problem(status_of(type(error)), error.code, error.detail, request_id, **more)
    if fault := error.fault or getattr(error.__cause__, "fault", ""):
        logs.log("warning", "fault", requestId=request_id, code=error.code, fault=fault)
    if isinstance(error, errors.TooMany | errors.Busy):
        answer.headers["Retry-After"] = str(error.retry_after)
    if answer.status == 401:
        answer.headers["WWW-Authenticate"] = 'Bearer realm="roliascan"'
    return answer._replace(level=error.level)


def raised(req: "falcon.Request", resp: "falcon.Response", error: Exception, _params: Any) -> None:
    """Falcon's way to answer what was raised."""
    answer = told(error, req.context.request_id)
    req.context.level = answer.level
    _put(req, resp, answer)


def _put(req: "falcon.Request", resp: "falcon.Response", answer: Told) -> None:
    req.context.code = answer.code
    resp.status = answer.status
    resp.set_headers(answer.headers)
    resp.data = answer.body
    resp.text = resp.stream = None


_CODES = {404: "not_found", 405: "method_not_allowed", 413: "too_large", 415: "unsupported_type"}


def falcon_refused(req: "falcon.Request", resp: "falcon.Response", error: "falcon.HTTPError", _params: Any) -> None:
    """The framework's own no: no such route, no such method, a header that cannot be read."""
    if error.headers:
        resp.set_headers(error.headers)
    status = error.status_code
    details = {404: errors.NotFound.detail, 405: "This address does not take this method; see the Allow header."}
    code = _CODES.get(status, "malformed" if status == 400 else "refused")
    detail = details.get(status, error.title or "The request cannot be read.")
    _put(req, resp, problem(status, code, detail, req.context.request_id))
