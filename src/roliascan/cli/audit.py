"""Look whether the audit log is whole."""

import argparse
import json

from roliascan.cli import surroundings
from roliascan.people import audit


def arguments(parser: argparse.ArgumentParser) -> None:
    commands = parser.add_subparsers(dest="action", required=True, metavar="verify")
    verify = commands.add_parser("verify", help="compute every hash anew, and name the first entry that is broken")
    verify.add_argument("--json", action="store_true", help="for scripts")


def run(args: argparse.Namespace) -> int:
    """0 when every entry holds, else 1."""
    with surroundings.site() as site:
        verdict = audit.verify(site.db)
    if args.json:
        print(json.dumps({"ok": not verdict.broken, **verdict._asdict()}))
    elif verdict.broken:
        print(f"Broken: {verdict.broken}. The {verdict.entries} before it hold.")
    else:
        print(f"All {verdict.entries} entries hold; the last is {verdict.last}.")
    return 1 if verdict.broken else 0
