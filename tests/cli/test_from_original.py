"""`roliascan import --from-original`: a whole site of the original backend, with all its oddities, taken over."""

import json
import os
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bcrypt
import pytest

from roliascan.cli.original import reading
from roliascan.database.faults import Lost
from roliascan.people import passwords
from tests.cli.originals import HASH, PASSWORD, Original
from tests.cli.places import Place, account
from tests.cli.test_import_cut_short import after, on_terminal, unowned
from tests.database import bare
from tests.drawings import page
from tests.front import told
from tests.servers import databases, parts

pytestmark = pytest.mark.postgresql


@pytest.fixture
def original(tmp_path: Path) -> Iterator[Original]:
    with databases.new(parts.require("postgresql")) as url:
        yield Original(url, tmp_path / "old-uploads")


def take(place: Place, original: Original, *words: object) -> Any:
    return place.run("import", "--from-original", original.url, "--uploads", original.uploads, *words)


def login(place: Place, name: str, password: str = PASSWORD) -> Any:
    return place.ask("POST", "auth/login", json={"login": name, "password": password})


def by_title(place: Place, title: str) -> list[Any]:
    return place.chapters(title)


def test_nothing_of_a_site_is_lost(place: Place, original: Original) -> None:
    boss, fan = original.user("Boss", role="admin"), original.user("fan", "Fan@Example.com", is_muted=True)
    troll = original.user("troll", is_banned=True)
    lamp = original.content("The Lamp", "the-lamp", boss, description="Light.")
    nameless = original.content("ランプ", "-1")
    one, two, again = (original.chapter(lamp, number, boss) for number in (1, 2, 2))
    below, far = original.chapter(lamp, -3), original.chapter(lamp, 1_000_000)
    files = [page(seed=seed) for seed in range(5)]
    shown = [original.image(one, number, file) for number, file in zip((2, 0, 0, -1, 7), files, strict=True)]
    for chapter in (two, again, below, far):
        original.image(chapter, 1)
    for number, text in enumerate(("First!", "   ", " Café ", "Last")):
        original.comment(one, fan if number % 2 else troll, text)
    for text, moment in (("later", "00.000200"), ("sooner", "00.000199")):  # by the microsecond
        original.comment(two, fan, text, created_at=f"2024-06-01 00:00:{moment}")
    for who, stars in ((boss, 5), (fan, 4), (troll, 1)):
        original.rate("content", lamp, who, stars)
        original.rate("chapter", one, who, stars)
    before = original.everything()

    ran = take(place, original)
    assert (ran.status, ran.err) == (0, "")
    assert original.everything() == before

    people = {row[0]: row[1:] for row in place.select("SELECT username, id, email, role FROM users")}
    assert {name: str(row[0]) for name, row in people.items()} == {"Boss": boss, "fan": fan, "troll": troll}
    assert people["fan"][1:] == ("Fan@Example.com", "user")
    assert people["Boss"][2] == "admin"
    assert place.get(f"users/{boss}")["createdAt"] == "2024-03-05T00:01:06.789000Z"
    flags = place.select("SELECT username, is_banned, is_muted FROM users ORDER BY username_key")
    assert [(name, bool(banned), bool(muted)) for name, banned, muted in flags] == [
        ("Boss", False, False),
        ("fan", False, True),
        ("troll", True, False),
    ]

    found = place.series()
    assert found["The Lamp"] | {"id": lamp, "slug": "the-lamp", "author": "A. Writer"} == found["The Lamp"]
    assert found["The Lamp"]["createdAt"] == found["The Lamp"]["publishedAt"] == "2024-03-05T00:04:06.789000Z"
    assert found["The Lamp"]["updatedAt"] == "2025-03-05T00:04:06.789000Z"
    assert (found["ランプ"]["id"], found["ランプ"]["slug"]) == (nameless, "ranpu")
    assert found["The Lamp"]["chapterCount"] == 5
    assert place.get("series/the-lamp")["id"] == lamp

    chapters = {chapter["id"]: chapter for chapter in place.chapters("The Lamp")}
    called = {id: (chapter["number"], chapter["label"], chapter["volume"]) for id, chapter in chapters.items()}
    assert called == {
        one: (1, None, None),
        two: (2, None, None),
        again: (2, None, "copy 2"),
        far: (None, "Chapter 1000000", None),
        below: (None, "Chapter -3", None),
    }
    assert list(called)[:2] == [one, min(two, again)]
    first = chapters[one]
    assert (first["state"], first["title"], first["publishedAt"]) == (
        "published",
        "Title 1",
        "2024-03-05T00:06:06.789000Z",
    )
    order = (3, 1, 2, 0, 4)  # by number, then by age
    assert [one["id"] for one in first["pages"]] == [shown[at] for at in order]
    assert place.files(first) == [files[at] for at in order]

    assert (found["The Lamp"]["rating"], found["The Lamp"]["ratingCount"]) == (6.667, 3)
    assert (first["ratingCount"], round(first["rating"], 2)) == (3, 6.67)
    assert place.select("SELECT rating_sum, rating_count, rating_milli FROM series_stats WHERE rating_count > 0") == [
        (20, 3, 6667)
    ]
    assert place.select("SELECT rating_sum, rating_count FROM chapter_stats") == [(20, 3)]
    bodies = place.select("SELECT body, chapter_id, user_id FROM comments ORDER BY id DESC")
    assert [(body, str(chapter), str(who)) for body, chapter, who in bodies] == [
        ("later", two, fan),
        ("sooner", two, fan),
        ("Last", one, fan),
        ("Café", one, troll),
        ("First!", one, troll),
    ]
    assert place.get("chapters")["page"]["total"] == 5
    assert place.get("series")["page"]["total"] == 2

    rows, stored = place.rows(), place.stored()
    assert unowned(place) == set()
    again_ran = take(place, original)
    assert again_ran.status == 0
    assert "series: 0 added, 2 unchanged, 0 refused." in again_ran.lines
    assert "chapters: 0 added, 5 unchanged, 0 refused." in again_ran.lines
    assert "comments: 0 added, 5 unchanged, 0 refused, 1 warnings." in again_ran.lines
    assert "ratings: 0 added, 6 unchanged, 0 refused." in again_ran.lines
    assert (place.rows(), place.stored()) == (rows, stored)


