"""The `roliascan` command: what an operator does. Exit status 0 done, 1 failed or partly refused, 2 wrong use."""

import argparse
import io
import os
import sys
from collections.abc import Sequence
from importlib import import_module

from roliascan import __version__
from roliascan.database import BadAddress
from roliascan.errors import Busy, Invalid, Refusal
from roliascan.settings import BadSettings

COMMANDS = {
    "serve": "serve the site from this machine",
    "demo": "fill an empty library with a small generated one",
    "import": "take in folders and CBZ archives of comics",
    "upload": "send a folder of pages to a site, from anywhere",
    "smoke": "try a site from outside, as people would, and clear it all away",
    "admin": "make an administrator's account",
    "sweep": "work off what is due, what has run out, and files that nothing points to",
    "storage": "look whether files are all there, or copy them to another storage",
    "backup": "keep a copy of the database and the files",
    "restore": "put a backup into any database and storage",
    "cost": "read a log, and say what a function platform asks for that",
    "audit": "look whether the log of what was done is whole",
    "migrate": "bring the database to this version, or see what that would do",
    "package": "build the archive of a function, for AWS Lambda, Google or Azure",
    "invoke": "pass an event to a function platform's entry point, and print its answer",
    "doctor": "look at settings, database and storage, and say what is wrong",
    "openapi": "print the API as OpenAPI 3.1",
}
"""Each is a module here with `arguments(parser)` and `run(args) -> exit status`, imported when it is called."""

MODULES = {"import": "import_"}


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command; every refusal is one readable message on standard error."""
    _print_anything()
    words = list(sys.argv[1:] if argv is None else argv)
    if not words or words[0] not in COMMANDS:
        return _overview(words)
    try:
        return _run(*words)
    except Invalid as invalid:
        return _fail("\n".join(f"{problem.field} {problem.message}" for problem in invalid.problems) or str(invalid))
    except BadAddress as error:
        return _fail(f"the database's address cannot be used: {error}")
    except Busy as error:
        fault = f" ({error.fault})" if error.fault else ""
        return _fail(f"{error}{fault}\n{str(error.__cause__ or '').partition(chr(10))[0]}".rstrip())
    except (Refusal, BadSettings) as error:
        return _fail(str(error))
    except BrokenPipeError:  # who read our output has gone, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        return _fail(": ".join(str(part) for part in (error.filename, error.strerror or error) if part))
    except KeyboardInterrupt:
        return _fail("interrupted; what was done until now stays")


def _run(command: str, *words: str) -> int:
    module = import_module(f"roliascan.cli.{MODULES.get(command, command)}")
    parser = argparse.ArgumentParser(prog=f"roliascan {command}", description=module.__doc__)
    module.arguments(parser)
    return int(module.run(parser.parse_args(words)))


def _print_anything() -> None:
    """A title that the terminal's encoding lacks must not end an import."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


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
    if words:
        parser.parse_args(words[:1])
    parser.print_help(sys.stderr)
    return 2
