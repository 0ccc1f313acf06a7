"""One database and one storage, served by every runtime at once."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any
from urllib.parse import urlsplit

import pytest

from roliascan.web.routes import API
from tests import drawings
from tests.parity.runtimes import RUNTIMES, SERVER, Send
from tests.platforms import sites
from tests.platforms.shapes import Request
from tests.platforms.sites import FORM, PASSWORD, Site
from tests.servers import parts

pytestmark = getattr(pytest.mark, "lambda")
AT_ONCE = (SERVER, "google", "azure", "lambda, http api")


@pytest.fixture
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    return sites.make(tmp_path_factory.mktemp("shared") / "site")


@pytest.fixture
def runtimes(site: Site) -> Iterator[dict[str, Send]]:
    parts.require("lambda")
    with ExitStack() as stack:
        yield {name: stack.enter_context(RUNTIMES[name](site)) for name in AT_ONCE}


def ask(send: Send, method: str, target: str, headers: dict[str, str] | None = None, body: bytes = b"") -> Any:
    reply = send(Request(method, target, headers or {}, body))
    assert reply.status < 300, reply
    return json.loads(reply.body)


def test_what_one_takes_the_others_show(site: Site, runtimes: dict[str, Send]) -> None:
    login = json.dumps({"login": "keeper", "password": PASSWORD}).encode()
    signed = ask(runtimes[SERVER], "POST", f"{API}/auth/login", {"Content-Type": "application/json"}, login)
    admin = {"Authorization": f"Bearer {signed['token']}"}  # which one gave, all know
    chapter = f"{API}/chapters/{site.names['chapter']}"
    for seed, (writer, send) in enumerate(runtimes.items(), start=11):
        picture = drawings.page(seed=seed)
        ask(send, "POST", f"{chapter}/pages", FORM | admin, sites.form({"page": ("a.png", picture)}))
        for reader, other in runtimes.items():
            page = ask(other, "GET", chapter)["pages"][-1]
            read = other(Request("GET", urlsplit(page["url"]).path))
            assert (writer, reader, read.status, read.body) == (writer, reader, 200, picture)