def test_what_is_odd_is_told(simple_place: Place, original: Original) -> None:
    lamp = original.content("", "")
    chapter = original.chapter(lamp, 1)
    for _ in range(2):
        original.image(original.chapter(lamp, 1), 1)
    original.comment(chapter, original.user("x", password="plain", role="owner"), " ")
    ran = take(simple_place, original)
    assert ran.status == 0
    told_of = "\n".join(ran.lines)
    for words in (
        "warning: users: x: has the role 'owner', which is none; came as user",
        "warning: users: x: has no password that can be checked",
        "warning: series: : has the slug untitled; in the original it is ''",
        "warning: chapters: 1: came as a draft, without a page",
        "warning: chapters: 1: is there more than once; this one came as volume 'copy 2'",
        "warning: chapters: 1: is there more than once; this one came as volume 'copy 3'",
        "is blank; it was left out",
    ):
        assert words in told_of
    assert simple_place.select("SELECT state FROM chapters WHERE page_count = 0") == [("draft",)]
    assert set(simple_place.series()) == {"Untitled"}
    assert login(simple_place, "x", "plain").status_code == 401


# --- people


def test_an_old_password_signs_in_and_is_kept_better_from_then_on(place: Place, original: Original) -> None:  # AU-30
    long = "x" * 80
    original.user("Old")
    original.user("Long", password=bcrypt.hashpw(long.encode()[:72], bcrypt.gensalt(4)).decode())
    original.user("Banned", is_banned=True)
    assert take(place, original).status == 0
    assert login(place, "old", "wrong").status_code == 401
    assert place.select("SELECT password_hash FROM users WHERE username = 'Old'") == [(HASH,)]
    assert told(login(place, "OLD@example.com"))["user"]["username"] == "Old"
    ((kept,),) = place.select("SELECT password_hash FROM users WHERE username = 'Old'")
    assert kept.startswith("$argon2id$")
    told(login(place, "old"))
    assert login(place, "old", "wrong").status_code == 401
    told(login(place, "long", long))
    told(login(place, "long", long))
    assert login(place, "banned").status_code == 401
    rows = place.rows()
    assert take(place, original).status == 0
    assert place.rows() == rows


