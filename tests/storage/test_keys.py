"""Keys and the types that they are served with."""

import re
from datetime import UTC, datetime

import pytest

from roliascan.ids import new_id
from roliascan.library import sweep
from roliascan.storage import BadKey
from roliascan.storage.keys import check_key, check_prefix, is_key, make_key, new_key, type_of

FILE = "01936f5e-8f3a-7000-8000-000000000001"
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
SHAPE = re.compile(r"pages/[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}-[0-9a-f]{16}\.webp")


def test_make_key() -> None:
    assert make_key("pages", FILE, "jpg") == f"pages/{FILE}.jpg"
    for folder, name, extension in [
        ("..", FILE, "jpg"),
        ("pages", "../x", "jpg"),
        ("pages", FILE, ""),
        ("", FILE, "jpg"),
    ]:
        if extension == "":
            assert type_of(make_key(folder, name, extension)) == "application/octet-stream"
            continue
        with pytest.raises(BadKey):
            make_key(folder, name, extension)


@pytest.mark.parametrize("key", ["a", "A-1_b.jpg", "pages/x.webp", "a/b/c/d.e", "-x", "_", "x" * 200, "CON"])
def test_good_keys(key: str) -> None:
    assert is_key(key)
    assert check_key(key) == check_prefix(key) == key


@pytest.mark.parametrize("prefix", ["", "pages/", "pages/0193", "a/b/"])
def test_good_prefixes(prefix: str) -> None:
    assert check_prefix(prefix) == prefix


@pytest.mark.parametrize(
    ("key", "type_"),
    [
        ("pages/x.jpg", "image/jpeg"),
        ("pages/x.png", "image/png"),
        ("pages/x.webp", "image/webp"),
        ("pages/x.gif", "image/gif"),
        ("pages/x.avif", "image/avif"),
        ("files/x.pdf", "application/pdf"),
        # What a browser would run is bytes to save (UP-02, UP-25).
        ("pages/x.html", "application/octet-stream"),
        ("pages/x.svg", "application/octet-stream"),
        ("pages/x.jpg.html", "application/octet-stream"),
        ("pages/jpg", "application/octet-stream"),
        ("jpg", "image/jpeg"),
    ],
)
def test_type_of(key: str, type_: str) -> None:
    assert type_of(key) == type_


def test_a_new_key_is_not_guessed() -> None:  # ST-13
    """74 random bits of an identifier, and 64 more."""
    made = [new_key("pages", new_id(NOW), "webp") for _ in range(100_000)]
    assert len(set(made)) == len({key[-21:-5] for key in made}) == len(made)
    assert all(SHAPE.fullmatch(key) and is_key(key) for key in made)
    assert {len(key) for key in made} == {64}


def test_every_random_bit_of_a_key_varies() -> None:  # ST-13
    ones, zeros = 0, 0
    for _ in range(200):
        digits = int(new_key("pages", FILE, "jpg")[-20:-4], 16)
        ones, zeros = ones | digits, zeros | ~digits
    assert ones & zeros & (1 << 64) - 1 == (1 << 64) - 1


@pytest.mark.parametrize(("folder", "extension"), [("..", "jpg"), ("", "jpg"), ("p" * 150, "jpg"), ("pages", "j/../x")])
def test_no_key_is_made_that_is_none(folder: str, extension: str) -> None:
    with pytest.raises(BadKey):
        new_key(folder, FILE, extension)


def test_a_key_tells_its_age() -> None:
    """Also one of those that were made before they had random digits."""
    for key in (new_key("pages", FILE, "jpg"), f"pages/{FILE}.jpg"):
        assert sweep.id_in(key) == FILE
    for other in (f"pages/{FILE}-123.jpg", f"pages/{FILE}-{'0' * 17}.jpg", f"pages/{FILE}-{'x' * 16}.jpg"):
        assert sweep.id_in(other) == ""
