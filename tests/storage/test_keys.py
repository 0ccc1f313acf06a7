"""Keys and the types that they are served with."""

import pytest

from roliascan.storage import BadKey
from roliascan.storage.keys import check_key, check_prefix, is_key, make_key, type_of

FILE = "01936f5e-8f3a-7000-8000-000000000001"


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
