"""Make an administrator's account."""

import argparse
import getpass
import sys

from roliascan.cli import surroundings
from roliascan.people import accounts


def arguments(parser: argparse.ArgumentParser) -> None:
    commands = parser.add_subparsers(dest="action", required=True, metavar="create")
    create = commands.add_parser("create", help="make an account that may do everything")
    create.add_argument("--email", required=True)
    create.add_argument("--username", required=True)
    create.add_argument("--password", help="8 to 1024 bytes; asked for when it is not given, or read from a pipe")


def run(args: argparse.Namespace) -> int:
    username = args.username.strip()
    with surroundings.site() as site:
        accounts.register(
            site.db,
            email=args.email.strip(),
            username=username,
            password=args.password or _asked(),
            role="admin",
            lasts_s=1,  # the session that comes with an account is of no use here
            now=surroundings.now(),
        )
    print(f"{username} is an administrator now.")
    return 0


def _asked() -> str:
    return getpass.getpass() if sys.stdin.isatty() else sys.stdin.readline().rstrip("\r\n")
