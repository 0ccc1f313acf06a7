"""An nginx of the tests' own: a cache in front of the service, which does what the service's headers say."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from tests.servers import program

LIBRARIES = ("/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu")
FAKETIME = "faketime/libfaketime.so.1"


class Nginx(NamedTuple):
    """Its address, and the file that moves its clock."""

    address: str
    clock: Path

    def forward(self, seconds: int) -> None:
        """Lets so much time pass since it was started."""
        self.clock.write_text(f"+{seconds}")


def found() -> str | None:
    """The program, where there is also what moves its clock."""
    return program.find("nginx") if _faketime() else None


def _faketime() -> str | None:
    return next((path for one in LIBRARIES if os.path.exists(path := f"{one}/{FAKETIME}")), None)


@contextmanager
def running(upstream: str) -> Iterator[Nginx]:
    """A cache in front of this address, set as docs/operations.md says.

    Only headers tell it what may be kept, and how long that is fresh. By `stale-if-error` alone it would go on where
    nobody answers, but not when the answer is 503.
    """
    port = program.free_port()

    def written(directory: Path) -> str:
        settings = directory / "nginx.conf"
        settings.write_text(
            f"""daemon off; master_process off; pid {directory}/pid; error_log stderr;
env FAKETIME_TIMESTAMP_FILE; env FAKETIME_NO_CACHE;
events {{ worker_connections 64; }}
http {{
    access_log off;
    proxy_cache_path {directory}/cache keys_zone=site:1m use_temp_path=off;
    client_body_temp_path {directory}/body; proxy_temp_path {directory}/proxy; fastcgi_temp_path {directory}/fastcgi;
    uwsgi_temp_path {directory}/uwsgi; scgi_temp_path {directory}/scgi;
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass http://{urlsplit(upstream).netloc};
            proxy_cache site;
            proxy_cache_use_stale error timeout updating http_503;
            proxy_cache_background_update on;
            add_header X-Cache $upstream_cache_status always;
        }}
    }}
}}
"""
        )
        return str(settings)

    with started(written, port) as one:
        yield one


@contextmanager
def started(written: Callable[[Path], str], port: int) -> Iterator[Nginx]:
    """`written` puts settings into a folder, and says where; they listen on this port."""
    directory = program.server_directory("nginx")
    clock = directory / "clock"
    clock.write_text("+0")
    settings = written(directory)
    faketime = _faketime()
    assert faketime is not None
    with program.running(
        [str(found()), "-c", settings, "-e", "stderr"],
        environ={"LD_PRELOAD": faketime, "FAKETIME_TIMESTAMP_FILE": str(clock), "FAKETIME_NO_CACHE": "1"},
        ready=lambda: program.listens(port),
        directory=directory,
        cwd=directory,
        uid=program.server_uid(),
    ):
        yield Nginx(f"http://127.0.0.1:{port}", clock)
