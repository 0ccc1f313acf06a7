"""Serve the site from this machine until SIGTERM or Ctrl-C."""

import argparse
import os
import signal
import socket
import sys

from roliascan.cli import surroundings
from roliascan.library import images
from roliascan.settings import Settings


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--demo", action="store_true", help="fill an empty embedded library with a small demo first")


def run(args: argparse.Namespace) -> int:
    """Prepares the embedded database, then becomes the server, so that nothing of the preparation stays in memory."""
    found = surroundings.settings()
    _refuse_taken_port(found)
    with surroundings.site() as site:
        if args.demo and surroundings.is_embedded():
            from roliascan.cli import demo

            demo.fill_if_empty(site)
            if accounts := demo.accounts(site):
                demo.print_accounts(accounts)
    images.end_decoders()
    sys.stdout.flush()
    # glibc would keep for each thread what a login or an image needed once: 190 MB after 50 logins, and 35 MB so.
    os.environ.setdefault("MALLOC_MMAP_THRESHOLD_", "1048576")
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # a traceback, until the server has handlers
    os.execv(sys.executable, [sys.executable, "-P", "-m", "roliascan.cli.listening"])  # noqa: S606 - our own module


def _refuse_taken_port(found: Settings) -> None:
    """Before the demo is drawn: the server would say the same, but only then. Raises OSError."""
    try:
        family, kind, _, _, address = socket.getaddrinfo(found.host, found.port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        raise OSError(f"cannot listen on {found.host}:{found.port}: {error.strerror}") from error
