"""Send a folder of pages to a site over its API, from anywhere. Again, it goes on where it stopped.

--to is a chapter, which gets the pages behind those that it has, or a series, in which the chapter is found or created.
What ROLIASCAN_URL and ROLIASCAN_TOKEN say need not be said here; others on this machine can see a --token.
docs/uploads.md tells more.
"""

import argparse
import os
import sys
import time
from pathlib import Path
from typing import Any

from roliascan.cli import progress, surroundings
from roliascan.cli.importing import numbers
from roliascan.cli.importing.names import shown
from roliascan.cli.uploading import chapters, folder, patience, sending, session, told
from roliascan.cli.uploading.chapters import Wanted
from roliascan.cli.uploading.folder import Page
from roliascan.cli.uploading.outcomes import Report
from roliascan.cli.uploading.session import Refused
from roliascan.cli.uploading.site import Site, address, is_token

INTERRUPTED = 130  # 128 + SIGINT, as shells have it


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("folder", type=Path, metavar="DIR")
    parser.add_argument("--to", required=True, metavar="ID", help="a chapter, or a series")
    parser.add_argument("--site", metavar="URL", help="default: ROLIASCAN_URL")
    parser.add_argument("--token", help="default: ROLIASCAN_TOKEN, which others cannot see")
    parser.add_argument("--number", type=_number, metavar="N", help="of the chapter in a series, such as 10.5")
    parser.add_argument("--language", help="of the chapter, such as en")
    parser.add_argument("--title", default="", help="of the chapter, where it is created")
    parser.add_argument("--volume", help="of the chapter")
    parser.add_argument("--parallel", type=_count, default=4, metavar="N", help="files at a time (default: 4)")
    parser.add_argument("--tries", type=_count, default=8, metavar="N", help="of each file (default: 8)")
    parser.add_argument("--publish", action="store_true", help="show the chapter when it is whole")
    parser.add_argument("--json", action="store_true", help="print one JSON document with what was done")
    parser.set_defaults(wrong_use=parser.error)


def _number(text: str) -> int:
    number = numbers.milli(text)
    if number is None:
        raise argparse.ArgumentTypeError("write 0 to 999999.999, with at most three decimals")
    return number


def _count(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text[:9]) <= 100:
        raise argparse.ArgumentTypeError("write a whole number from 1 to 100")
    return int(text)


def run(args: argparse.Namespace) -> int:
    """0 when all pages are in the chapter, 1 when some are not, 130 when it was interrupted."""
    site = _site(args)
    report = Report(site.url, quiet=args.json)
    try:
        pages, wrong = folder.read(args.folder)
        if wrong:
            return report.refused(wrong, "Nothing was sent. Mend these, and run the same command again.")
        return _upload(site, args, pages, report)
    except Refused as refused:
        return report.refused(refused.wrong, "Nothing was sent. Mend these, and run the same command again.")
    except KeyboardInterrupt:
        print(f"\nroliascan: interrupted. {report.how_to_go_on}", file=sys.stderr)
        return INTERRUPTED


def _site(args: argparse.Namespace) -> Site:
    surroundings.load_environment(signs=False)
    url = address(args.site or os.environ.get("ROLIASCAN_URL", ""))
    token = (args.token or os.environ.get("ROLIASCAN_TOKEN", "")).strip()
    if url is None:
        args.wrong_use("name the site with --site or ROLIASCAN_URL, such as https://comics.example.org")
    if not is_token(token):
        args.wrong_use("give your token as ROLIASCAN_TOKEN, or with --token: what signing in answers, and nothing else")
    return Site(str(url), token, tries=args.tries, rest=lambda seconds, why: _rest(seconds, why, quiet=args.json))


def _rest(seconds: float, why: str, *, quiet: bool) -> None:
    if seconds >= patience.WORTH_A_WORD_S and not quiet:
        print(f"waiting {seconds:.0f} s: {why}", flush=True)
    time.sleep(seconds)


def _upload(site: Site, args: argparse.Namespace, pages: list[Page], report: Report) -> int:
    site.ask("GET", "auth/me")  # a token that is no good is as none, and would find nothing
    chapter, there = _chapter(site, args, pages)
    report.begin(chapter, there)
    known = {page.path for page in there}
    new = [page for page in pages if page.path not in known]
    if new and not _send(site, args, chapter["id"], new, report):
        return report.end(_shown(site, chapter))
    if args.publish:
        site.ask("POST", f"chapters/{chapter['id']}/publish")
    return report.end(_shown(site, chapter))


def _shown(site: Site, chapter: Any) -> Any:
    return site.ask("GET", f"chapters/{chapter['id']}", into=told.Chapter)


def _chapter(site: Site, args: argparse.Namespace, pages: list[Page]) -> tuple[Any, list[Page]]:
    """The chapter to send to, and the pages that it has already."""
    chapter, series = chapters.named(site, args.to)
    if chapter:
        return chapter, chapters.there(site, chapter, pages)
    chapter, is_new = chapters.in_series(site, series, _wanted(args))
    there = [] if is_new else chapters.there(site, chapter, pages)
    chapters.require_no_others(chapter, there)
    return chapter, there


def _wanted(args: argparse.Namespace) -> Wanted:
    said = folder.named(args.folder)
    milli, label = (said.number_milli, said.label) if args.number is None else (args.number, None)
    if milli is None and label is None:
        args.wrong_use(f"{shown(args.folder.resolve().name)} says no number of a chapter: give it with --number")
    number = None if milli is None else milli // 1000 if milli % 1000 == 0 else milli / 1000
    return Wanted(
        number,
        label,
        args.title or said.title,
        said.volume if args.volume is None else args.volume,
        args.language or said.language or "und",
    )


def _send(site: Site, args: argparse.Namespace, chapter_id: str, pages: list[Page], report: Report) -> bool:
    """Whether all of it was sent, and is shown."""
    opened, announced = session.announce(site, chapter_id, pages)
    for name in session.leave_out(site, opened, announced):
        report.say(f"taken out: {shown(name)}, which an earlier try sent, and is not in the folder any more")
    waiting = [one for one in announced if not one.is_done]
    report.done(one.page for one in announced if one.is_done)
    with progress.transfer(sum(one.page.bytes for one in waiting), len(pages), quiet=args.json) as shows:
        report.show(*shows, pages=len(pages))
        for event in sending.all_of(
            waiting,
            lambda tell, rest: sending.Sender(site, chapter_id, waiting, tries=args.tries, rest=rest, tell=tell),
            parallel=args.parallel,
        ):
            report.take(event)
    if report.is_lacking:
        return False
    session.commit(site, opened, announced)
    return True
