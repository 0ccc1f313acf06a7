"""Tokens: only what we wrote ourselves, whole, and in its time."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from typing import Any

import jwt
import pytest

from tests.front import NOW, SECRET, Asker, Site, refused, told

NOW_S = int(NOW.timestamp())


def encoded(part: bytes) -> str:
    return base64.urlsafe_b64encode(part).rstrip(b"=").decode()


def signed(header: Any, claims: Any, *, secret: str = SECRET, algorithm: str = "sha256") -> str:
    """A token with a right signature, whatever it says; `header` and `claims` are values, or JSON as bytes."""
    parts = [part if isinstance(part, bytes) else json.dumps(part).encode() for part in (header, claims)]
    text = ".".join(map(encoded, parts))
    return f"{text}.{encoded(hmac.digest(secret.encode(), text.encode(), algorithm))}"


HEADER = {"alg": "HS256", "typ": "JWT"}


@pytest.fixture
def reader(site: Site) -> Asker:
    return site.sign_up()


@pytest.fixture
def claims(reader: Asker) -> dict[str, Any]:
    found: dict[str, Any] = jwt.decode(reader.token, options={"verify_signature": False})
    return found


def refused_everywhere(site: Site, token: str) -> None:
    asker = Asker(site, token=token)
    problem = refused(asker.get("auth/me"), 401, "not_signed_in")
    assert problem["detail"] == "Sign in first: send a valid token."
    refused(asker.post("series", {"title": "A", "author": "B"}), 401)
    refused(site.stranger.get("auth/me", headers={"Cookie": f"token={token}"}), 401)


def test_our_own_token_is_taken(site: Site, claims: dict[str, Any]) -> None:
    assert told(Asker(site, token=signed(HEADER, claims)).get("auth/me"))
    assert claims.keys() == {"sid", "typ", "aud", "iat", "exp"}  # no right and no name in it
    assert (claims["iat"], claims["exp"]) == (NOW_S, NOW_S + 7 * 86400)


@pytest.mark.parametrize("alg", ["none", "None", "NONE", "nOnE", "", None])
def test_an_unsigned_token_is_refused(site: Site, claims: dict[str, Any], alg: Any) -> None:  # AU-01
    header = {"alg": alg, "typ": "JWT"}
    text = f"{encoded(json.dumps(header).encode())}.{encoded(json.dumps(claims).encode())}"
    for token in (f"{text}.", text, signed(header, claims), f"{text}.{encoded(b'x' * 32)}"):
        refused_everywhere(site, token)


@pytest.mark.parametrize(
    "alg", ["HS384", "HS512", "hs256", "RS256", "ES256", "PS256", "EdDSA", "A256KW", ["HS256"], 256]
)
def test_other_algorithms_are_refused(site: Site, claims: dict[str, Any], alg: Any) -> None:  # AU-02, AU-03
    for digest in ("sha256", "sha384", "sha512"):
        refused_everywhere(site, signed({**HEADER, "alg": alg}, claims, algorithm=digest))


def test_other_keys_are_refused(site: Site, claims: dict[str, Any]) -> None:  # AU-02, AU-12
    """There is one key: a new JWT_SECRET signs everybody out."""
    for secret in ("", " ", SECRET[:-1], SECRET + "\n", SECRET.upper(), hashlib.sha256(SECRET.encode()).hexdigest()):
        refused_everywhere(site, signed(HEADER, claims, secret=secret))


HEADERS: list[dict[str, Any]] = [
    {"kid": kid}
    for kid in ("../../dev/null", "' OR 1=1 --", "https://evil.example/key", "x" * 2000, "", None, 1, {"a": 1}, ["a"])
]
HEADERS += [
    {"jku": "https://evil.example/jwks"},
    {"x5u": "https://evil.example/cert"},
    {"jwk": {"kty": "oct", "k": encoded(b"x" * 32)}},
    {"x5c": ["MII"]},
    {"crit": ["exp"]},
    {"crit": []},
    {"crit": ["b64"], "b64": False},
    {"b64": False},
    {"zip": "DEF"},
    {"enc": "A256GCM"},
    {"cty": "JWT"},
    {"typ": "at+jwt"},
    {"typ": None},
    {"typ": "jwt"},
]


def test_headers_that_we_do_not_write_are_refused(
    site: Site, claims: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:  # AU-04, AU-05, AU-06
    touched: list[object] = []
    monkeypatch.setattr("socket.socket.connect", lambda *args: touched.append(args))
    monkeypatch.setattr("builtins.open", lambda *args, **how: touched.append(args))
    for more in HEADERS:
        refused_everywhere(site, signed({**HEADER, **more}, claims))
    refused_everywhere(site, signed({"alg": "HS256"}, claims))
    refused_everywhere(site, signed([HEADER], claims))
    assert touched == []


ODD_TIMES: list[Any] = ["1", "x", 1e308, 1.5, None, True, [], {}, -1, 0]
CLAIMS: list[dict[str, Any]] = [
    {"typ": "refresh"},
    {"typ": "upload"},
    {"typ": None},
    {"aud": "other"},
    {"aud": ["roliascan"]},
    {"aud": None},
    {"sid": None},
    {"sid": 5},
    {"sid": ""},
    {"sid": "' OR 1=1 --"},
    {"sid": ["x"]},
    {"sid": "a\0b"},
    {"role": "admin"},
    {"sub": "x"},
    {"nbf": NOW_S + 3600},
    {"nbf": NOW_S - 3600},
    {"iss": "other"},
    *({name: value} for name in ("exp", "iat") for value in ODD_TIMES),
    {"exp": str(NOW_S + 100)},
    {"exp": float(NOW_S + 100)},
    {"iat": str(NOW_S)},
]


def test_claims_that_we_do_not_write_are_refused(site: Site, claims: dict[str, Any]) -> None:  # AU-07, AU-08
    for more in CLAIMS:
        if more != {"iat": 0} and more != {"iat": -1}:
            refused_everywhere(site, signed(HEADER, {**claims, **more}))
    for name in claims:
        refused_everywhere(site, signed(HEADER, {key: value for key, value in claims.items() if key != name}))


@pytest.mark.parametrize("exp", ["NaN", "Infinity", "-Infinity", "1e400", "9" * 400, "9" * 5000])
def test_times_beyond_all_bounds_are_refused(site: Site, claims: dict[str, Any], exp: str) -> None:  # AU-08
    for name in ("exp", "iat"):
        text = json.dumps({**claims, name: 0}).replace(f'"{name}": 0', f'"{name}": {exp}')
        asker = Asker(site, token=signed(HEADER, text.encode()))
        if name == "exp" and exp == "9" * 400:
            told(asker.get("auth/me"))  # the session ends in its time all the same
        else:
            refused(asker.get("auth/me"), 401)


def test_no_token_outlives_its_session(site: Site, claims: dict[str, Any]) -> None:  # AU-08
    token = signed(HEADER, {**claims, "exp": NOW_S + 10**9})
    site.clock.forward(days=7, seconds=-1)
    told(Asker(site, token=token).get("auth/me"))
    site.clock.forward(seconds=1)
    refused_everywhere(site, token)


def test_clocks_may_differ_by_thirty_seconds(site: Site, claims: dict[str, Any]) -> None:  # AU-09
    for ahead, taken in ((0, True), (29, True), (30, True), (31, False), (3600, False)):
        asker = Asker(site, token=signed(HEADER, {**claims, "iat": NOW_S + ahead}))
        assert asker.get("auth/me").status_code == (200 if taken else 401), ahead
    for past, taken in ((1, True), (29, True), (30, False), (31, False)):
        asker = Asker(site, token=signed(HEADER, {**claims, "exp": NOW_S - past}))
        assert asker.get("auth/me").status_code == (200 if taken else 401), past


def junk(good: str) -> Iterator[str]:
    header, body, signature = good.split(".")
    yield from ("x", ".", "..", "...", "null", "{}", "a.b.c", good + ".", "." + good, good[:-1], good + "A")
    yield from (f"{header}.{body}", f"{header}..{signature}", f".{body}.{signature}", f"{body}.{header}.{signature}")
    yield from (
        f"{good}.{signature}.x.y",
        good.replace(".", "_"),
        good.lower(),
        good + "\u00e9",
        f"\u00ef\u00bb\u00bf{good}",
    )
    yield from (f"{header}.{body}.{signature}\t", f"{header} .{body}.{signature}", "9" * 4000, "." * 4000)


def test_what_is_no_token_is_refused(site: Site, reader: Asker) -> None:  # AU-10
    for token in junk(reader.token):
        asker = Asker(site, token=token)
        if token.strip() != reader.token:
            assert asker.get("auth/me").status_code == 401, token


@pytest.mark.parametrize(
    "part", [b"\xff", b"\xef\xbb\xbf{}", b"[]", b"null", b"5", b'"x"', b"{", b'{"a":' * 5000, b"[" * 99]
)
def test_parts_that_are_no_objects_are_refused(site: Site, claims: dict[str, Any], part: bytes) -> None:  # AU-10
    for token in (signed(part, claims), signed(HEADER, part)):
        asker = Asker(site, token=token)
        refused(asker.get("auth/me"), 401)


def test_a_megabyte_is_refused_at_once(site: Site, claims: dict[str, Any]) -> None:  # AU-10
    token = signed(HEADER, {**claims, "more": "x" * (1 << 20)})
    asker = Asker(site, token=token)
    asker.get("auth/me")
    started = time.perf_counter()
    refused(asker.get("auth/me"), 401)
    assert time.perf_counter() - started < 10


def test_a_token_of_a_session_that_is_none_is_refused(site: Site, claims: dict[str, Any]) -> None:
    for session in (claims["sid"].upper(), claims["sid"][:-1] + "f", f" {claims['sid']}", claims["sid"] + "\n"):
        if session != claims["sid"]:
            refused_everywhere(site, signed(HEADER, {**claims, "sid": session}))
