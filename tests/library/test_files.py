"""Single files: what is taken, what they are called, who reads them, and how images become covers."""

import io
from typing import Any
from urllib.parse import unquote

import pytest
from falcon.testing import Result

from tests import drawings
from tests.front import FORM, PAGE, Asker, File, Site, at_once, fields, form, key_of, opened, refused, told
from tests.library.test_pages import BAD, Hooked, Unread

PDF = b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog >>\nendobj\n%%EOF\n"
IMMUTABLE = "public, max-age=31536000, s-maxage=86400, immutable"


@pytest.fixture
def uploader(site: Site) -> Asker:
    return site.sign_up("uploader")


def is_empty(site: Site) -> bool:
    return site.stored == [] and site.count("files") == 0


def test_a_file_tells_what_it_is(any_site: Site) -> None:
    uploader = any_site.sign_up("uploader")
    answer = uploader.send("files", File("file", PAGE, "Cover of 1.png"))
    made = told(answer, 201)
    assert made == {
        "id": made["id"],
        "name": "Cover of 1.png",
        "url": made["url"],
        "bytes": len(PAGE),
        "type": "image/png",
        "width": 20,
        "height": 30,
    }
    assert answer.headers["location"] == made["url"]
    assert any_site.stored == [key_of(made["url"])]
    assert made["id"] not in made["url"]  # which pages and uploads tell
    assert any_site.stranger.get(made["url"]).content == PAGE


def test_its_address_is_below_that_of_the_site(site_url: str) -> None:
    with opened(site_url, PUBLIC_URL="https://comics.example") as site:
        answer = site.sign_up("uploader").send("files", File("file", PAGE))
        assert answer.headers["location"] == told(answer, 201)["url"]
        assert answer.json["url"].startswith("https://comics.example/uploads/files/")


@pytest.mark.parametrize("kind", ["jpeg", "png", "webp", "gif", "avif"])
@pytest.mark.parametrize("said", ["a.png", "a.jpg", "a.html", "a.gif\x00.php", "a"])
def test_its_bytes_alone_tell_what_it_is(site: Site, uploader: Asker, kind: str, said: str) -> None:  # UP-01
    made = uploader.files(drawings.page(kind, 20, 30), said)
    extension = {"jpeg": "jpg"}.get(kind, kind)
    assert made["type"] == f"image/{kind}"
    assert key_of(made["url"]).startswith("files/")
    assert made["url"].endswith(f".{extension}")
    assert made["name"].endswith(f".{extension}")
    assert site.stranger.get(made["url"]).headers["content-type"] == f"image/{kind}"


def test_a_pdf_is_handed_out_and_never_shown(any_site: Site) -> None:  # UP-02, UP-25
    made = any_site.sign_up("uploader").files(PDF, "Rules.pdf")
    assert (made["type"], made["width"], made["height"]) == ("application/pdf", None, None)
    answer = any_site.stranger.get(made["url"])
    assert (answer.status_code, answer.content) == (200, PDF)
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.headers["content-disposition"] == "attachment; filename*=UTF-8''Rules.pdf"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert answer.headers["cache-control"] == IMMUTABLE
    part = any_site.stranger.get(made["url"], headers={"Range": "bytes=5-7"})
    assert (part.status_code, part.content) == (206, b"1.7")  # IN-06


@pytest.mark.parametrize("bad", [b"x%PDF-1.7", b"\n%PDF-1.7", b"%PDF", b"%pdf-1.7", b"%!PS-Adobe", b"FWS\x09", b"{}"])
def test_what_is_nearly_a_pdf_is_none(site: Site, uploader: Asker, bad: bytes) -> None:  # UP-02
    refused(uploader.send("files", File("file", bad, "a.pdf")), 415)
    assert is_empty(site)


@pytest.mark.parametrize(("bad", "status", "code"), [one for one in BAD if not one[0].startswith(b"%PDF")])
def test_what_is_no_image_leaves_nothing(
    site: Site, uploader: Asker, bad: bytes, status: int, code: str
) -> None:  # UP-02, UP-04, UP-07
    refused(uploader.send("files", File("file", bad)), status, code)
    assert is_empty(site)


