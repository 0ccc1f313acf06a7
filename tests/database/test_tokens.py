"""Logging in by IAM: the token is Amazon's to the byte, lasts as long as it may, and goes to a proven server only.

The servers are PostgreSQL and MariaDB behind a front that asks for a password as RDS does; RDS itself was not asked.
"""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs

import boto3
import botocore.auth
import pytest
from botocore.hooks import HierarchicalEmitter
from botocore.model import ServiceId
from botocore.signers import RequestSigner, generate_db_auth_token

from roliascan.database import BadAddress, faults, open_database, profiles
from roliascan.database.deadlines import NEVER
from roliascan.database.profiles import driver_for
from roliascan.database.tokens import KEEP_S, ByToken, Token
from roliascan.database.waking import Waking
from roliascan.vaults import Unresolved, aws
from tests.database.fronts import Front, before
from tests.database.kinds import direct_to_servers
from tests.database.test_connections import teams
from tests.vaults import stores
from tests.vaults.stores import Stores

HOST = "comics.cluster-abc.eu-west-1.rds.amazonaws.com"
ENVIRON = {
    "AWS_ACCESS_KEY_ID": "ASIAIOSFODNN7EXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
    "AWS_SESSION_TOKEN": "IQoJb3JpZ2luX2VjEA//+=" * 60,
    "AWS_REGION": "eu-west-1",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": "/dev/null",
    "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
}


class Clock:
    """What time it is, here and for botocore."""

    now = datetime(2026, 11, 26, 23, 59, 30, 123456, UTC)

    def pass_(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    moved = Clock()

    class Moved(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Any:
            return moved.now

    monkeypatch.setattr(aws, "datetime", Moved)
    monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda: moved.now.replace(tzinfo=None))
    real = sys.modules["time"]
    told = SimpleNamespace(time=lambda: moved.now.timestamp(), monotonic=real.monotonic)
    monkeypatch.setattr("roliascan.database.tokens.time", told)
    for name, value in ENVIRON.items():
        monkeypatch.setenv(name, value)
    return moved


def amazons(host: str, port: int | str, user: str, region: str) -> str:
    """What botocore's client of RDS makes, without loading what else that client can do: it takes half a second."""
    credentials, emitter = boto3.Session().get_credentials(), HierarchicalEmitter()  # which it refers to weakly
    signer = RequestSigner(ServiceId("RDS"), region, "rds", "v4", credentials, emitter)
    token: str = generate_db_auth_token(SimpleNamespace(_request_signer=signer), host, port, user, region)
    return token


@pytest.mark.parametrize("session", [ENVIRON["AWS_SESSION_TOKEN"], ""])
@pytest.mark.parametrize(
    ("host", "port", "user", "region"),
    [
        (HOST, 5432, "reader", "eu-west-1"),
        ("comics.proxy-abc.us-gov-west-1.rds.amazonaws.com", 3306, "a b+c/d~e_f-g.h@\u00fc%", "us-gov-west-1"),
    ],
)
def test_a_token_is_the_one_of_botocore(
    clock: Clock, monkeypatch: pytest.MonkeyPatch, session: str, host: str, port: int, user: str, region: str
) -> None:  # SC 66
    if session:
        monkeypatch.setenv("AWS_SESSION_TOKEN", session)
    else:
        monkeypatch.delenv("AWS_SESSION_TOKEN")
    for seconds in (0, 29.9, 86_400):  # past midnight, which its key depends on
        clock.pass_(seconds)
        assert aws.database_token(host, port, user, region) == amazons(host, port, user, region)


@pytest.mark.parametrize(
    ("host", "region"),
    [
        ("my.abc.eu-west-1.rds.amazonaws.com", "eu-west-1"),
        ("my.abc.rds.cn-north-1.amazonaws.com.cn", "cn-north-1"),
        ("my.abc.cn-north-1.rds.amazonaws.com.cn", "cn-north-1"),  # as they were called before
        ("rds.amazonaws.com.example", "ap-south-1"),
    ],
)
def test_the_region_of_a_host(monkeypatch: pytest.MonkeyPatch, host: str, region: str) -> None:
    monkeypatch.setenv("AWS_REGION", "ap-south-1")
    assert profiles._region(host) == region


def test_no_sdk_is_loaded_for_it() -> None:
    source = "import json, sys; from roliascan.vaults import aws; aws.database_token('h', 1, 'u', 'r')"
    source += "; print(json.dumps(sorted(sys.modules)))"
    environ = {**ENVIRON, "PATH": os.environ["PATH"]}
    done = subprocess.run([sys.executable, "-c", source], env=environ, capture_output=True, text=True, check=True)
    loaded = {name.split(".")[0] for name in json.loads(done.stdout)}
    assert not loaded & {"boto3", "botocore", "http", "ssl"}


# Whose credentials.


def test_credentials_that_lie_elsewhere(clock: Clock, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def token() -> str:
        return aws.database_token(HOST, 5432, "reader", "eu-west-1")

    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name)
    with pytest.raises(Unresolved, match="no credentials"):
        token()
    file = tmp_path / "credentials"
    file.write_text("[default]\naws_access_key_id = AKID\naws_secret_access_key = hush\n")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(file))
    assert token() == amazons(HOST, 5432, "reader", "eu-west-1")
    assert "X-Amz-Credential=AKID%2F" in token()
    monkeypatch.setitem(sys.modules, "boto3", None)
    with pytest.raises(Unresolved, match="no boto3"):
        token()


