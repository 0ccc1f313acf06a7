"""The example of nginx in front of a server whose log tells what reached it."""

import json
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.deploy import proxies
from tests.faults.wire import Wire
from tests.front import API, PAGE, SECRET, File, form
from tests.servers import nginx, parts, program, radosgw
from tests.storage.test_s3_uploads import send

PROGRAM = str(Path(sys.executable).with_name("roliascan"))
PASSWORD = "correct horse battery"
ADMIN = ["admin", "create", "--email", "aiko@comics.example", "--username", "aiko", "--password", PASSWORD]


class Told(NamedTuple):
    status: int
    body: bytes
    cache: str


class Front(NamedTuple):
    """nginx, and the server behind it, which `stop` ends."""

    cache: nginx.Nginx
    stop: Callable[[], None]
    printed: Callable[[], str]
    token: str
    address: str

    def get(self, path: str, **headers: str) -> Told:
        named = {name.replace("__", "-"): value for name, value in headers.items()}
        try:
            with urllib.request.urlopen(urllib.request.Request(self.cache.address + path, headers=named)) as answer:
                return Told(answer.status, answer.read(), answer.headers["X-Cache"])
        except urllib.error.HTTPError as answer:
            with answer:
                return Told(answer.code, answer.read(), answer.headers["X-Cache"])

    def reached(self, path: str) -> list[Mapping[str, str]]:
        """What the server's log says of each request for this path."""
        lines = [json.loads(line) for line in self.printed().splitlines() if line.startswith("{")]
        return [line for line in lines if line.get("path") == path]


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Front]]:
    """Makes one, of a site with these settings; all end with the module."""
    with ExitStack() as all_of_them:
        yield lambda **settings: _front(all_of_them, tmp_path_factory.mktemp("site"), settings)


def _front(all_of_them: ExitStack, folder: Path, settings: Mapping[str, str]) -> Front:
    parts.require("nginx")
    port = program.free_port()
    cache = all_of_them.enter_context(proxies.running(program.PROJECT / "deploy", f"127.0.0.1:{port}"))
    environ = {
        "PORT": str(port),
        "DATA_DIR": str(folder),
        "PUBLIC_URL": cache.address,
        "TRUSTED_HOPS": "1",
        **settings,
    }
    subprocess.run([PROGRAM, *ADMIN], env=program.environment(environ), check=True, capture_output=True)
    address = f"http://127.0.0.1:{port}"
    server = all_of_them.enter_context(ExitStack())
    log = folder / "log"
    command = ["/bin/sh", "-c", f"exec {PROGRAM} serve >{log}"]
    server.enter_context(_serving(command, environ, address))
    wire = Wire(address)
    token = wire.ask("POST", "auth/login", json={"login": "aiko", "password": PASSWORD}).json["token"]
    wire.close()
    return Front(cache, server.close, log.read_text, token, address)


def _serving(command: list[str], environ: Mapping[str, str], address: str) -> AbstractContextManager[object]:
    return program.running(command, environ=environ, ready=lambda: program.answers(f"{address}/health"))


def chapter(front: Front, *, is_published: bool = True) -> tuple[str, str]:
    """The addresses of a chapter and of its page."""
    wire = Wire(front.address)
    series = wire.ask("POST", "series", by=front.token, json={"title": "Yoru", "author": "Aiko"}).json
    made = wire.ask("POST", f"series/{series['id']}/chapters", by=front.token, json={"number": 1}).json
    made = wire.ask("POST", f"chapters/{made['id']}/pages", by=front.token, form=form(File("a", PAGE))).json
    if is_published:
        made = wire.ask("POST", f"chapters/{made['id']}/publish", by=front.token).json
    wire.close()
    return f"{API}/chapters/{made['id']}", made["pages"][0]["url"].removeprefix(front.cache.address)


@pytest.fixture(scope="module")
def shared(front: Callable[..., Front]) -> Front:
    """For who stops nothing."""
    return front()


@pytest.mark.nginx
def test_a_second_reader_does_not_reach_the_server(shared: Front) -> None:
    for path in chapter(shared):
        first, second = shared.get(path), shared.get(path)
        assert (first.status, first.cache, second.cache) == (200, "MISS", "HIT")
        assert first.body == second.body
        assert len(shared.reached(path)) == 1


