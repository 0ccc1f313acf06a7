"""Runs granian around `roliascan.platforms.server`: for `roliascan serve`, and by `python -m`.

It serves from a process of its own, made from this one: what this process has loaded (migrations, images) counts there
too. After such work, become this module by `os.execv` instead of calling `serve`.
"""

import logging
import os
import socket
from collections.abc import Callable
from typing import Any

from granian import Granian
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels

from roliascan.platforms.server import THREADS
from roliascan.settings import BadSettings, Settings
from roliascan.web import logs

TARGET = "roliascan.platforms.server:app"
STOP_AFTER = 10
"""Seconds that requests under way have to finish after SIGTERM or SIGINT."""
CONNECTIONS = 1024
"""At once; more wait unaccepted."""
HEADERS_WITHIN = 30
"""Seconds for the headers of a request; also how long a connection may stay idle between two."""
LONGEST_HEADERS = 65536


class CannotListen(OSError):
    """The address is taken or is none; the message says so."""


def serve(
    *,
    host: str,
    port: int,
    target: str = TARGET,
    ready: Callable[[], None] = lambda: None,
    stop_after: int = STOP_AFTER,
    headers_within: int = HEADERS_WITHIN,
) -> None:
    """Serves until SIGTERM or SIGINT; calls `ready` once it listens. Raises CannotListen."""
    server = Granian(
        target,
        address=_free_address(host, port),
        port=port,
        interface=Interfaces.WSGI,
        workers=1,  # the embedded database has one writer; several processes are several servers
        blocking_threads=THREADS,
        backlog=CONNECTIONS,
        backpressure=CONNECTIONS,
        http=HTTPModes.http1,  # proxies in front speak it; HTTP/2 in clear text would only be more to attack
        http1_settings=HTTP1Settings(header_read_timeout=headers_within * 1000, max_buffer_size=LONGEST_HEADERS),
        workers_kill_timeout=stop_after,
        log_level=LogLevels.warning,
        log_dictconfig=_LOGGING,
        log_access=False,
    )
    server.on_startup(ready)
    server.serve()


def _free_address(host: str, port: int) -> str:
    """The IP address of `host`, where nobody listens yet: granian would share the port with who does."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        raise CannotListen(f"cannot listen on {host}:{port}: {error.strerror}") from error
    return str(address[0])


class Lines(logging.Formatter):
    """granian's own log in our form."""

    def format(self, record: logging.LogRecord) -> str:
        """One line of JSON: the first of the message, for the others are a traceback with what the app said in it."""
        return logs.line(record.levelname.lower(), "server", message=record.getMessage().partition("\n")[0])


class Meant(logging.Filter):
    """Keeps out the warning about the number of threads: ours mostly wait, for the database and for slow clients."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is worth a line."""
        return "Python threads" not in record.getMessage()


_LOGGING: dict[str, Any] = {
    "filters": {"meant": {"()": Meant}},
    "formatters": {"lines": {"()": Lines}},
    "handlers": {
        "console": {
            "class": "logging.StreamHandler",
            "stream": "ext://sys.stdout",
            "formatter": "lines",
            "filters": ["meant"],
        }
    },
    "loggers": {"_granian": {"handlers": ["console"], "propagate": False}},
}


def main() -> None:
    """Serves as the environment says; ends with one readable message where it cannot."""
    try:
        settings = Settings.from_environ(os.environ)
        serve(host=settings.host, port=settings.port)
    except (BadSettings, CannotListen) as error:
        raise SystemExit(str(error)) from None


if __name__ == "__main__":
    main()
