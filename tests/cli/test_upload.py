"""`roliascan upload` against a real site: what arrives, what a second run does, what is refused at once."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests import drawings
from tests.cli import fronts
from tests.cli.places import Place
from tests.cli.sending import Uploading, are_equal, contents, folder

SVG = b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'


def told(place: Place, *words: object) -> Any:
    """What `upload --json` prints, of a run that did all of it."""
    ran = place.run("upload", *words, "--json")
    assert (ran.status, ran.err) == (0, "")
    return json.loads(ran.out)


def test_thirty_pages_in_order_and_again_nothing(uploading: Uploading, sender: Place) -> None:
    where = folder(sender.home / "Chapter 10.5 - Clouds", 30)
    series = uploading.series()
    ran = sender.run("upload", where, "--to", series, "--publish")
    assert (ran.status, ran.err) == (0, "")
    (item,) = uploading.ask("GET", f"series/{series}/chapters", token="")["data"]
    assert (item["number"], item["title"], item["pageCount"]) == (10.5, "Clouds", 30)
    assert are_equal(uploading.pages(item["id"]), contents(where))
    address = f"{uploading.address}/api/v1/chapters/{item['id']}"
    assert ran.lines[0] == f"to {address}"
    assert sorted(ran.lines[1:31])[0].startswith("sent: p1.jpeg (")
    assert ran.lines[31:] == [
        "30 pages sent, 0 were there already.",
        f"{address} has 30 pages, and is published.",
    ]

    before = uploading.ask("GET", f"chapters/{item['id']}")
    with fronts.before(uploading.address) as front:
        again = told(sender, where, "--to", series, "--publish", "--site", front.url)
        assert not [one for one in front.heard if one.method == "PUT" or one.path == "/api/v1/uploads"]
    assert (again["sent"], len(again["there"]), again["bytes"], again["pages"]) == ([], 30, 0, 30)
    assert uploading.ask("GET", f"chapters/{item['id']}")["pages"] == before["pages"]


def test_pages_are_added_behind_those_of_a_chapter(uploading: Uploading, sender: Place) -> None:
    chapter = uploading.chapter()
    first, second = folder(sender.home / "a", 3), folder(sender.home / "b", 4, seed=1)
    said = told(sender, first, "--to", chapter)
    assert said == {
        "chapter": f"{uploading.address}/api/v1/chapters/{chapter}",
        "state": "draft",
        "pages": 3,
        "sent": ["p1.jpeg", "p2.webp", "p3.png"],
        "there": [],
        "refused": [],
        "failed": [],
        "bytes": sum(map(len, contents(first))),
    }
    told(sender, second, "--to", chapter)
    assert told(sender, first, "--to", chapter)["sent"] == told(sender, second, "--to", chapter)["sent"] == []
    assert are_equal(uploading.pages(chapter), contents(first) + contents(second))


def test_equal_pages_stay_as_many_as_they_are(uploading: Uploading, sender: Place) -> None:
    where = folder(sender.home / "a", 2)
    for name in ("p0.png", "p3a.png", "p9.png"):
        (where / name).write_bytes(drawings.flat("png", 30, 40))
    chapter = uploading.chapter()
    assert len(told(sender, where, "--to", chapter)["sent"]) == 5
    (where / "p10.png").write_bytes(drawings.flat("png", 30, 40))
    assert told(sender, where, "--to", chapter)["sent"] == ["p10.png"]
    assert are_equal(uploading.pages(chapter), contents(where))


def test_what_tells_of_its_maker_is_found_again_all_the_same(uploading: Uploading, sender: Place) -> None:
    """The site keeps other bytes than those that were sent."""
    where = sender.home / "a"
    where.mkdir()
    (where / "1.jpg").write_bytes(drawings.save(drawings.draw(), "jpeg", comment=b"made by a program"))
    chapter = uploading.chapter()
    told(sender, where, "--to", chapter)
    assert uploading.pages(chapter) != contents(where)
    assert told(sender, where, "--to", chapter)["sent"] == []


def test_more_files_than_one_request_announces(uploading: Uploading, sender: Place) -> None:
    where = sender.home / "long"
    where.mkdir()
    for number in range(230):
        (where / f"{number}.png").write_bytes(drawings.flat("png", 2, 2, (number % 220, 0, 0)))
    chapter = uploading.chapter()
    told(sender, where, "--to", chapter, "--parallel", 3)
    assert are_equal(uploading.pages(chapter), contents(where))


@pytest.mark.parametrize("words", [("--number", "7"), ("--number", "7", "--language", "en", "--volume", "2")])
def test_a_chapter_with_other_pages_is_left_as_it_is(
    words: tuple[str, ...], uploading: Uploading, sender: Place
) -> None:
    series = uploading.series()
    told(sender, folder(sender.home / "a", 2), "--to", series, *words)
    ran = sender.run("upload", folder(sender.home / "b", 2, seed=1), "--to", series, *words)
    (item,) = uploading.ask("GET", f"series/{series}/chapters?state=draft")["data"]
    assert (ran.status, ran.out) == (1, "")
    assert ran.err.endswith(f"with other pages; it was left as it is. To add pages to it: --to {item['id']}\n")
    assert item["pageCount"] == 2


def test_what_is_no_image_is_named_and_nothing_is_sent(uploading: Uploading, sender: Place) -> None:
    where = folder(sender.home / "Chapter 3", 2)
    (where / "p3.png").write_bytes(SVG)
    (where / "p4.png").write_bytes(b"")
    (where / "p5.tiff").write_bytes(b"II*\0")
    (where / "p6.cbz").write_bytes(b"PK")
    (where / "more").mkdir()
    (where / "more" / "p7.png").write_bytes(drawings.page())
    (where / "p8.png").symlink_to(where / "p3.png")
    with fronts.before(uploading.address) as front:
        ran = sender.run("upload", where, "--to", uploading.series(), "--site", front.url)
        assert front.heard == []
    assert (ran.status, ran.err) == (1, "")
    assert ran.lines == [
        "refused: p5.tiff: is neither an image nor an archive",
        "refused: p8.png: is a link, which is not followed",
        "refused: p6.cbz: is an archive; unpack it first",
        "refused: more: is a folder; upload it by itself",
        "refused: p3.png: This is an SVG file; save it as JPEG, PNG, WebP, GIF or AVIF.",
        "refused: p4.png: This file is empty; send a JPEG, PNG, WebP, GIF or AVIF file.",
        "Nothing was sent. Mend these, and run the same command again.",
    ]


def test_what_the_site_does_not_take_is_named_and_nothing_is_shown(uploading: Uploading, sender: Place) -> None:
    """It looks like a PNG by its first bytes; and then the folder is mended."""
    where = folder(sender.home / "a", 4)
    (where / "p2.webp").unlink()
    (where / "p2.png").write_bytes(drawings.page("png")[:200])
    chapter = uploading.chapter()
    ran = sender.run("upload", where, "--to", chapter)
    assert (ran.status, ran.err) == (1, "")
    assert "refused: p2.png: The site refuses this: This image is damaged or incomplete" in ran.out
    assert ran.lines[-2:] == [
        "Nothing of it is shown yet; 1 page missing.",
        "Mend what is refused. The site keeps 3 pages for 24 hours. Run the same command again: it goes on from here.",
    ]
    assert uploading.pages(chapter) == []
    (where / "p2.png").write_bytes(drawings.page("png"))
    said = told(sender, where, "--to", chapter)
    assert (said["sent"], len(said["there"])) == (["p2.png"], 3)
    assert are_equal(uploading.pages(chapter), contents(where))


def test_what_an_earlier_try_sent_and_is_gone_from_the_folder_is_left_out(uploading: Uploading, sender: Place) -> None:
    where = folder(sender.home / "a", 3)
    (where / "p4.png").write_bytes(drawings.page("png")[:200])
    chapter = uploading.chapter()
    assert sender.run("upload", where, "--to", chapter).status == 1
    (where / "p4.png").unlink()
    (where / "p1.jpeg").unlink()
    ran = sender.run("upload", where, "--to", chapter)
    assert "taken out: p1.jpeg, which an earlier try sent, and is not in the folder any more" in ran.lines
    assert ran.status == 0
    assert are_equal(uploading.pages(chapter), contents(where))


def test_a_token_that_is_no_good(uploading: Uploading, sender: Place) -> None:
    """Also one that ended: what it was is nowhere in the message."""
    login = {"login": "owner", "password": "lantern keeper 12"}
    ended = uploading.ask("POST", "auth/login", login, token="")["token"]
    uploading.ask("POST", "auth/logout", token=ended)
    where = folder(sender.home / "a", 1)
    for token in (ended, "nonsense"):
        sender.environ["ROLIASCAN_TOKEN"] = token
        ran = sender.run("upload", where, "--to", uploading.chapter())
        assert (ran.status, ran.out) == (1, "")
        assert ran.err == (
            "roliascan: The site does not take this token: it may have expired. "
            "Sign in again, and set ROLIASCAN_TOKEN to the new one.\n"
        )


@pytest.mark.parametrize(
    ("words", "environ", "says"),
    [
        ((), {"ROLIASCAN_URL": ""}, "name the site with --site or ROLIASCAN_URL"),
        (("--site", "ftp://example.org"), {}, "name the site with --site or ROLIASCAN_URL"),
        (("--site", "https://me:secret@example.org"), {}, "name the site with --site or ROLIASCAN_URL"),
        ((), {"ROLIASCAN_TOKEN": ""}, "give your token as ROLIASCAN_TOKEN"),
        (("--token", "se\ncret"), {}, "give your token as ROLIASCAN_TOKEN"),
        (("--number", "1.2345"), {}, "at most three decimals"),
        (("--parallel", "0"), {}, "a whole number from 1 to 100"),
    ],
)
def test_wrong_use(words: tuple[str, ...], environ: dict[str, str], says: str, sender: Place) -> None:
    sender.environ |= environ
    ran = sender.run("upload", folder(sender.home / "a", 1), "--to", "x", *words)
    assert (ran.status, ran.out) == (2, "")
    assert says in ran.err
    assert "se\ncret" not in ran.err.partition("error:")[2]


def test_a_folder_without_a_number_needs_one(uploading: Uploading, sender: Place) -> None:
    series = uploading.series()
    ran = sender.run("upload", folder(sender.home / "scans", 1), "--to", series)
    assert ran.status == 2
    assert "scans says no number of a chapter: give it with --number" in ran.err
    assert uploading.ask("GET", f"series/{series}/chapters?state=draft")["data"] == []


def test_what_is_not_there(uploading: Uploading, sender: Place, tmp_path: Path) -> None:
    ran = sender.run("upload", folder(tmp_path / "a", 1), "--to", "no/such")
    assert (ran.status, ran.err) == (1, "roliascan: There is no chapter and no series no/such that you may see.\n")
    ran = sender.run("upload", tmp_path / "absent", "--to", uploading.chapter())
    assert (ran.status, ran.lines[0]) == (1, f"refused: {tmp_path}/absent: is no folder")
