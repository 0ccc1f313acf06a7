"""Serve the site from this machine until SIGTERM or Ctrl-C."""

import argparse
import os
import sys

from roliascan.cli import surroundings


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--demo", action="store_true", help="fill an empty embedded library with a small demo first")


def run(args: argparse.Namespace) -> int:
    """Prepares the embedded database, then becomes the server, so that nothing of the preparation stays in memory."""
    found = surroundings.settings()
    surroundings.prepare_embedded(found)
    if args.demo and found.database_url.startswith("sqlite:"):
        from roliascan.cli import demo

        demo.fill_if_empty()
        demo.print_accounts()
    address = found.public_url
    print(f"\nRoliaScan serves on {address}\nThe API is described on {address}/docs\nStop it with Ctrl-C.", flush=True)
    sys.stderr.flush()
    os.execv(sys.executable, [sys.executable, "-m", "roliascan.platforms.serving"])  # noqa: S606 - our own module
