"""Where runtimes may answer otherwise than the server, and why. Data, and how it is looked up."""

from typing import NamedTuple

from tests.platforms import dozen
from tests.platforms.dozen import Step


class Difference(NamedTuple):
    """`runtime` is how the names of runtimes begin, `steps` are names of steps."""

    runtime: str
    steps: tuple[str, ...]
    reason: str


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
)


def reason(runtime: str, step: Step) -> str:
    """Why the two may differ here; "" for no reason."""
    for difference in DIFFERENCES:
        if runtime.startswith(difference.runtime) and step.name in difference.steps:
            return difference.reason
    return ""