@pytest.mark.nginx
@pytest.mark.parametrize("how", ["Authorization", "Cookie"])
def test_nothing_of_who_is_signed_in_is_kept(shared: Front, how: str) -> None:
    path, page = chapter(shared, is_published=False)
    signed = {how: f"Bearer {shared.token}" if how == "Authorization" else f"token={shared.token}"}
    for one in (path, page, f"{API}/auth/me"):
        before = len(shared.reached(one))
        assert [shared.get(one, **signed)[::2] for _ in range(2)] == [(200, "BYPASS")] * 2
        assert len(shared.reached(one)) == before + 2
        assert shared.get(one).status in (401, 404)


@pytest.mark.nginx
def test_what_a_reader_gets_signed_in_is_not_what_others_get(shared: Front) -> None:
    """Also where it may be kept for strangers."""
    path, _ = chapter(shared)
    assert shared.get(path).cache == "MISS"
    assert shared.get(path, Authorization=f"Bearer {shared.token}").cache == "BYPASS"
    assert shared.get(path).cache == "HIT"


@pytest.mark.nginx
@pytest.mark.parametrize("name", ["X__Forwarded__For", "X_Forwarded_For", "Forwarded"])
def test_nobody_says_where_they_come_from(shared: Front, name: str) -> None:
    path = f"/health/{name}"
    shared.get(path, **{name: "203.0.113.9"})
    assert [line["client"] for line in shared.reached(path)] == ["127.0.0.0"]


@pytest.mark.nginx
def test_who_looks_and_who_reads_get_what_they_asked_for(shared: Front) -> None:
    """Whichever came first: a HEAD reaches the server as one, and what is kept of it is no body."""
    for path, methods in zip(chapter(shared), (["HEAD", "GET"], ["GET", "HEAD"]), strict=True):
        told = {method: [send(shared.cache.address + path, method) for _ in range(2)] for method in methods}
        assert [line["method"] for line in shared.reached(path)] == methods
        assert [answer.headers["x-cache"] for answer in (*told["GET"], *told["HEAD"])] == ["MISS", "HIT"] * 2
        assert {answer.status for answer in (*told["GET"], *told["HEAD"])} == {200}
        assert {answer.headers["content-length"] for answer in told["HEAD"]} == {str(len(told["GET"][0].body))}
        assert {answer.body for answer in told["HEAD"]} == {b""}


@pytest.mark.nginx
@pytest.mark.radosgw
def test_who_looks_and_who_reads_get_to_a_private_file(front: Callable[..., Front], s3_url: str) -> None:
    one = front(STORAGE_URL=s3_url, FILES="private", **radosgw.CREDENTIALS)
    _, page = chapter(one)
    for method in ("GET", "HEAD", "HEAD", "GET"):
        way = send(one.cache.address + page, method)
        assert (way.status, way.headers["x-cache"]) == (307, "MISS")
        read = send(way.headers["location"], method)
        assert (read.status, read.body) == (200, PAGE if method == "GET" else b"")


@pytest.mark.nginx
def test_a_whole_visit_goes_through_it(shared: Front) -> None:
    command = [PROGRAM, "smoke", shared.cache.address]
    environ = program.environment({"ROLIASCAN_TOKEN": shared.token})
    told = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stdout + told.stderr


@pytest.mark.nginx
def test_it_goes_on_while_the_server_is_stopped(front: Callable[..., Front]) -> None:
    one = front()
    path, page = chapter(one)
    before = [one.get(path), one.get(page)]
    one.stop()
    one.cache.forward(3600)
    after = [one.get(path), one.get(page)]
    assert [told[:2] for told in after] == [told[:2] for told in before]
    assert [told.cache for told in after] == ["STALE", "HIT"]
    assert one.get(f"{API}/series?sort=title").status == 502
    assert one.get(path, Authorization=f"Bearer {one.token}").status == 502


@pytest.mark.nginx
def test_it_goes_on_while_the_server_has_no_database(front: Callable[..., Front]) -> None:
    """Which answers then, but with 503; `stale-if-error` is not for that, as nginx understands it."""
    one = front()
    path, _ = chapter(one)
    before = one.get(path)
    one.stop()
    environ = {"PORT": one.address.rpartition(":")[2], "JWT_SECRET": SECRET, "TRUSTED_HOPS": "1"}
    environ["DATABASE_URL"] = "postgresql://nobody@127.0.0.1:1/comics"
    with _serving([sys.executable, "-m", "roliascan.platforms.serving"], environ, one.address):
        one.cache.forward(3600)
        assert Wire(one.address).ask("GET", path).status == 503
        assert one.get(path) == before._replace(cache="STALE")
