"""Bring the database to this version, or see what that would do: a step of deploying, never of a start."""

import argparse
import json

from roliascan.cli import surroundings
from roliascan.database import migrations


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", choices=("up", "check", "plan", "sql"), help="; ".join(_HELP))
    parser.add_argument("--json", action="store_true", help="for scripts (check and plan)")


_HELP = (
    "up: run what is pending",
    "check: does the database fit this version? (exit status 1 if not)",
    "plan: list what is pending",
    "sql: print the statements for review",
)


def run(args: argparse.Namespace) -> int:
    found = surroundings.settings(signs=False)
    actions = {"up": _up, "check": _check, "plan": _plan, "sql": _sql}
    return actions[args.action](found.database_direct_url, args.json)


def _up(url: str, _as_json: bool) -> int:
    migrations.upgrade(url, progress=lambda title: print(title, flush=True))
    print(migrations.check(url).detail)
    return 0


def _check(url: str, as_json: bool) -> int:
    state = migrations.check(url)
    print(json.dumps({"state": state.name, "detail": state.detail}) if as_json else state.detail)
    return 0 if state.fits else 1


def _plan(url: str, as_json: bool) -> int:
    pending = migrations.plan(url)
    if as_json:
        print(json.dumps([step._asdict() for step in pending]))
    for step in [] if as_json else pending:
        print(f"{step.revision}  {step.title}")
    if not pending and not as_json:
        print("Nothing is pending.")
    return 0


def _sql(url: str, _as_json: bool) -> int:
    print(migrations.sql(url), end="")
    return 0