def test_time_does_not_tell_who_has_not_signed_in_yet(
    simple_place: Place, original: Original, monkeypatch: pytest.MonkeyPatch
) -> None:  # AU-16
    """Whoever is asked for, a failure costs one whole check of each kind, of the same parameters."""
    cost = bcrypt.hashpw(b"other", bcrypt.gensalt(10)).decode()
    for name in ("moved", "unmoved"):
        original.user(name, password=cost)
    original.user("without", password="")
    assert take(simple_place, original).status == 0
    told(login(simple_place, "moved", "other"))
    checks: list[str] = []
    check, check_older = passwords.fits_here, bcrypt.checkpw

    def noted(password: str, password_hash: str) -> bool:
        checks.append(password_hash.rsplit("$", 2)[0])
        return check(password, password_hash)

    def noted_older(password: bytes, password_hash: bytes) -> bool:
        found = check_older(password, password_hash)  # raises where it would cost nothing
        checks.append(password_hash.decode()[:6])
        return found

    monkeypatch.setattr(passwords, "fits_here", noted)
    monkeypatch.setattr(bcrypt, "checkpw", noted_older)
    for name in ("moved", "unmoved", "without", "nobody"):
        checks.clear()
        assert login(simple_place, name, "wrong").status_code == 401
        assert sorted(checks) == ["$2b$10", "$argon2id$v=19$m=19456,t=2,p=1"], name


def test_people_who_look_alike_are_a_question(place: Place, original: Original) -> None:
    first, shouting = original.user("Ann", "ann@example.com"), original.user("Bea", "ANN@example.com")
    twin, taken = original.user("ann", "other@example.com"), original.user("ann-2")
    odd = original.user("a@b", "nowhere")
    office, wide = original.user("Admin"), original.user("\ufdfa" * 20, "wide@example.com")
    original.content("Hers", "hers", twin)
    assert place.run("admin", "create", *account("Root", "root@example.com")).status == 0
    root = original.user("r00t", "r@example.com")
    rows = place.rows()

    ran = take(place, original)
    assert ran.status == 1
    assert ran.err == (
        "roliascan: 6 accounts cannot come as they are; nothing was taken over. Mend them in the original,"
        " or say --rename: these come with a name of their own, or without their address.\n"
    )
    refused = [line for line in ran.lines if line.startswith("refused: ")]
    assert refused == [
        "refused: users: Bea <ANN@example.com>: an older account has this address, or one that looks like it",
        "refused: users: ann <other@example.com>: an older account has this username, or one that looks like it",
        "refused: users: a@b <nowhere>: the username must have 1 to 30 characters, none of them @ or invisible;"
        " must be an e-mail address such as name@example.org",
        "refused: users: Admin <Admin@example.com>: the username is reserved for those who run the site",
        f"refused: users: {chr(0xFDFA) * 20} <wide@example.com>: the username must have 1 to 30 characters, none of"
        " them @ or invisible",
        "refused: users: r00t <r@example.com>: an account here has this username, or one that looks like it",
    ]
    assert place.rows() == rows

    ran = take(place, original, "--rename")
    assert ran.status == 0
    people = {str(id): (name, email) for id, name, email in place.select("SELECT id, username, email FROM users")}
    assert people[first] == ("Ann", "ann@example.com")
    assert people[shouting] == ("Bea", f"{shouting}@renamed.invalid")
    assert people[taken] == ("ann-2", "ann-2@example.com")
    assert people[twin] == ("ann-3", "other@example.com")
    assert people[odd] == ("ab-2", f"{odd}@renamed.invalid")
    assert people[office] == ("Admin-2", "Admin@example.com")
    assert people[wide] == ("reader-2", "wide@example.com")
    assert people[root] == ("r00t-2", "r@example.com")
    told(login(place, "ann-3"))
    told(login(place, "bea"))
    assert [str(by) for (by,) in place.select("SELECT created_by FROM series")] == [twin]
    rows = place.rows()
    assert take(place, original).status == 0  # they are here: no question any more
    assert place.rows() == rows


def test_permissions_come_along(place: Place, original: Original) -> None:
    ann = original.user("ann")
    for name in ("create:content", "update:chapter", "feed:cat"):
        original.grants(ann, name)
    ran = take(place, original)
    assert "warning: permissions: ann: may create:series from now on" in ran.lines
    assert not [line for line in ran.lines if "feed:cat" in line]
    token = told(login(place, "ann"))["token"]
    me = place.get("auth/me", headers={"Authorization": f"Bearer {token}"})
    assert {"create:series", "update:chapter", "feed:cat"} == set(me["permissions"])
    assert (
        place.ask(
            "POST", "series", json={"title": "A", "author": "B"}, headers={"Authorization": f"Bearer {token}"}
        ).status_code
        == 201
    )


# --- series


