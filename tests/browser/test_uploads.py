"""A page of another site, in a real browser, sends pages past our app, and shows them; others may not.

It runs the code of docs/uploads.md as it is written there, under the rules of docs/deploy/storages.md.
"""

import io
import json
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from roliascan.storage import open_storage
from tests.browser.conftest import Past
from tests.cli.places import account
from tests.cli.sending import Uploading
from tests.cli.test_upload_docs import block
from tests.drawings import flat
from tests.library.uploading import announced
from tests.servers import azurite, radosgw
from tests.servers.chromium import Chromium, Page, Thrown

COLOURS = {
    "png": (200, 30, 30),
    "jpeg": (30, 160, 60),
    "webp": (30, 60, 200),
    "gif": (220, 180, 20),
    "avif": (90, 20, 110),
}
WIDTHS = {kind: 60 + 10 * place for place, kind in enumerate(COLOURS)}

*_, _PASSWORD = account("owner")
LOGIN = f"api('auth/login', {json.dumps({'login': 'owner', 'password': _PASSWORD})})"


@pytest.fixture
def page(browser: Chromium, friend: str, past: Past) -> Iterator[Page]:
    """Of the other site, by somebody who has signed in on it."""
    with browser.page(friend) as page:
        signs_in(page, past)
        yield page


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """A page of each kind, of one colour."""
    made = [tmp_path / f"{number}.{kind}" for number, kind in enumerate(COLOURS, 1)]
    for path, (kind, colour) in zip(made, COLOURS.items(), strict=True):
        path.write_bytes(flat(kind, WIDTHS[kind], 90, colour))
    return made


def signs_in(page: Page, past: Past) -> None:
    *_, password = account("owner")
    page.run(f"site = {json.dumps(past.site.address)}")
    page.run(
        f"api('auth/login', {json.dumps({'login': 'owner', 'password': password})}).then((to) => token = to.token)"
    )


def uploads(page: Page, chapter: str, *files: Path) -> str:
    """As docs/uploads.md does it; the state of the session. Raises Thrown."""
    page.chooses(*files)
    return str(page.run(f"upload('{chapter}', document.querySelector('input').files).then((told) => told.state)"))


def widths(site: Uploading, chapter: str) -> list[int]:
    """Of the pages that the chapter has, in their order."""
    return [page["width"] for page in site.ask("GET", f"chapters/{chapter}")["pages"]]


def sent_past(page: Page, past: Past) -> int:
    """How many files went from this page to the storage."""
    begun = json.dumps(f"{past.storage}/incoming/")
    names = "performance.getEntriesByType('resource').map((one) => one.name)"
    return int(page.run(f"{names}.filter((name) => name.startsWith({begun})).length"))


@pytest.fixture
def incoming(past: Past, monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[str]]:
    """The keys of what was sent to the storage and is not complete."""
    for name, value in radosgw.CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    storage = open_storage(past.site.environ["STORAGE_URL"], azure_key=azurite.KEY)
    return lambda: [file.key for file in storage.list("incoming/")]


SHOWN = """
(async () => {
  const chapter = await (await fetch(`${site}/api/v1/chapters/%s`)).json();
  const shown = chapter.pages.map(({ url }, place) => {
    const image = new Image();
    image.style = `position: absolute; top: 0; left: ${place * 150}px`;
    image.src = url;
    document.body.append(image);
    return image;
  });
  await Promise.all(shown.map((image) => image.decode()));
  return shown.map((image) => [image.src, image.naturalWidth, image.naturalHeight]);
})()"""


def test_pages_go_from_a_browser_past_the_app_and_are_seen(
    browser: Chromium, friend: str, page: Page, past: Past, files: list[Path]
) -> None:
    chapter = past.site.chapter()
    assert uploads(page, chapter, *files) == "committed"
    assert sent_past(page, past) == len(files)
    assert page.run(f"api('chapters/{chapter}/publish').then((told) => told.state)") == "published"
    with browser.page(friend) as readers:
        readers.run(f"site = {json.dumps(past.site.address)}")
        shown = readers.run(SHOWN % chapter)
        assert all(src.startswith(f"{past.storage}/pages/") for src, *_ in shown)
        assert [size for _, *size in shown] == [[width, 90] for width in WIDTHS.values()]
        seen = Image.open(io.BytesIO(readers.shot())).convert("RGB")
        for place, colour in enumerate(COLOURS.values()):
            drawn = seen.getpixel((place * 150 + 30, 45))
            assert isinstance(drawn, tuple)
            assert all(abs(one - other) <= 6 for one, other in zip(drawn, colour, strict=True)), (place, drawn)


