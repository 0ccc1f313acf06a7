"""Bring the database to this version, or see what that would do: a step of deploying, never of a start."""

import argparse
import json

from roliascan.cli import surroundings
from roliascan.database import migrations


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", choices=("up", "check", "plan", "sql"), help="; ".join(_HELP))
    parser.add_argument("--json", action="store_true", help="for scripts (check and plan)")
    parser.add_argument(
        "--for",
        dest="dialect",
        choices=("postgresql", "mysql", "sqlite"),
        help="sql: of any database of this kind, without asking one",
    )
    parser.add_argument("--since", type=int, metavar="REVISION", help="sql: only what comes after this revision")
    parser.add_argument(
        "--without-foreign-keys",
        action="store_true",
        help="sql: for databases that have none, as Vitess and PlanetScale",
    )


_HELP = (
    "up: run what is pending",
    "check: does the database fit this version? (exit status 1 if not)",
    "plan: list what is pending, with whom it keeps waiting",
    "sql: print the statements for review",
)


def run(args: argparse.Namespace) -> int:
    actions = {"up": _up, "check": _check, "plan": _plan, "sql": _sql}
    if args.dialect and args.action == "sql":
        return _sql(args.dialect, args)
    return actions[args.action](surroundings.settings(signs=False).database_direct_url, args)


def _up(url: str, _args: argparse.Namespace) -> int:
    migrations.upgrade(url, progress=lambda title: print(title, flush=True))
    print(migrations.check(url).detail)
    return 0


def _check(url: str, args: argparse.Namespace) -> int:
    state = migrations.check(url)
    print(json.dumps({"state": state.name, "detail": state.detail}) if args.json else state.detail)
    return 0 if state.fits else 1


def _plan(url: str, args: argparse.Namespace) -> int:
    pending = migrations.plan(url)
    if args.json:
        print(json.dumps([_document(step) for step in pending]))
        return 0
    for one in pending:
        print(f"{one.revision}  {one.title}")
        for statement, keeps_waiting in one.steps:
            print(f"   {statement}  (keeps waiting: {keeps_waiting})")
    if not pending:
        print("Nothing is pending.")
    return 0


def _document(pending: migrations.Pending) -> dict[str, object]:
    steps = [{"sql": sql, "keepsWaiting": keeps_waiting} for sql, keeps_waiting in pending.steps]
    return {"revision": pending.revision, "title": pending.title, "steps": steps}


def _sql(url_or_dialect: str, args: argparse.Namespace) -> int:
    foreign_keys = False if args.without_foreign_keys else None
    print(migrations.sql(url_or_dialect, since=args.since, foreign_keys=foreign_keys), end="")
    return 0
