"""A long chapter sent by `roliascan upload` over lines that are cut, and killed twice."""

import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from tests.cli import fronts
from tests.cli.fronts import Cutter
from tests.cli.places import COMMAND, account
from tests.cli.sending import Uploading, are_equal, contents, folder
from tests.faults.mortal import Place
from tests.platforms.processes import within
from tests.servers import program, server

MOST_RUNS = 12
_PATIENCE_S = 900


@dataclass
class Line:
    """What happened to one chapter."""

    pages: int
    cuts: int = 0  # between the client and the site
    cuts_of_storage: int = 0  # between the site, or the client, and the storage
    runs: int = 0  # of the command; all but the last were killed, or gave up
    completed: int = 0  # pages that the site said were complete
    again: int = 0  # of them, sent once more after that
    sent: int = 0  # bytes of requests with files
    bytes: int = 0  # of the files
    is_whole: bool = False  # every page, in order, with the same pixels

    @property
    def wrong(self) -> bool:
        return not self.is_whole or self.again > 0


def run(place: Place, home: Path, *, pages: int, cuts: int, seed: int) -> Line:
    """Sends so many pages while up to `cuts` connections are cut on each line."""
    where = folder(home / "Chapter 1", pages)
    line = Line(pages, bytes=sum(map(len, contents(where))))
    with ExitStack() as stack:
        storage = _storage(stack, place, cuts=cuts, seed=seed)
        site = stack.enter_context(_serving(place, storage, home))
        front = stack.enter_context(fronts.cutting(site.address, cuts=cuts, share=0.3, seed=seed))
        if storage:
            storage.completed = front.completed
        chapter = site.chapter()
        line.runs = _send(site, front, where, chapter, pages)
        front.most = 0
        lines = [front, storage] if storage else [front]
        line.cuts, line.cuts_of_storage = front.cuts, storage.cuts if storage else 0
        line.completed = len(front.completed)
        line.again = sum(len(one.sent_again) for one in lines)
        line.sent = sum(one.sent for one in lines)
        if storage:
            storage.most = 0
        line.is_whole = are_equal(site.pages(chapter), contents(where))
    return line


def _storage(stack: ExitStack, place: Place, *, cuts: int, seed: int) -> Cutter | None:
    """What stands before the storage; a folder has no line."""
    endpoint = parse_qs(urlsplit(place.storage_url).query).get("endpoint", [""])[0]
    return stack.enter_context(fronts.cutting(endpoint, cuts=cuts, share=0.2, seed=seed + 1)) if endpoint else None


@contextmanager
def _serving(place: Place, storage: Cutter | None, home: Path) -> Iterator[Uploading]:
    url = place.storage_url
    if storage:
        before = urlsplit(parse_qs(urlsplit(url).query)["endpoint"][0]).netloc
        url = url.replace(before, urlsplit(storage.url).netloc)
    environ = {**place.environ, "DATABASE_URL": place.database_url, "STORAGE_URL": url}
    environ |= {"DATA_DIR": str(home), "RATE_LIMITS": "off"}
    made = [COMMAND, "admin", "create", *account("owner")]
    subprocess.run(made, cwd=home, env=program.environment(environ), check=True, capture_output=True)
    with server.running(environ, cwd=home) as address:
        yield Uploading(address, environ, home)


def _send(site: Uploading, front: Cutter, where: Path, chapter: str, pages: int) -> int:
    """Until all is there; the number of runs. Two are killed, after a third and after two thirds of the pages."""
    command = [COMMAND, "upload", str(where), "--to", chapter, "--site", front.url, "--tries", "30", "--json"]
    environ = program.environment({"ROLIASCAN_TOKEN": site.token})
    told = ""
    for number in range(1, MOST_RUNS + 1):
        with subprocess.Popen(
            command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as sent:
            if number < 3:
                enough = pages * number // 3
                within(_PATIENCE_S, lambda: len(front.completed) >= enough or sent.poll() is not None)  # noqa: B023
                sent.kill()
            told, _ = sent.communicate(timeout=_PATIENCE_S)
        if sent.returncode == 0:
            return number
    raise AssertionError(f"it does not arrive in {MOST_RUNS} runs: {told[-1000:]}")


HEAD = f"{'':12}  pages  cuts  cuts of storage  runs  completed  of them sent again  bytes sent / of the files  whole"


def row(name: str, line: Line) -> str:
    """A line under HEAD."""
    sent = f"{line.sent:,} / {line.bytes:,} = {line.sent / line.bytes:.2f}"
    return (
        f"{name:12}{line.pages:7,}{line.cuts:6,}{line.cuts_of_storage:17,}{line.runs:6,}{line.completed:11,}"
        f"{line.again:20,}  {sent:>25}  {'yes' if line.is_whole else 'NO'}"
    )
