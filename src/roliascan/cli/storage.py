"""Look whether rows and stored files belong together, or copy the files to another storage. Both delete nothing."""

import argparse
import os
import time
from collections.abc import Callable
from datetime import timedelta
from urllib.parse import parse_qs

import msgspec

from roliascan.cli import progress, surroundings
from roliascan.library import moving, stocktaking, sweep
from roliascan.library.stocktaking import Finding, Place
from roliascan.settings import Settings, duration
from roliascan.storage import Storage, UnknownStorage, open_storage

SETTLING_S = 5.0  # a deletion that took a row has taken the bytes by then
MOST_SAMPLED = 100_000  # rows in memory
_EACH = 1_000  # files between two lines that say how far it is


def arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="check|copy")
    check = actions.add_parser("check", help="compare rows with stored files", description="Compare rows with files.")
    check.add_argument("--hash", action="store_true", help="read the files, and compare their SHA-256 too")
    check.add_argument("--sample", type=_number, metavar="N", help="with --hash: only N files, chosen by chance")
    check.add_argument("--grace", type=_span, default=sweep.GRACE, metavar="TIME", help="as for sweep (default: 24h)")
    copy = actions.add_parser("copy", help="copy files to another storage", description="Copy to another storage.")
    copy.add_argument("urls", nargs="*", metavar="FROM TO", help="two addresses, written as STORAGE_URL")
    copy.add_argument("--again", action="store_true", help="read what is there already, too")
    for action in (check, copy):
        action.add_argument("--json", action="store_true", help="a line of JSON for each finding, then the counts")
        action.set_defaults(wrong_use=action.error)


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text) <= MOST_SAMPLED):
        raise argparse.ArgumentTypeError(f"write a number from 1 to {MOST_SAMPLED}")
    return int(text)


def _span(text: str) -> timedelta:
    try:
        return timedelta(seconds=duration(text))
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def run(args: argparse.Namespace) -> int:
    """0 when nothing is wrong, 1 when something was found."""
    return _check(args) if args.action == "check" else _copy(args)


class _Total(msgspec.Struct):
    files: int
    bytes: int


_TOTAL = "SELECT COUNT(*) AS files, COALESCE(SUM(bytes), 0) AS bytes FROM files"


def _check(args: argparse.Namespace) -> int:
    if args.sample and not args.hash:
        args.wrong_use("--sample needs --hash")
    with surroundings.site() as site:
        total = site.db.read(_TOTAL, _Total)[0]
        with progress.shown(int(total.files), unit="file", quiet=args.json) as (step, say):
            counts = stocktaking.compare(
                site.db,
                site.storage,
                now=surroundings.now(),
                grace=args.grace,
                hashes=args.hash,
                sample=args.sample,
                report=_reporter(say, as_json=args.json),
                step=step,
                pause=lambda: time.sleep(SETTLING_S),
            )
    _end(counts, as_json=args.json, text=_checked(counts))
    return 1 if counts.findings else 0


def _checked(counts: stocktaking.Counts) -> str:
    return (
        f"{counts.rows} rows, {counts.stored} stored files, {counts.hashed} of them read, "
        f"{counts.on_their_way} on their way, {counts.findings} findings"
    )


def _copy(args: argparse.Namespace) -> int:
    if len(args.urls) != 2:  # argparse itself would print them
        args.wrong_use("write two addresses: FROM TO")
    if _place(args.urls[0]) == _place(args.urls[1]):
        args.wrong_use("FROM and TO are the same storage")
    with surroundings.site() as site:
        source, target = _opened("FROM", args.urls[0], site.settings), _opened("TO", args.urls[1], site.settings)
        total = site.db.read(_TOTAL, _Total)[0]
        with progress.shown(int(total.bytes), unit="B", quiet=args.json) as (step, say):
            copied = moving.copy(
                site.db,
                source,
                target,
                again=args.again,
                report=_reporter(say, as_json=args.json),
                step=_teller(step, (lambda _: None) if args.json else say),
            )
    _end(copied, as_json=args.json, text=_told(copied))
    return 1 if copied.findings else 0


def _told(copied: moving.Copied) -> str:
    return (
        f"{copied.copied} files copied ({copied.bytes} bytes), {copied.passed_over} were there, "
        f"{copied.findings} findings"
    )


def _place(url: str) -> tuple[str, list[str]]:
    """What makes two addresses the same storage: where it is, not how it is reached."""
    if url.startswith("file:"):
        return os.path.realpath(url.removeprefix("file:").removeprefix("//")), []
    address, _, query = url.partition("?")
    return address.rstrip("/"), [text.rstrip("/") for text in parse_qs(query).get("endpoint", [])]


def _opened(name: str, url: str, settings: Settings) -> Storage:
    try:
        azure_key = settings.azure_storage_key if url.startswith("az:") else ""
        return open_storage(url, azure_key=azure_key, uploadthing_token=settings.uploadthing_token)
    except UnknownStorage as unknown:
        raise UnknownStorage(f"{name}: {str(unknown).removeprefix('STORAGE_URL: ')}") from None


def _teller(step: Callable[[int], None], say: Callable[[str], None]) -> Callable[[int, int], None]:
    files = bytes_ = 0

    def tell(number: int, size: int) -> None:
        nonlocal files, bytes_
        files, bytes_ = files + number, bytes_ + size
        step(size)
        if files % _EACH == 0:
            say(f"{files} files, {bytes_} bytes looked at")

    return tell


def _reporter(say: Callable[[str], None], *, as_json: bool) -> Callable[[Finding], None]:
    return lambda finding: say(msgspec.json.encode(finding).decode() if as_json else _line(finding))


def _line(finding: Finding) -> str:
    owner = [f"owner {finding.owner}"] if finding.owner else []
    return "; ".join([f"{finding.wrong} {finding.key}: {finding.detail}", *map(_where, finding.places), *owner])


def _where(place: Place) -> str:
    page = "cover" if place.page is None else f"chapter {place.chapter} ({place.chapter_id}), page {place.page}"
    return f"{place.series} ({place.series_id}), {page}{'' if place.is_current else ' (of before)'}"


def _end(counts: msgspec.Struct, *, as_json: bool, text: str) -> None:
    print(msgspec.json.encode(counts).decode() if as_json else text)