def test_old_slugs_stay_where_they_were(place: Place, original: Original) -> None:
    """Series of one title: none takes the other's address, whoever comes first."""
    unnamed = original.content("Lamp", "")
    second, first = original.content("Lamp", "lamp-2"), original.content("Lamp", "lamp")
    shouting = original.content("Lamp", "LAMP")
    assert take(place, original).status == 0
    slugs = {str(id): slug for id, slug in place.select("SELECT id, slug FROM series")}
    assert slugs == {first: "lamp", second: "lamp-2", unnamed: "lamp-3", shouting: "lamp-4"}


def test_covers_come_along(place: Place, original: Original) -> None:
    data = page("jpeg", seed=9)
    lamp = original.content("Lamp", "lamp")
    address = original.file(f"contents/{lamp}/a.jpg", data)
    original.write("UPDATE contents SET cover_image = %s", address)
    original.content("Free text", "free", cover_image="my cover")
    ran = take(place, original)
    assert ran.status == 1
    assert "refused: files: the cover of Free text: that is no address of an uploaded file" in ran.lines
    assert place.file(place.series()["Lamp"]["cover"]) == data
    assert place.series()["Free text"]["cover"] is None
    rows = place.rows()
    assert take(place, original).status == 1
    assert place.rows() == rows
    original.write("UPDATE contents SET cover_image = %s", address)
    assert take(place, original).status == 0
    assert place.file(place.series()["Free text"]["cover"]) == data


# --- files


@pytest.fixture
def chapter(original: Original) -> str:
    return original.chapter(original.content("Lamp", "lamp"), 1)


HOSTILE = [
    "/uploads/../secret.png",
    "/uploads/chapters/../../secret.png",
    "/uploads//../secret.png",
    "uploads/./secret.png",
    "https://old.example/uploads/../secret.png",
    "https://old.example/..",
    "/uploads/link.png",
    "/uploads/folder/secret.png",
    "/uploads/folder",
    "/uploads/pipe",
    "/uploads/",
    "../secret.png",
    "/etc/passwd",
    "file:///etc/passwd",
    "",
]


def test_nothing_outside_of_the_folder_is_read(simple_place: Place, original: Original, chapter: str) -> None:  # UP-12
    place, secret = simple_place, page(seed=99)
    (place.home / "secret.png").write_bytes(secret)
    (place.home / "elsewhere").mkdir()
    (place.home / "elsewhere" / "secret.png").write_bytes(secret)
    (original.uploads / "link.png").symlink_to(place.home / "secret.png")
    (original.uploads / "folder").symlink_to(place.home / "elsewhere")
    os.mkfifo(original.uploads / "pipe")
    absolute = f"/uploads/{place.home}/secret.png"
    for url in [*HOSTILE[:-1], absolute]:
        original.image(chapter, 1, url=url)
    original.write("INSERT INTO chapter_images (chapter_id, image_url, page_number) VALUES (%s, '', 1)", chapter)
    good = page(seed=5)
    original.image(chapter, 9, good)
    ran = take(place, original)
    assert ran.status == 1
    refused = [line for line in ran.lines if line.startswith("refused: pages: ")]
    assert len(refused) == len(HOSTILE) + 1
    assert place.files(place.chapters("Lamp")[0]) == [good]
    assert len(place.stored()) == 1