def test_pages_of_others_may_not(
    browser: Chromium, friend: str, stranger: str, past: Past, incoming: Callable[[], list[str]]
) -> None:
    """With a token and a ticket that are good: the browser refuses, for what app and storage say, and sends nothing."""
    data = flat("png", 60, 90)
    asked = past.site.ask("POST", "uploads", {"target": {"generic": True}, "files": [announced(data)]})
    body = f"new Uint8Array({list(data)})"
    puts = f"(({{ url, method, headers }}) => fetch(url, {{ method, headers, body: {body} }}).then((told) => told.ok))"
    acts = (
        "api('series', { title: 'Of a page', author: 'Somebody' })",
        f"{puts}({json.dumps(asked['tickets'][0])})",
    )
    with browser.page(stranger) as page:
        page.run(f"site = {json.dumps(past.site.address)}; token = {json.dumps(past.site.token)}")
        for act in acts:
            with pytest.raises(Thrown, match="Failed to fetch"):
                page.run(act)
    assert past.site.ask("GET", "series?q=Of%20a%20page")["data"] == []
    assert incoming() == []
    with browser.page(friend) as page:
        page.run(f"site = {json.dumps(past.site.address)}; token = {json.dumps(past.site.token)}")
        assert [bool(page.run(act)) for act in acts] == [True, True]
    assert incoming() == [f"incoming/{asked['tickets'][0]['id']}.bin"]
    past.site.ask("DELETE", f"uploads/sessions/{asked['session']}")


def test_a_file_that_is_no_image_is_refused_and_the_others_go_on(page: Page, past: Past, files: list[Path]) -> None:
    chapter, wrong = past.site.chapter(), files[1].with_name("2.png")
    wrong.write_text("<script>alert(1)</script>")
    with pytest.raises(Thrown, match="JPEG, PNG, WebP, GIF or AVIF"):
        uploads(page, chapter, files[0], wrong)
    assert widths(past.site, chapter) == []
    assert uploads(page, chapter, *files[:2]) == "committed"
    assert widths(past.site, chapter) == [60, 70]
    assert sent_past(page, past) == 3


def test_another_file_than_was_announced_is_refused(
    page: Page, past: Past, files: list[Path], incoming: Callable[[], list[str]]
) -> None:
    """By a storage that looks at sizes when it is sent, by the app when it is completed elsewhere."""
    page.chooses(*files[:2])
    script = """(async ([file, other]) => {
      const announced = { name: file.name, size: file.size, type: file.type, sha256: await hash(file) };
      const { tickets: [ticket] } = await api("uploads", { target: { generic: true }, files: [announced] });
      await send(other, ticket);
      return api(`uploads/${ticket.id}/complete`);
    })(document.querySelector('input').files)"""
    with pytest.raises(Thrown, match=r"are not here yet|may have at most 177 bytes"):
        page.run(script)
    assert incoming() == []


CUTS: dict[str, tuple[str, str]] = {
    "before the storage has it": ("PUT", "are not here yet"),
    "before the app is told": ("POST", "Failed to fetch"),
}


@pytest.mark.parametrize("cut", CUTS)
def test_an_upload_that_was_cut_goes_on(
    browser: Chromium, friend: str, past: Past, files: list[Path], cut: str
) -> None:
    """At its second file, of which a storage that has it refuses to get it again."""
    chapter, (method, says) = past.site.chapter(), CUTS[cut]
    with browser.page(friend) as page, page.cuts(second(method), stage="Request"):
        signs_in(page, past)
        with pytest.raises(Thrown, match=says):
            uploads(page, chapter, *files)
    assert widths(past.site, chapter) == []
    with browser.page(friend) as page:
        signs_in(page, past)
        assert uploads(page, chapter, *files) == "committed"
        assert sent_past(page, past) == len(files) - 1
    assert widths(past.site, chapter) == list(WIDTHS.values())


def test_a_file_of_whose_arrival_nobody_hears_is_found(page: Page, past: Past, files: list[Path]) -> None:
    chapter = past.site.chapter()
    with page.cuts(second("PUT"), stage="Response"):
        assert uploads(page, chapter, *files) == "committed"
    assert widths(past.site, chapter) == list(WIDTHS.values())


def test_a_page_of_the_site_itself_needs_no_token(browser: Chromium, uploading: Uploading, files: list[Path]) -> None:
    """And sends the files to the app, which keeps them."""
    chapter = uploading.chapter()
    with browser.page(f"{uploading.address}/api/v1/series") as page:
        page.run("document.body.innerHTML = '<input type=file multiple>'")
        page.run(block("js"))
        page.run(LOGIN)
        assert uploads(page, chapter, *files) == "committed"
    assert widths(uploading, chapter) == list(WIDTHS.values())


def second(method: str) -> Callable[[Any], bool]:
    """The second file that is sent to a storage (PUT), or that the app is told of (POST)."""
    begins, seen = {"PUT": "/incoming/", "POST": "/complete"}[method], count(1)
    return lambda asked: asked["method"] == method and begins in asked["url"] and next(seen) == 2
