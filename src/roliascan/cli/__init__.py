"""The `roliascan` command: what an operator does. Exit status 0 done, 1 failed or partly refused, 2 wrong use."""

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module

from roliascan import __version__
from roliascan.errors import Invalid, Refusal

COMMANDS = {
    "serve": "serve the site from this machine",
    "demo": "fill an empty library with a small generated one",
    "import": "take in folders and CBZ archives of comics",
    "admin": "make an administrator's account",
    "migrate": "bring the database to this version, or see what that would do",
    "doctor": "look at settings, database and storage, and say what is wrong",
    "openapi": "print the API as OpenAPI 3.1",
}
"""Each is a module here with `arguments(parser)` and `run(args) -> exit status`, imported when it is called."""

_MODULES = {"import": "import_"}


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command; every refusal is one readable message on standard error."""
    words = list(sys.argv[1:] if argv is None else argv)
    if not words or words[0] not in COMMANDS:
        return _overview(words)
    module = import_module(f"roliascan.cli.{_MODULES.get(words[0], words[0])}")
    parser = argparse.ArgumentParser(prog=f"roliascan {words[0]}", description=module.__doc__)
    module.arguments(parser)
    args = parser.parse_args(words[1:])
    try:
        return int(module.run(args))
    except Invalid as invalid:
        return _fail("\n".join(f"{problem.field}: {problem.message}" for problem in invalid.problems))
    except (Refusal, ValueError, OSError) as error:
        return _fail(str(error))
    except KeyboardInterrupt:
        return _fail("interrupted; what was done until now stays")


def _fail(message: str) -> int:
    print(f"roliascan: {message}", file=sys.stderr)
    return 1


def _overview(words: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="roliascan",
        description="The backend of a comic publishing site.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="\n".join(f"  {name:9} {purpose}" for name, purpose in COMMANDS.items())
        + "\n\nroliascan COMMAND --help tells more. Settings are environment variables, or lines of a file .env here.",
    )
    parser.add_argument("--version", action="version", version=f"roliascan {__version__}")
    parser.add_argument("command", choices=COMMANDS, metavar="COMMAND", help="one of these:")
    parser.parse_args(words[:1] or ["--help"])
    return 2