def test_what_is_missing_or_broken_is_told_and_comes_later(place: Place, original: Original, chapter: str) -> None:
    key = "abc123"
    data = {number: page(seed=number) for number in range(1, 6)}
    original.image(chapter, 1, data[1])
    gone = original.file(f"chapters/{chapter}/gone.png", data[2])
    (original.uploads / gone.removeprefix("/uploads/")).unlink()
    original.image(chapter, 2, url=gone)
    original.image(chapter, 3, url=f"https://utfs.io/f/{key}?x=1")
    original.image(chapter, 4, url=original.file("generic/broken.png", data[4][:-30]))
    original.image(chapter, 5, data[5])
    original.image(chapter, 6, b"<html>")
    empty = original.chapter(original.content("Dark", "dark"), 1)
    original.image(empty, 1, url="/uploads/dark.png")
    leftover = original.file("chapters/of-nobody/1.png", data[1])

    ran = take(place, original)
    assert ran.status == 1
    told_of = "\n".join(ran.lines)
    assert f"refused: pages: Lamp 1: {gone}: its file is gone" in ran.lines
    assert (
        f"refused: pages: Lamp 1: https://utfs.io/f/{key}?x=1: it is kept elsewhere; download it to"
        f" uploadthing/{key} below the folder of uploads, and run this again"
    ) in ran.lines
    assert "generic/broken.png: " in told_of
    assert f"warning: files: {leftover.removeprefix('/uploads/')}: no row points to this file" in told_of
    assert len([line for line in ran.lines if line.startswith("warning: files: ")]) == 1
    assert "pages: 2 added, 0 unchanged, 5 refused." in ran.lines
    assert place.files(place.chapters("Lamp")[0]) == [data[1], data[5]]
    assert (original.uploads / leftover.removeprefix("/uploads/")).is_file()
    assert place.select("SELECT state FROM chapters WHERE page_count = 0") == [("draft",)]

    rows = place.rows()
    assert take(place, original).status == 1
    assert place.rows() == rows

    original.file(f"uploadthing/{key}", data[3])
    original.file(gone.removeprefix("/uploads/"), data[2])
    original.file("generic/broken.png", data[4])
    original.file("dark.png", data[1])
    ran = take(place, original)
    assert ran.status == 1
    assert "pages: 4 added, 2 unchanged, 1 refused." in ran.lines
    assert place.files(place.chapters("Lamp")[0]) == [data[number] for number in range(1, 6)]
    (dark,) = place.chapters("Dark")
    assert (dark["id"], dark["state"], place.files(dark)) == (empty, "published", [data[1]])
    assert place.series()["Dark"]["chapterCount"] == 1
    assert unowned(place) == set()
    rows = place.rows()
    assert take(place, original).status == 1
    assert place.rows() == rows


def test_without_the_folder_everything_else_comes(simple_place: Place, original: Original, chapter: str) -> None:
    original.image(chapter, 1)
    ran = simple_place.run("import", "--from-original", original.url)
    assert ran.status == 1
    assert [line for line in ran.lines if line.endswith("its file was not looked for without --uploads")]
    assert simple_place.count("chapters") == 1
    assert take(simple_place, original).status == 0
    assert len(simple_place.chapters("Lamp")) == 1


# --- again


def test_what_was_changed_here_since_stays(place: Place, original: Original, chapter: str) -> None:
    original.user("Boss", role="admin")
    second = original.chapter(original.content("Gone", "gone"), 1)
    other = original.chapter(original.content("Kept", "kept"), 1)
    for one in (chapter, second, other):
        original.image(one, 1)
    gone = original.file("late.png", page(seed=7))
    (original.uploads / "late.png").unlink()
    original.image(other, 2, url=gone)
    assert take(place, original).status == 1
    headers = {"Authorization": f"Bearer {told(login(place, 'boss'))['token']}"}
    series = {one["title"]: one["id"] for one in place.series().values()}
    told(place.ask("DELETE", f"series/{series['Gone']}", headers=headers), 204)
    told(place.ask("DELETE", f"chapters/{chapter}", headers=headers), 204)
    told(place.ask("PATCH", f"chapters/{other}", json={"title": "Mine"}, headers=headers))
    told(place.ask("PATCH", f"series/{series['Kept']}", json={"title": "Kept by me"}, headers=headers))
    original.file("late.png", page(seed=7))
    rows = place.rows()
    ran = take(place, original)
    assert ran.status == 0
    assert "unchanged: series: Gone: was removed here" in ran.lines
    assert "unchanged: chapters: Lamp 1: was removed here" in ran.lines
    assert place.rows() == rows


def test_what_came_to_the_original_since_comes_too(place: Place, original: Original, chapter: str) -> None:
    ann = original.user("ann")
    original.image(chapter, 1)
    original.rate("content", first_content(original), ann, 5)
    assert take(place, original).status == 0
    bea = original.user("bea")
    original.comment(chapter, bea, "New")
    original.rate("content", first_content(original), bea, 2)
    original.rate("chapter", chapter, bea, 2)
    assert take(place, original).status == 0
    assert place.select("SELECT body FROM comments") == [("New",)]
    assert (place.series()["Lamp"]["rating"], place.series()["Lamp"]["ratingCount"]) == (7, 2)
    assert place.chapters("Lamp")[0]["rating"] == 4


def first_content(original: Original) -> str:
    return str(bare.rows(original.url, "SELECT id FROM contents")[0][0])


