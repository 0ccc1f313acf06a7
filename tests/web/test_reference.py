"""The documentation for people: whole, closed to the outside, safe to show, and true where it gives commands."""

import hashlib
import os
import re
import shutil
import subprocess
import sys
from base64 import b64encode
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from roliascan.web import openapi, reference
from tests.drawings import page
from tests.front import opened

VOID = {"meta"}
HOSTILE = "<script>alert(1)</script>\"'&`</code>"


class Page(HTMLParser):
    """What is in a page; refuses one whose elements do not close as they opened."""

    def __init__(self, html: bytes) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: set[str] = set()
        self.attributes: list[tuple[str, str]] = []
        self.words = ""
        self.feed(html.decode())
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.add(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, f"</{tag}> at {self.getpos()}"

    def handle_data(self, data: str) -> None:
        self.words += data

    def values(self, name: str) -> list[str]:
        return [value for found, value in self.attributes if found == name]


def test_every_operation_and_every_thing_has_a_place_to_link_to() -> None:
    found = Page(reference.page())
    ids, document = found.values("id"), openapi.document()
    assert len(ids) == len(set(ids))
    assert {one["operationId"] for methods in document["paths"].values() for one in methods.values()} < set(ids)
    assert {f"thing-{name}" for name in document["components"]["schemas"]} < set(ids)
    assert {link.removeprefix("#") for link in found.values("href") if link.startswith("#")} <= set(ids)


def test_it_loads_nothing_and_runs_nothing() -> None:
    found = Page(reference.page())
    assert not found.elements & {"script", "link", "img", "iframe", "object", "form", "base", "svg"}
    assert {name for name, _ in found.attributes} <= {"lang", "charset", "name", "content", "class", "id", "href"}
    assert {link for link in found.values("href") if not link.startswith("#")} == {"api/v1/openapi.json"}
    assert "url(" not in reference.page().decode()


def test_the_policy_allows_its_style_and_nothing_else(sqlite_url: str) -> None:
    with opened(sqlite_url) as site:
        answer = site.stranger.get("/docs")
    style = re.search(r"<style>(.*)</style>", answer.text, re.S)
    assert style
    digest = b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert answer.headers["content-security-policy"].startswith(f"default-src 'none'; style-src 'sha256-{digest}';")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"


def test_whatever_the_document_says_is_text() -> None:
    found = Page(reference.page_of(_hostile(openapi.document())))
    assert "script" not in found.elements
    assert {name for name, _ in found.attributes} <= {"lang", "charset", "name", "content", "class", "id", "href"}
    assert found.words.count("<script>alert(1)</script>") > 500


def _hostile(part: Any, name: str = "") -> Any:
    """Every text that is shown, and every name that is free, with something to break out of HTML."""
    if isinstance(part, dict):
        free = name in {"properties", "paths"}
        return {key + HOSTILE if free else key: _hostile(value, key) for key, value in part.items()}
    if isinstance(part, list):
        return [_hostile(one, name) for one in part]
    shown = {"summary", "description", "title", "version", "operationId", "x-who", "enum", "format", "example"}
    return part + HOSTILE if isinstance(part, str) and name in shown else part


def test_its_first_commands_do_what_they_say(start_server: Callable[..., str], tmp_path: Path) -> None:
    if not shutil.which("curl"):
        pytest.skip("curl (not here: apt-get install curl)")
    environ = {"DATA_DIR": str(tmp_path), "DATABASE_URL": f"sqlite:///{tmp_path}/it.db"}
    environ["STORAGE_URL"] = f"file:{tmp_path}/uploads"
    site = start_server(environ)
    for name in ("1.png", "2.png"):
        (tmp_path / name).write_bytes(page())
    script = "set -e\n" + "\necho\n".join(command for _, command in reference.BEGIN)
    script = script.replace("http://127.0.0.1:3000", site).replace('"..."', '"a password of mine"')
    done = subprocess.run(
        ["bash", "-c", script],
        input="a password of mine\n",
        cwd=tmp_path,
        env={**environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=True,
    )
    *_, read, registered = done.stdout.strip().split("\n")
    assert '"state":"published"' in read
    assert '"pageCount":2' in read
    assert '"username":"aiko"' in registered
