"""Where runtimes may answer otherwise than the server, and why. Data, and how it is looked up."""

import re
from typing import NamedTuple

from tests.platforms import dozen
from tests.platforms.dozen import API, Step
from tests.platforms.shapes import Reply

OFFLINE = "serverless-offline"


class Difference(NamedTuple):
    """`runtime` is the name of one, or what stands before the comma in those of several; `steps` are names of steps."""

    runtime: str
    steps: tuple[str, ...]
    reason: str

    def is_of(self, runtime: str) -> bool:
        """Not of every name that begins so: "lambda, alb" is another than "lambda, alb multi-value"."""
        return self.runtime in (runtime, runtime.partition(",")[0])


class Change(NamedTuple):
    """What a runtime makes of one field of all its answers, or of those to one method.

    `was` and `told` are regular expressions for the server's value and the runtime's, "" for a field that is not there;
    `{was}` in `told` is the server's value. The status is the field ":status", as in HTTP/2.
    """

    runtime: str
    field: str
    was: str
    told: str
    reason: str
    method: str = ""


_REPEATED = "/api/v1/series?limit=1&limit=2"
_OF_DOZEN = (
    Difference(runtime, (difference.name,), difference.reason)
    for difference in dozen.DIFFERENCES
    for runtime, answer in difference.answers.items()
    if answer != difference.answers["server"]
)
DIFFERENCES = (
    *_OF_DOZEN,
    Difference(
        "azure",
        ("GET /#", "HEAD /#"),
        "A fragment is no part of a request (RFC 9112, section 3.2). Azure passes a whole URL, in which it is refused;"
        " a server gets it as a path, where nothing is.",
    ),
    Difference("google", ("a body in chunks",), "gunicorn writes a Connection header of its own in place of ours."),
    Difference(
        "lambda, alb",
        (f"GET {_REPEATED}", f"HEAD {_REPEATED}"),
        "Without multi-value headers a load balancer passes on the last of repeated parameters, so that they cannot be"
        " refused.",
    ),
    Difference(
        "lambda, alb",
        ("GET {file}: its tag and another",),
        "Without multi-value headers a load balancer passes on the last of repeated headers.",
    ),
    Difference(OFFLINE, ("GET {file}: its tag and another",), "It passes on the last of repeated headers."),
    Difference(
        "google",
        ("GET /api/v1/auth/me: two lines of cookies",),
        "gunicorn joins them with a comma. No client sends two lines (RFC 6265, section 5.4), and what takes HTTP/2 has"
        " to join those of its clients (RFC 9113, section 8.2.3).",
    ),
    Difference(
        OFFLINE,
        ("a body in chunks",),
        "It collects a body in chunks and sends its length, as the gateways of AWS and Azure do.",
    ),
    Difference(
        OFFLINE,
        tuple(f"{method} {path}" for path in ("/%FF", "/%C3%28") for method in ("GET", "HEAD")),
        "hapi, its server, answers a path that is no UTF-8 with a 400 of its own.",
    ),
    Difference(
        OFFLINE,
        tuple(f"{method} {path}" for path in ("/%00", "/api/v1/series%2F") for method in ("GET", "HEAD")),
        "It passes on the path encoded; an HTTP API would decode it.",
    ),
    Difference(
        OFFLINE,
        tuple(f"{method} {API}/auth/me: {cookie}" for cookie in ('a="b; c"', "=; ;;") for method in ("GET", "PATCH")),
        "hapi answers a Cookie that RFC 6265 does not allow with a 400 of its own.",
    ),
    Difference(
        OFFLINE,
        tuple(f"GET {{file}}: {part}" for part in ("bytes=9-5", "bytes=x", "lines=0-1")),
        "hapi answers a Range that it cannot read with a 416 of its own; HTTP would have it ignored.",
    ),
    Difference(
        OFFLINE,
        tuple(f"POST {API}/series: {what}" for what in ("the JSON null", 'the JSON "é"', "long")),
        "It passes on a JSON text without its quotes, and nothing for null.",
    ),
)

_NO_TYPE = "It writes a type where nothing follows, and hapi adds the charset to it."
_CORS = "hapi answers requests from another origin as if it might be any; an HTTP API leaves it to the function."
CHANGES = (
    Change(OFFLINE, "content-type", "application/json", "{was}; charset=utf-8", "hapi adds the charset to JSON."),
    Change(OFFLINE, "content-type", "", "application/json; charset=utf-8", _NO_TYPE),
    Change(OFFLINE, "vary", ".+", "{was},accept-encoding", "hapi would compress, and says on what that depends."),
    Change(OFFLINE, "accept-ranges", "", "bytes", "hapi offers parts of whatever it sends."),
    Change(OFFLINE, ":status", "204", "200", "It gives every preflight the status 200.", "OPTIONS"),
    Change(
        OFFLINE,
        "cache-control",
        "",
        "no-cache",
        "hapi forbids to keep what says nothing of that itself.",
        "OPTIONS",
    ),
    Change(OFFLINE, "access-control-allow-origin", "", "https://evil.example", _CORS),
    Change(OFFLINE, "access-control-allow-credentials", "", "true", _CORS),
    Change(
        OFFLINE,
        "set-cookie",
        "(?!expires).*max-age=.*",
        r"expires=\(fresh\); {was}",
        "hapi adds Expires to a Max-Age.",
    ),
    Change(
        OFFLINE,
        "set-cookie",
        r"expires=\(fresh\); (path=/; samesite=Lax; token=)",
        r"expires=\(fresh\); max-age=-\d+; path=/; samesite=Lax; token=",
        "hapi adds a Max-Age to Expires.",
    ),
)


def reasons(runtime: str, step: Step, told: Reply | str, other: Reply | str) -> list[str]:
    """Why what the runtime told may differ from what the server did; none where something has no reason."""
    named = [one.reason for one in DIFFERENCES if one.is_of(runtime) and step.name in one.steps]
    if named or isinstance(told, str) or isinstance(other, str) or told.body != other.body:
        return named
    ours, theirs = _fields(told), _fields(other)
    differing = sorted(name for name in ours | theirs if ours.get(name) != theirs.get(name))
    found = [_change(runtime, step.method, name, theirs.get(name, ""), ours.get(name, "")) for name in differing]
    return [change.reason for change in found if change] if all(found) else []


def _fields(reply: Reply) -> dict[str, str]:
    cookies = ", ".join("; ".join(sorted(attributes)) for attributes in reply.cookies)
    return {":status": str(reply.status), "set-cookie": cookies, **reply.headers}


def _change(runtime: str, method: str, field: str, was: str, told: str) -> Change | None:
    for change in CHANGES:
        of_these = runtime.startswith(change.runtime) and change.field == field and change.method in ("", method)
        becomes = change.told.replace("{was}", re.escape(was))
        if of_these and re.fullmatch(change.was, was) and re.fullmatch(becomes, told):
            return change
    return None