def test_an_image_cut_short_is_never_kept(site: Site, uploader: Asker) -> None:  # UP-07
    for kind in ("jpeg", "png", "webp", "gif", "avif"):
        image = drawings.page(kind, 20, 30)
        for length in range(0, len(image) - 2, max(1, len(image) // 10)):
            answer = uploader.send("files", File("file", image[:length]))
            assert answer.status_code in {400, 415}, (kind, length)
    assert is_empty(site)


@pytest.mark.parametrize("data", [PAGE, PDF], ids=["image", "pdf"])
def test_a_file_over_the_limit_leaves_nothing(site_url: str, data: bytes) -> None:  # UP-16
    with opened(site_url, MAX_FILE_SIZE=str(len(data))) as site:
        uploader = site.sign_up("uploader")
        for over in (data + b"x", data + b"x" * 3_000_000):
            refused(uploader.send("files", File("file", over)), 413, "too_large")
        assert is_empty(site)
        uploader.files(data)


NAMES = {
    "../../etc/passwd": "passwd.png",
    "..\\..\\x.png": "x.png",
    "/abs.PNG": "abs.PNG",
    "C:\\pictures\\x.jpg": "x.jpg.png",
    "CON": "CON.png",
    ".htaccess": "htaccess.png",
    "-rf": "rf.png",
    "a\u202egpj.exe": "agpj.exe.png",
    "a\nb\rc\td.png": "abcd.png",
    "a.png.html": "a.png.html.png",
    "\u8868\u7d19.png": "\u8868\u7d19.png",
    "a\u0301.png": "\u00e1.png",
    "x" * 5000: "x" * 150 + ".png",
    "": None,
    "../": None,
    "...": None,
    "\u2028\u00ad": None,
}


@pytest.mark.parametrize(("given", "kept"), NAMES.items(), ids=range(len(NAMES)))
def test_its_name_is_a_label_and_nothing_else(
    site: Site, uploader: Asker, given: str, kept: str | None
) -> None:  # UP-11, IN-15
    made = uploader.files(PAGE, given)
    assert made["name"] == (kept or f"{made['id']}.png")
    assert site.stored == [key_of(made["url"])]
    header = site.stranger.get(made["url"]).headers["content-disposition"]
    assert unquote(header) == f"inline; filename*=UTF-8''{made['name']}"
    assert header.isascii()
    assert header.isprintable()


@pytest.mark.parametrize(
    ("sent", "named"),
    [
        ((), ["file"]),
        ((File("file", PAGE), File("file", PAGE)), ["file"]),
        ((File("file", PAGE), File("other", PAGE)), ["other"]),
        ((File("cover", PAGE),), ["cover"]),
        ((File("file[]", PAGE),), ["file[]"]),
        (tuple([File("file", PAGE)] * 200), ["file"]),
    ],
    ids=range(6),
)
def test_exactly_one_file_comes_at_a_time(
    site: Site, uploader: Asker, sent: tuple[File, ...], named: list[str]
) -> None:
    assert fields(uploader.send("files", *sent)) == named
    assert is_empty(site)


def test_no_byte_is_read_before_it_is_known_that_they_may(site: Site) -> None:  # AZ-02
    for asker, status in ((site.stranger, 401), (site.sign_up(), 403), (site.sign_up(grants=("create:series",)), 403)):
        unread = {"wsgi.input": Unread()}
        refused(asker.post("files", body=b"x", headers={"Content-Type": FORM}, extras=unread), status)
    site.sign_up(grants=("upload:file",)).files()


@pytest.mark.parametrize(
    ("meanwhile", "status"),
    [
        ("UPDATE users SET is_banned = TRUE WHERE id = :id", 401),
        ("UPDATE users SET role = 'user' WHERE id = :id", 403),
    ],
)
def test_who_lost_the_right_while_the_bytes_came_leaves_nothing(
    any_site: Site, meanwhile: str, status: int
) -> None:  # AZ-11
    uploader = any_site.sign_up("uploader")
    body = form(File("file", drawings.page("png", 300, 300)))
    source = Hooked(body, lambda: any_site.write(meanwhile, id=uploader.id))
    answer = uploader.post("files", body=body, headers={"Content-Type": FORM}, extras={"wsgi.input": source})
    refused(answer, status)
    assert is_empty(any_site)


def test_the_same_file_of_two_people_is_two_files(site: Site, uploader: Asker) -> None:  # UP-22
    one, other = uploader.files(), site.sign_up("uploader").files()
    assert (one["id"] != other["id"], len(site.stored)) == (True, 2)


# Covers.


def readers(site: Site, url: str) -> list[int]:
    return [asker.get(url).status_code for asker in (site.stranger, site.sign_up("uploader"))]


def test_a_cover_is_seen_by_those_who_see_its_series(any_site: Site) -> None:
    owner, leader = any_site.sign_up("uploader"), any_site.sign_up("uploader")
    cover = owner.files()
    assert readers(any_site, cover["url"]) == [200, 200]
    series = owner.makes_series(coverId=cover["id"], state="draft")
    assert series["cover"] == cover["url"]
    assert readers(any_site, cover["url"]) == [404, 404]
    refused(leader.get(cover["url"]), 404)
    for asker in (owner, any_site.sign_up("moderator")):
        answer = asker.get(cover["url"])
        assert (answer.status_code, answer.headers["cache-control"]) == (200, "private, no-store")
    told(owner.patch(f"series/{series['id']}", {"state": "published"}))
    assert readers(any_site, cover["url"]) == [200, 200]
    assert any_site.stranger.get(cover["url"]).headers["cache-control"] == IMMUTABLE
    told(owner.patch(f"series/{series['id']}", {"state": "hidden"}))
    assert readers(any_site, cover["url"]) == [404, 404]


def test_only_an_image_of_ones_own_becomes_a_cover(any_site: Site) -> None:  # AZ-04
    uploader, other = any_site.sign_up("uploader"), any_site.sign_up("uploader")
    page = uploader.adds_pages(uploader.makes_chapter(uploader.makes_series()))["pages"][0]
    for cover in (other.files()["id"], uploader.files(PDF)["id"], page["id"]):
        body = {"title": "A", "author": "B", "coverId": cover}
        assert fields(uploader.post("series", body)) == ["coverId"]
    for role in ("moderator", "admin"):
        taken = {"title": "A", "author": "B", "coverId": other.files()["id"]}
        assert fields(any_site.sign_up(role).post("series", taken)) == ["coverId"]


def test_who_edits_a_series_of_others_may_name_its_cover_again(any_site: Site) -> None:
    owner, moderator = any_site.sign_up("uploader"), any_site.sign_up("moderator")
    cover = owner.files()
    path = f"series/{owner.makes_series(coverId=cover['id'])['id']}"
    changed = told(moderator.patch(path, {"coverId": cover["id"], "author": "Another"}))
    assert (changed["author"], any_site.stranger.get(changed["cover"]).status_code) == ("Another", 200)


@pytest.mark.parametrize("state", ["draft", "published"])
@pytest.mark.parametrize("later", ["another", "none"])
def test_a_cover_that_is_replaced_is_gone(any_site: Site, state: str, later: str) -> None:
    owner = any_site.sign_up("uploader")
    first, second = owner.files(), owner.files(drawings.page("jpeg", 20, 30))
    series = owner.makes_series(coverId=first["id"], state=state)
    path = f"series/{series['id']}"
    told(owner.patch(path, {"coverId": first["id"], "description": "The same"}))
    assert owner.get(first["url"]).content == PAGE
    changed = told(owner.patch(path, {"coverId": second["id"] if later == "another" else None}))
    assert changed["cover"] == (second["url"] if later == "another" else None)
    for asker in (owner, any_site.stranger, any_site.sign_up("admin")):
        refused(asker.get(first["url"]), 404)
    assert any_site.stored == [second["url"].removeprefix("/uploads/")]
    assert any_site.values("id", "files") == [second["id"]]


def test_a_cover_of_two_series_stays_until_both_have_another(any_site: Site) -> None:
    owner = any_site.sign_up("uploader")
    cover = owner.files()
    one, other = (owner.makes_series(title, coverId=cover["id"]) for title in ("One", "Other"))
    told(owner.patch(f"series/{one['id']}", {"coverId": None}))
    assert any_site.stranger.get(cover["url"]).content == PAGE
    told(owner.patch(f"series/{other['id']}", {"state": "draft"}))
    assert readers(any_site, cover["url"]) == [404, 404]
    told(owner.delete(f"series/{other['id']}"), 204)
    assert is_empty(any_site)


def test_a_refused_change_keeps_the_cover(any_site: Site) -> None:
    owner = any_site.sign_up("uploader")
    cover = owner.files()
    series = owner.makes_series(coverId=cover["id"])
    refused(owner.patch(f"series/{series['id']}", {"coverId": None}, headers={"If-Match": '"99"'}), 412)
    refused(any_site.sign_up("uploader").patch(f"series/{series['id']}", {"coverId": None}), 403)
    team = any_site.sign_up("uploader").makes_team()["id"]
    refused(owner.patch(f"series/{series['id']}", {"coverId": None, "teamIds": [team]}), 403)
    assert any_site.stranger.get(cover["url"]).content == PAGE


def test_a_cover_given_away_and_taken_up_at_once_is_whole(any_site: Site) -> None:
    owner = any_site.sign_up("uploader")
    for _ in range(5):
        cover = owner.files()
        one, other = owner.makes_series(coverId=cover["id"]), owner.makes_series()
        changes = [(one, {"coverId": None}), (other, {"coverId": cover["id"]})]

        def act(turn: int, changes: list[tuple[Any, Any]] = changes) -> Result:
            series, change = changes[turn]
            return owner.patch(f"series/{series['id']}", change)

        answers = at_once(2, act)
        assert told(answers[0])["cover"] is None
        if answers[1].status_code == 200:
            assert any_site.stranger.get(answers[1].json["cover"]).content == PAGE
        else:
            assert answers[1].status_code in {400, 409}
            refused(owner.get(cover["url"]), 404)


def test_its_storage_may_be_gone_when_a_cover_is_replaced(site: Site, uploader: Asker) -> None:
    cover = uploader.files()
    series = uploader.makes_series(coverId=cover["id"])
    site.storage.delete(cover["url"].removeprefix("/uploads/"))
    assert told(uploader.patch(f"series/{series['id']}", {"coverId": None}))["cover"] is None


def test_a_body_that_ends_early_leaves_nothing(site: Site, uploader: Asker) -> None:  # UP-17
    body = form(File("file", drawings.page("png", 30, 30)))
    for cut in range(0, len(body) - 2, max(1, len(body) // 100)):
        whole = {"wsgi.input": io.BytesIO(body[:cut])}
        answer = uploader.post("files", body=body, headers={"Content-Type": FORM}, extras=whole)
        refused(answer, 400)
    assert is_empty(site)