def test_killed_at_any_moment_and_run_again_it_is_complete(place: Place, original: Original) -> None:  # SL-01
    ann = original.user("ann")
    wanted: dict[str, list[bytes]] = {}
    for title in ("Sun", "Moon"):
        content = original.content(title, title.lower(), ann)
        original.rate("content", content, ann, 3)
        for number in range(1, 7):
            chapter = original.chapter(content, number, ann)
            files = [page("png", 100, 150, seed=100 * number + at) for at in range(3)]
            wanted[chapter] = files
            for at, data in enumerate(files):
                original.image(chapter, at, data)
            original.comment(chapter, ann, f"{title} {number}")
    words = ("import", "--from-original", original.url, "--uploads", str(original.uploads))
    for lines, seconds in ((1, 0.0), (4, 0.01)):
        with place.start(*words) as process:
            after(lines, process)
            time.sleep(seconds)
            process.kill()
        assert found(place).items() <= wanted.items()
    assert len(found(place)) < len(wanted)
    ran = place.run(*words)
    assert ran.status == 0
    assert found(place) == wanted
    assert (place.count("chapters"), place.count("comments"), place.count("series_ratings")) == (12, 12, 2)
    assert {one["ratingCount"] for one in place.series().values()} == {1}
    assert place.get("chapters")["page"]["total"] == 12
    assert len(unowned(place)) <= 3 * 3


def found(place: Place) -> dict[str, list[bytes]]:
    return {chapter["id"]: place.files(chapter) for title in place.series() for chapter in place.chapters(title)}


# --- the command


def test_json_names_everything(simple_place: Place, original: Original, chapter: str) -> None:
    original.image(chapter, 1, url="/uploads/none.png")
    ran = take(simple_place, original, "--json")
    assert ran.status == 1
    document = json.loads(ran.out)
    assert document["counts"]["chapters"] == {"added": 1, "unchanged": 0, "warning": 1, "refused": 0}
    (refused,) = (one for one in document["outcomes"] if one["result"] == "refused")
    assert refused == {
        "kind": "pages",
        "result": "refused",
        "id": chapter,
        "what": "Lamp 1: /uploads/none.png",
        "detail": "its file is gone",
    }


def test_on_a_terminal_a_bar_shows_how_far_it_is(simple_place: Place, original: Original, chapter: str) -> None:
    ann = original.user("ann")
    original.image(chapter, 1)
    original.grants(ann, "feed:cat")
    original.comment(chapter, ann, "Hm")
    original.rate("chapter", chapter, ann, 2)
    original.rate("content", first_content(original), ann, 2)
    words = ("import", "--from-original", original.url, "--uploads", str(original.uploads))
    status, shown = on_terminal(simple_place, *words)
    assert status == 0
    assert re.search(r"\r\s*100%\|█+\| 7/7 ", shown)
    assert "chapters: 1 added, 0 unchanged, 0 refused." in shown


def test_an_empty_original_is_nothing_to_do(simple_place: Place, original: Original) -> None:
    rows = simple_place.rows()
    ran = take(simple_place, original, "--json")
    assert (ran.status, json.loads(ran.out)["outcomes"]) == (0, [])
    assert simple_place.rows() == rows


def test_the_original_cannot_be_written_to(original: Original) -> None:
    original.user("ann")
    with pytest.raises(Lost), reading.opened(original.url) as snapshot:
        snapshot.write("UPDATE users SET username = 'bea'")
    assert "'ann'" in original.everything()


def test_what_is_no_original_is_refused(simple_place: Place, original: Original) -> None:
    original.write("ALTER TABLE users DROP COLUMN is_muted")
    ran = take(simple_place, original)
    assert (ran.status, ran.err) == (
        1,
        "roliascan: This is no database of the original backend. It lacks users.is_muted.\n",
    )
    ran = simple_place.run("import", "--from-original", "mysql://root@localhost/old")
    assert (ran.status, ran.err) == (
        1,
        "roliascan: the database's address cannot be used: the original's starts with postgresql:\n",
    )
    ran = simple_place.run("import", "--from-original", original.url, "--uploads", "absent")
    assert (ran.status, ran.err) == (1, "roliascan: There is no folder absent.\n")


@pytest.mark.parametrize(
    "words",
    [("x", "--from-original", "y"), ("--from-original", "y", "--as", "z"), ("x", "--uploads", "."), ("x", "--rename")],
    ids=" ".join,
)
def test_wrong_use_is_2(words: tuple[str, ...], bare_place: Place) -> None:
    ran = bare_place.run("import", *words)
    assert (ran.status, ran.out) == (2, "")
    assert ran.err.startswith("usage: roliascan import")
