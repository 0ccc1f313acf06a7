"""Registering: who may be called what, and that two who look alike are one."""

from collections.abc import Iterator
from threading import BoundedSemaphore
from typing import Any

import pytest
from falcon.testing import Result

from roliascan.people import passwords
from tests.front import Site, at_once, fields, refused, told

PASSWORD = "correct horse 漫画"


@pytest.fixture
def free(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Passwords cost next to nothing, for tests that are about something else."""
    monkeypatch.setattr(passwords, "PASSES", 1)
    monkeypatch.setattr(passwords, "MEMORY_KIB", 8)
    monkeypatch.setattr(passwords, "_slots", BoundedSemaphore(50))
    passwords._hasher.cache_clear()
    passwords._nobody.cache_clear()
    yield
    passwords._hasher.cache_clear()
    passwords._nobody.cache_clear()


def register(site: Site, username: str, email: str = "", password: str = PASSWORD, **more: Any) -> Result:
    email = email or f"{site.count('users')}@tests.example"
    return site.stranger.post("auth/register", {"email": email, "username": username, "password": password, **more})


def test_who_registers_is_signed_in(any_site: Site) -> None:
    answer = register(any_site, " Zoë ", " Zoe@Tests.Example ")
    made = told(answer, 201)
    assert made.keys() == {"token", "user"}
    user = made["user"]
    assert user == {"id": user["id"], "email": "Zoe@Tests.Example", "username": "Zoë", "role": "user"}
    assert answer.headers["location"] == f"/api/v1/users/{user['id']}"
    me = told(any_site.stranger.get("auth/me", headers={"Authorization": f"Bearer {made['token']}"}))
    assert me == {**user, "permissions": [], "isMuted": False, "teams": []}


def test_the_cookie_is_for_the_browser_only(site: Site) -> None:
    answer = register(site, "reader")
    cookie = answer.cookies["token"]
    assert cookie.value == answer.json["token"]
    assert (cookie.http_only, cookie.secure, cookie.path, cookie.same_site) == (True, False, "/", "Lax")
    assert cookie.max_age == 7 * 86400


def test_what_everybody_may_know_of_a_person(site: Site) -> None:  # AZ-07
    user = told(register(site, "reader", "secret@tests.example"), 201)["user"]
    answer = site.stranger.get(f"users/{user['id']}")
    assert told(answer).keys() == {"id", "username", "role", "createdAt"}
    assert "secret" not in answer.text


NAMES = ["abc", "Ünï_cödé", "漫画家", "a.b-c_d", "x" * 30, "ab1", "_ab_", "नमस्ते", "한국어"]


def test_names_are_letters_digits_and_three_signs(any_site: Site, free: None) -> None:
    for name in NAMES:
        assert told(register(any_site, name), 201)["user"]["username"] == name


ODD_NAMES: list[Any] = [
    "ab",
    " ab ",
    "x" * 31,
    "a b",
    "a@b",
    "a/b",
    "<b>",
    "a\u200bb",
    "a\u202eb",
    "a\u00adb",
    "\u3164\u3164\u3164",
    "\uffa0\uffa0\uffa0",
    "a\u0301\u0302\u0303\u0304b",
    "\u0301abc",
    ".abc",
    "abc.",
    "-abc",
    "abc-",
    "a\nb",
    "😀😀😀",
    "admin",
    "ADMIN",
    "аdmin",
    "adm1n",
    "ＡＤＭＩＮ",
    "RoliaScan",
    "\ufdfa" * 30,
    5,
    None,
    "a\0b",
]


def test_other_names_are_refused(any_site: Site) -> None:  # AU-24
    for name in ODD_NAMES:
        assert set(fields(register(any_site, name, "a@b.cd"))) == {"username"}, name
    assert any_site.count("users") == 0


LOOKALIKES = [
    ("reader", ["READER", "ReAdEr", "ｒｅａｄｅｒ", "rеader", "reаder", "𝐫𝐞𝐚𝐝𝐞𝐫", " reader "]),
    ("bill01", ["biil01", "b1ll01", "bill0l", "BILLO1", "bi11oi"]),
    ("straße", ["STRASSE", "strasse"]),
    ("Éva", ["e\u0301va", "ÉVA", "É\u0076a"]),
]


def test_names_that_look_alike_are_one(any_site: Site, free: None) -> None:  # AU-24
    for name, others in LOOKALIKES:
        told(register(any_site, name), 201)
        for other in others:
            refused(register(any_site, other), 409, "username_taken")
    assert any_site.count("users") == len(LOOKALIKES)


def test_names_that_differ_are_two(site: Site, free: None) -> None:
    for name in ("reader", "readers", "re.ader", "re-ader", "re_ader", "rëader", "читатель", "reader2"):
        told(register(site, name), 201)


def test_addresses_have_a_name_and_a_place(site: Site, free: None) -> None:
    for address in ("a@b.cd", "a.b+c@d-e.example", "Zoë@exämple.example", "x" * 64 + "@e.example"):
        assert told(register(site, f"reader{len(address)}", address), 201)["user"]["email"] == address


ODD_ADDRESSES = [
    "x",
    "nobody",
    "@b.cd",
    "a@",
    "a@b",
    "a@b.",
    "a@.b",
    "a@b..c",
    "a@@b.cd",
    "a b@c.de",
    "a@b.c d",
    "a@b.cd\u200b",
    "a\u202e@b.cd",
    "a\x01@b.cd",
    "a\r\nBcc: x@b.cd",
    "x" * 65 + "@b.cd",
    "a@" + "b" * 250 + ".cd",
    "\ufdfa" * 60 + "@b.cd",
    "a\0@b.cd",
]


def test_other_addresses_are_refused(any_site: Site) -> None:
    for address in ODD_ADDRESSES:
        assert set(fields(register(any_site, "reader", address))) == {"email"}, address
    assert any_site.count("users") == 0


def test_addresses_that_look_alike_are_one(any_site: Site, free: None) -> None:
    told(register(any_site, "reader", "a@b.cd"), 201)
    for other in ("A@B.CD", "a@B.cd", "ａ@b.cd", "а@b.cd"):
        refused(register(any_site, "another", other), 409, "email_taken")


def test_addresses_that_differ_are_two(site: Site, free: None) -> None:
    for place, address in enumerate(["a1@b.cd", "al@b.cd", "aI@b.cd.ef", "a.1@b.cd", "a1+x@b.cd"]):
        told(register(site, f"reader{'abcde'[place]}", address), 201)


@pytest.mark.parametrize(
    "password", ["12345678", "é" * 4, "漫画漫", " spaces at both ends ", "x" * 1024, "😀" * 256, "e\u0301" * 8]
)
def test_passwords_are_taken_as_typed(site: Site, password: str) -> None:  # AU-17
    told(register(site, "reader", "a@b.cd", password), 201)
    told(site.stranger.post("auth/login", {"login": "reader", "password": password}))
    for other in (password[:-1], f"{password} ", password.strip() + "\t", password + "x"):
        if other != password and len(other.encode()) <= 1024:
            refused(site.stranger.post("auth/login", {"login": "reader", "password": other}), 401)


def test_composed_and_decomposed_passwords_are_two(site: Site) -> None:  # AU-17
    told(register(site, "reader", "a@b.cd", "caf\u00e9 caf\u00e9"), 201)
    refused(site.stranger.post("auth/login", {"login": "reader", "password": "cafe\u0301 cafe\u0301"}), 401)


@pytest.mark.parametrize("password", ["", "1234567", "漫画", "x" * 1025, "é" * 513, "12345678\0", 12345678, None])
def test_passwords_have_8_to_1024_bytes(site: Site, password: Any) -> None:  # AU-17
    answer = site.stranger.post("auth/register", {"email": "a@b.cd", "username": "reader", "password": password})
    assert set(fields(answer)) == {"password"}


def test_a_password_is_not_the_name(site: Site) -> None:  # AU-18
    assert fields(register(site, "reader-name", password="Reader-Name")) == ["password"]
    assert fields(register(site, "reader", "reader@b.cd", password="READER@b.cd")) == ["password"]


@pytest.mark.parametrize(
    "field", ["role", "id", "isMuted", "is_banned", "permissions", "createdAt", "teams", "__proto__"]
)
def test_nobody_registers_as_more_than_a_user(site: Site, field: str) -> None:  # AZ-06
    assert fields(register(site, "reader", **{field: "admin"})) == [field]
    assert site.count("users") == 0


def test_of_many_at_once_one_gets_the_name(any_site: Site, free: None) -> None:  # AU-24
    names = ["reader", "READER", "rеader", "ｒｅａｄｅｒ"]

    def one(turn: int) -> Result:
        body = {"email": f"{turn}@b.cd", "username": names[turn % 4], "password": PASSWORD}
        return any_site.stranger.post("auth/register", body)

    answers = at_once(20, one)
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 19
    for answer in answers:
        if answer.status_code == 409:
            refused(answer, 409, "username_taken")
    assert any_site.count("users") == any_site.count("sessions") == 1
