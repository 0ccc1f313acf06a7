"""Our app in this process, called as a server calls it."""

import io
import os
import sys
from collections.abc import Callable
from contextlib import redirect_stdout
from typing import Any

from bench import environments
from roliascan.app import create_app
from roliascan.settings import Settings

Get = Callable[..., bytes]


def site(url: str, *, expected: str = "2", **environ: str) -> Get:
    """A function that asks the app with the database at `url`: target in, body out. `environ`: more settings.

    A status that does not begin as `expected` ends the benchmark. The log goes nowhere.
    """
    app = create_app(Settings.from_environ({**environments.settings(url), **environ}))
    nowhere = open(os.devnull, "w")  # noqa: SIM115 - as long as the process

    def get(target: str, *, method: str = "GET", token: str = "", body: bytes = b"") -> bytes:
        begun: list[str] = []
        environ = _environ(method, target, token, body)

        def start_response(status: str, _headers: object, _exc_info: object = None, /) -> Callable[[bytes], object]:
            begun.append(status)
            return lambda data: None

        with redirect_stdout(nowhere):
            answer = b"".join(app(environ, start_response))
        if not begun[0].startswith(expected):
            raise SystemExit(f"{method} {target}: {begun[0]} {answer.decode()}")
        return answer

    return get


def _environ(method: str, target: str, token: str, body: bytes) -> dict[str, Any]:
    path, _, query = target.partition("?")
    sent = {"CONTENT_TYPE": "application/json", "CONTENT_LENGTH": str(len(body))} if body else {}
    signed = {"HTTP_AUTHORIZATION": f"Bearer {token}"} if token else {}
    return {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "3000",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_HOST": "comics.example",
        **sent,
        **signed,
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "https",
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
