"""Build the archive of a function for a platform: the locked packages, this code, byte code; nothing else.

It works from a clone of the project, after make setup. Twice the same is the same, bit for bit.
"""

import argparse
import json
import re
import sys
import tempfile
from hashlib import sha256
from pathlib import Path
from typing import Any

from roliascan import __version__
from roliascan.cli.packaging import NotPackaged, archive, bytecode, filling, machines
from roliascan.cli.packaging.archive import Part
from roliascan.cli.packaging.targets import MACHINES, TARGETS, Order

OLD_LINUX = "Lambda's Python 3.11 runs on a Linux that is older than these wheels: deploy 3.12 or newer"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("platform", choices=tuple(TARGETS))
    parser.add_argument("--arch", choices=tuple(MACHINES), help="default: arm64 for aws, x86_64 for the others")
    parser.add_argument("--python", type=_version, default="3.13", help="the platform's version (default: 3.13)")
    parser.add_argument("--output", type=Path, default=Path("dist"), metavar="DIR", help="default: dist")
    parser.add_argument(
        "--migrations", action="store_true", help="the function that runs `migrate up` within a private network"
    )
    parser.add_argument("--json", action="store_true", help="for scripts")
    parser.set_defaults(wrong_use=parser.error)


def _version(text: str) -> str:
    if not re.fullmatch(r"3\.1[1-9]", text):
        raise argparse.ArgumentTypeError("write a version such as 3.13; 3.11 is the oldest")
    return text


def run(args: argparse.Namespace) -> int:
    """0 when the archive is there, 1 when it could not be built."""
    arches = TARGETS[args.platform].arches
    if args.arch not in (None, *arches):
        args.wrong_use(f"functions of {args.platform} run on {' or '.join(arches)}")
    order = Order(args.platform, args.arch or arches[0], args.python, args.migrations)
    args.output.mkdir(parents=True, exist_ok=True)
    try:
        built = _built(order, args.output / _name(order))
    except NotPackaged as error:
        print(f"roliascan: {error}", file=sys.stderr)
        return 1
    print(json.dumps(built, indent=2) if args.json else _table(built))
    return 0


def _name(order: Order) -> str:
    what = "roliascan-migrations" if order.migrations else "roliascan"
    return f"{what}-{__version__}-{order.platform}-{order.arch}-python{order.python}.zip"


def _built(order: Order, file: Path) -> dict[str, Any]:
    """What was built, as `--json` tells it."""
    if order.platform == "aws" and order.python == "3.11":
        _tell(OLD_LINUX)
    with tempfile.TemporaryDirectory(prefix="roliascan-package-") as made:
        folder = Path(made) / "package"
        folder.mkdir()
        owners = filling.fill(folder, order, _tell)
        compiled = machines.check(folder, order)
        has_byte_code = bytecode.add(folder, order, _tell)
        _tell("Packing")
        parts = archive.write(folder, file, owners)
    size = file.stat().st_size
    return {
        "archive": str(file),
        **order._asdict(),
        "bytes": size,
        "bytesWithoutPillow": size - sum(part.zipped for part in parts if part.name == "pillow"),
        "sha256": sha256(file.read_bytes()).hexdigest(),
        "byteCode": has_byte_code,
        "compiledFiles": compiled,
        "parts": [part._asdict() for part in parts],
    }


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _table(built: dict[str, Any]) -> str:
    parts = [Part(**part) for part in built["parts"]]
    total = Part("together", sum(part.files for part in parts), sum(part.bytes for part in parts), built["bytes"])
    lines = [f"{'part':<24}{'files':>6}{'KB':>9}{'zipped KB':>11}", *map(_line, [*parts, total])]
    if any(part.name == "pillow" for part in parts):
        lines.append(f"{'without pillow':<39}{built['bytesWithoutPillow'] / 1000:>11,.0f}")
    return "\n".join([*lines, f"sha256 {built['sha256']}", built["archive"]])


def _line(part: Part) -> str:
    return f"{part.name:<24}{part.files:>6}{part.bytes / 1000:>9,.0f}{part.zipped / 1000:>11,.0f}"