@direct_to_servers
def test_without_credentials_nothing_is_reached(
    clock: Clock, monkeypatch: pytest.MonkeyPatch, database_url: str, certificate: Path
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    with (
        before(database_url, certificate, accepts=lambda _: True) as front,
        closing(open_database(address(front, certificate))) as db,
        pytest.raises(faults.Unreachable) as caught,
    ):
        teams(db)
    assert isinstance(caught.value.__cause__, Unresolved)
    assert front.passwords == []


# How long it is kept.


def address(front: Front, certificate: Path, auth: str = "aws-iam") -> str:
    return f"{front.url}?auth={auth}&sslrootcert={certificate}"


def accepting(clock: Clock) -> Callable[[str], bool]:
    """As RDS: what Amazon would sign at the token's own time, which is less than 15 minutes ago."""

    def accepts(token: str) -> bool:
        host, _, query = token.partition("/?")
        [at] = parse_qs(query)["X-Amz-Date"]
        signed = datetime.strptime(at, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        now, clock.now = clock.now, signed
        name, _, port = host.partition(":")
        expected = amazons(name, port, parse_qs(query)["DBUser"][0], "eu-west-1")
        clock.now = now
        return token == expected and now - signed < timedelta(seconds=900)

    return accepts


@direct_to_servers
def test_a_token_is_kept_for_ten_minutes(clock: Clock, database_url: str, certificate: Path) -> None:  # SC 66
    with (
        before(database_url, certificate, accepts=accepting(clock)) as front,
        closing(open_database(address(front, certificate), pool_size=1)) as db,
    ):
        for seconds in (0, 599, 2, 599, 2):
            clock.pass_(seconds)
            db.close()
            assert teams(db) == 0
        assert [front.passwords.index(token) for token in front.passwords] == [0, 0, 2, 2, 4]
        assert teams(db) == 0
        assert len(front.passwords) == 5  # an open connection needs none


@direct_to_servers
def test_a_kept_token_that_is_refused_is_made_anew(clock: Clock, database_url: str, certificate: Path) -> None:
    """Silently: once, and only if it was kept."""
    right = accepting(clock)
    with (
        before(database_url, certificate, accepts=right) as front,
        closing(open_database(address(front, certificate), pool_size=1)) as db,
    ):
        assert teams(db) == 0
        db.close()
        clock.pass_(60)
        front.accepts = lambda token: right(token) and token != front.passwords[0]
        assert teams(db) == 0
        assert len(set(front.passwords)) == 2
        assert len(front.passwords) == 3
        db.close()
        front.accepts = lambda _: False
        for seconds, tries in ((1, 4), (60, 6), (59, 7), (1, 9)):  # the kept one, and once a minute another
            clock.pass_(seconds)
            with pytest.raises(faults.Unreachable):
                teams(db)
            assert len(front.passwords) == tries


def test_a_database_that_wakes_sees_one_new_token(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """However often it is tried: it refuses for a reason that no token mends."""
    seen: list[str] = []
    monkeypatch.setattr("roliascan.database.waking.time.sleep", clock.pass_)
    monkeypatch.setattr("roliascan.database.waking.time.monotonic", lambda: clock.now.timestamp())
    makes = (Token(f"token {number}", clock.now.timestamp() + KEEP_S) for number in range(99))

    def connect(_seconds: float, *, password: str) -> str:
        seen.append(password)
        if len(seen) < 10:
            raise faults.Unreachable
        return "connected"

    way = Waking(30, ByToken(lambda: next(makes)))
    assert way(connect, NEVER) == "connected"
    assert set(seen) == {"token 0"}


def test_many_at_once_make_one(clock: Clock) -> None:
    made = list[Token]()

    def make() -> Token:
        made.append(Token(f"token {len(made)}", clock.now.timestamp() + KEEP_S))
        return made[-1]

    together, found = threading.Barrier(8), list[str]()

    def connect(_seconds: float, *, password: str) -> None:
        found.append(password)

    def ask() -> None:
        together.wait()
        way(connect, NEVER)

    way = ByToken(make)
    for expected in ("token 0", "token 1"):
        threads = [threading.Thread(target=ask) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert found == [expected] * 8
        found.clear()
        clock.pass_(KEEP_S)


# Google's. The metadata server is an imitation; Cloud SQL was not asked.


@pytest.fixture
def metadata(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stores]:
    with stores.running() as found:
        monkeypatch.setenv("GCE_METADATA_HOST", found.environ["GCE_METADATA_HOST"])
        yield found


@direct_to_servers
def test_a_token_of_google(clock: Clock, metadata: Stores, database_url: str, certificate: Path) -> None:
    metadata.expires_in = 500
    with (
        before(database_url, certificate, accepts=lambda token: token == stores.TOKEN) as front,
        closing(open_database(address(front, certificate, "google-iam"), pool_size=1)) as db,
    ):
        for seconds, asked in ((0, 1), (499, 1), (2, 2)):
            clock.pass_(seconds)
            db.close()
            assert teams(db) == 0
            assert len(metadata.asked) == asked
    assert metadata.asked[0].endswith("/default/token?scopes=https://www.googleapis.com/auth/sqlservice.login")
    assert set(front.passwords) == {stores.TOKEN}


def test_a_token_of_google_goes_through_its_proxys_socket() -> None:
    for kind in ("postgresql", "mysql"):
        driver = driver_for(f"{kind}://reader%40comics.iam@/d?auth=google-iam&host=/cloudsql/p:r:i")
        assert driver.options["user"] == "reader@comics.iam"  # type: ignore[attr-defined]


def test_where_google_is_not(clock: Clock, metadata: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GCE_METADATA_HOST", "127.0.0.1:1")
    db = open_database("postgresql://u@127.0.0.2:1/d?auth=google-iam")
    with pytest.raises(faults.Unreachable) as caught:
        teams(db)
    assert isinstance(caught.value.__cause__, Unresolved)


# Who gets it.


@pytest.mark.parametrize(
    ("url", "says"),
    [
        (f"postgresql://u@{HOST}/d?auth=iam", "auth is none of password, aws-iam, google-iam"),
        (f"postgresql://u:p@{HOST}/d?auth=aws-iam", "needs a user and no password"),
        (f"mysql://{HOST}/d?auth=aws-iam", "needs a user and no password"),
        (f"postgresql://u@{HOST}/d?auth=aws-iam&sslmode=require", "TLS that is verified"),
        (f"mysql://u@{HOST}/d?auth=aws-iam&sslmode=disable", "TLS that is verified"),
        (f"postgresql://u@{HOST}/d?auth=aws-iam&sslmode=verify-ca", "TLS that is verified"),
        (f"mysql://u@{HOST}/d?auth=aws-iam&sslmode=verify-ca&sslrootcert=", "TLS that is verified"),
        ("postgresql://u@localhost/d?auth=aws-iam", "TLS that is verified"),
        ("mysql://u@/d?auth=aws-iam&host=/run/mysql.sock", "TLS that is verified"),
        ("postgresql://u@db.example/d?auth=aws-iam", "no region"),
        ("postgresql://u@10.0.0.2/d?auth=google-iam&sslmode=require", "TLS that is verified"),
        ("mysql://u@localhost/d?auth=google-iam", "TLS that is verified"),
        ("postgresql://u:p@/d?auth=google-iam&host=/cloudsql/p:r:i", "needs a user and no password"),
    ],
)
def test_addresses_that_are_refused(monkeypatch: pytest.MonkeyPatch, url: str, says: str) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(BadAddress, match=says):
        driver_for(url)


@direct_to_servers
def test_no_token_goes_to_a_server_that_proved_nothing(clock: Clock, database_url: str, certificate: Path) -> None:
    with before(database_url, certificate, accepts=lambda _: True) as front:
        trusting_nobody = address(front, certificate).partition("&sslrootcert")[0]
        with closing(open_database(trusting_nobody)) as db, pytest.raises(faults.Unreachable):
            teams(db)
        another = address(front, certificate).replace("127.0.0.2", "127.0.0.3")
        with closing(open_database(another)) as db, pytest.raises(faults.Unreachable):
            teams(db)
        assert front.passwords == []
