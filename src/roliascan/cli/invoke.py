"""Pass one event to a platform's entry point, in this process with these settings, and print what it answers."""

import argparse
import json
import sys
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import msgspec

from roliascan.cli import surroundings
from roliascan.ids import new_id

SECONDS = 30.0
"""What the function has, where the platform would say how long it may run."""


class Described(msgspec.Struct, forbid_unknown_fields=True, rename="camel"):
    """A request for Google or Azure, whose functions are not called with JSON."""

    url: str
    method: str = "GET"
    headers: dict[str, str] = {}
    body: str = ""
    is_base64_encoded: bool = False

    def __post_init__(self) -> None:
        _ = self.sent  # raises for what is not base64

    @property
    def sent(self) -> bytes:
        return b64decode(self.body, validate=True) if self.is_base64_encoded else self.body.encode()

    @property
    def whole_url(self) -> str:
        return f"https://localhost{self.url}" if self.url.startswith("/") else self.url


class _Context:
    """What our functions read of the contexts of Lambda and of Azure."""

    def __init__(self) -> None:
        self.aws_request_id = self.invocation_id = new_id(surroundings.now())

    def get_remaining_time_in_millis(self) -> float:
        return SECONDS * 1000


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("event", metavar="EVENT.json", help="- reads standard input")
    parser.add_argument(
        "--platform",
        choices=tuple(PLATFORMS),
        default="aws",
        help="aws takes an event as Lambda does; google and azure take"
        ' {"method", "url", "headers", "body", "isBase64Encoded"}, of which only url is needed',
    )


def run(args: argparse.Namespace) -> int:
    """0 with an answer, whatever its status; 1 where the function raised, which its platform would count as failed.

    The answer is on standard output, what the function logs on standard error.
    """
    try:
        event: Any = json.loads(sys.stdin.read() if args.event == "-" else Path(args.event).read_text("utf-8"))
        if args.platform != "aws":
            event = msgspec.convert(event, Described)
    except (OSError, ValueError) as error:
        return _refuse(2, f"{args.event} is no event for {args.platform}: {error}")
    surroundings.prepare_embedded(surroundings.settings())
    try:
        with redirect_stdout(sys.stderr):
            told = PLATFORMS[args.platform](event)
    except ModuleNotFoundError as error:
        return _refuse(1, f"{error.name} is missing; make setup installs it")
    except Exception as error:
        return _refuse(1, f"the function raised {type(error).__name__}: {error}")
    print(json.dumps(told, indent=2, ensure_ascii=False))
    return 0


def _refuse(status: int, why: str) -> int:
    print(f"roliascan: {why}", file=sys.stderr)
    return status


def _aws(event: Any) -> Any:
    from roliascan.platforms.aws_lambda import handler

    return handler(event, _Context())


def _google(asked: Described) -> Any:
    """By functions-framework, as a client of its own would be answered."""
    import functions_framework

    from roliascan.platforms import google_functions

    app = functions_framework.create_app("web", google_functions.__file__)  # type: ignore[no-untyped-call]
    answer = app.test_client().open(asked.whole_url, method=asked.method, headers=asked.headers, data=asked.sent)
    return _told(answer.status_code, list(answer.headers), answer.get_data())


def _azure(asked: Described) -> Any:
    import azure.functions as func

    from roliascan.platforms.azure_functions import app

    path = unquote(urlsplit(asked.whole_url).path).removeprefix("/")
    request = func.HttpRequest(
        asked.method, asked.whole_url, headers=asked.headers, route_params={"path": path}, body=asked.sent
    )
    web = next(one.get_user_function() for one in app.get_functions() if one.get_function_name() == "web")
    answer = web(request, _Context())
    return _told(answer.status_code, list(answer.headers.items()), answer.get_body())


def _told(status: int, headers: list[tuple[str, str]], body: bytes) -> Mapping[str, Any]:
    """As payload format 2.0 would write it, but for headers, which may come twice."""
    try:
        text, encoded = body.decode(), False
    except UnicodeDecodeError:
        text, encoded = b64encode(body).decode("ascii"), True
    return {"statusCode": status, "headers": headers, "body": text, "isBase64Encoded": encoded}


PLATFORMS: dict[str, Callable[[Any], Any]] = {"aws": _aws, "google": _google, "azure": _azure}
