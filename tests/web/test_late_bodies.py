"""A body may take its time: rights are those of when it is here, and so is the time."""

import io
import json
from collections.abc import Callable
from typing import Any

import pytest
from falcon.testing import create_environ

from tests.front import API, Asker, Site, told


class Slow(io.BytesIO):
    """A body during whose arrival something happens."""

    def __init__(self, data: bytes, meanwhile: Callable[[], object]) -> None:
        super().__init__(data)
        self._meanwhile = meanwhile

    def read(self, size: int | None = -1, /) -> bytes:
        self._meanwhile()
        return super().read(size)


def sends(asker: Asker, method: str, path: str, body: Any, meanwhile: Callable[[], object]) -> int:
    """The status of a request whose body comes slowly."""
    data = json.dumps(body).encode()
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {asker.token}"}
    environ = create_environ(f"{API}/{path}", method=method, headers=headers, body=data)
    environ["wsgi.input"] = Slow(data, meanwhile)
    begun: list[str] = []
    b"".join(asker.site.app(environ, lambda status, *_: begun.append(status)))  # type: ignore[arg-type]
    return int(begun[0][:3])


@pytest.mark.parametrize(
    ("meanwhile", "expected"),
    [
        (lambda admin, asker: told(admin.patch(f"admin/users/{asker.id}", {"isBanned": True})), 401),
        (lambda admin, asker: told(admin.patch(f"admin/users/{asker.id}", {"isMuted": True})), 403),
        (lambda admin, asker: told(asker.post("auth/logout"), 204), 401),
        (lambda admin, asker: None, 201),
    ],
    ids=["banned", "muted", "logged out", "nothing"],
)
def test_a_comment_of_somebody_who_lost_the_right(  # AU-11, AZ-11
    site: Site, meanwhile: Callable[[Asker, Asker], object], expected: int
) -> None:
    owner, admin, reader = site.sign_up("uploader"), site.sign_up("admin"), site.sign_up()
    path = f"chapters/{owner.publishes(owner.makes_series())['id']}/comments"
    status = sends(reader, "POST", path, {"body": "Words"}, lambda: meanwhile(admin, reader))
    assert (status, site.count("comments")) == (expected, int(expected == 201))


def test_a_change_of_somebody_who_was_demoted(site: Site) -> None:  # AU-11
    owner, admin, moderator = site.sign_up("uploader"), site.sign_up("admin"), site.sign_up("moderator")
    path = f"series/{owner.makes_series()['id']}"
    demote = {"role": "user"}
    status = sends(
        moderator, "PATCH", path, {"author": "X"}, lambda: told(admin.patch(f"admin/users/{moderator.id}", demote))
    )
    assert (status, told(site.stranger.get(path))["author"]) == (403, "Somebody")


def test_what_is_done_is_done_when_the_body_is_here(site: Site) -> None:
    owner = site.sign_up("uploader")
    path = f"chapters/{owner.publishes(owner.makes_series())['id']}/comments"
    assert sends(owner, "POST", path, {"body": "Words"}, lambda: site.clock.forward(minutes=5)) == 201
    (comment,) = told(site.stranger.get(path))["data"]
    assert comment["createdAt"] == "2026-11-23T12:05:00.000000Z"


def test_who_sends_no_token_is_refused_before_a_byte_is_read(site: Site) -> None:
    read: list[bool] = []
    environ = create_environ(f"{API}/series", method="POST", headers={"Content-Type": "application/json"}, body=b"{}")
    environ["wsgi.input"] = Slow(b"{}", lambda: read.append(True))
    begun: list[str] = []
    b"".join(site.app(environ, lambda status, *_: begun.append(status)))  # type: ignore[arg-type]
    assert (begun[0][:3], read) == ("401", [])
