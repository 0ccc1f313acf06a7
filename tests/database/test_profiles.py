"""Addresses: what they may hold, what is refused, and that nothing is sent where nobody proved who they are."""

import re
import ssl
import time
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

import pytest

from roliascan.database import BadAddress, faults, open_database
from roliascan.database.postgresql import PostgresqlDriver
from roliascan.database.profiles import driver_for, pooled_reason, profile, sqlite_path, unchecked_reason
from tests.database import bare
from tests.database.fronts import REMOTE, before
from tests.database.kinds import direct_to_postgresql, direct_to_servers, on_mariadb
from tests.database.proxy import between
from tests.database.test_connections import count_one, teams
from tests.servers import databases

HOSTILE = "p@ss:w/o?r#d[]%25 +&=ü'\"\\"


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("", "start with"),
        ("data/x.db", "start with"),
        ("oracle://u@h/d", "start with"),
        ("sqlite://x.db", "sqlite:///"),
        ("sqlite:///", "sqlite:///"),
        ("postgresql://u@h", "names no database"),
        ("mysql://u@h/", "names no database"),
        ("postgresql://u:p@h:x/d", "port"),
        ("mysql://u:p@h:99999/d", "port"),
        ("postgresql://u:pa#ss@h/d", "port|names no database"),
        ("postgresql://u:p[a@h/d", "special characters"),
        ("postgresql://u@h/d?sslmode=verify", "sslmode"),
        ("mysql://u@h/d?sslmode=on", "sslmode"),
        ("postgresql://u@h/d?pooler=session", "pooler is none of none, transaction, rds-proxy"),
        ("postgresql://u@h/d?pauses=maybe", "pauses is none of yes, no"),
        ("mysql://u@h/d?foreign_keys=of", "foreign_keys is none of on, off"),
        ("sqlite:///x.db?foreign_keys=of", "foreign_keys is none of on, off"),
        ("postgresql://u@h/d?ssl_mode=require", "not known: ssl_mode; there are auth, .*, sslmode, sslrootcert$"),
        ("postgres://u@h/d?sslmode=require&Pooler=none&pause=yes", "not known: Pooler, pause; there are auth"),
        ("postgresql://u@h/d?unix_socket=/run/x", "not known: unix_socket;"),
        ("mysql://u@h/d?hosts=/run/x", "not known: hosts; there are .*unix_socket$"),
        ("sqlite:///x.db?mode=ro", "not known: mode; there are foreign_keys$"),
        ("postgresql://u:pa?pass=word@h/d", "special characters"),
        ("mysql://u@h/d?pa%20ss=1", "not known: one that is no word;"),
    ],
)
def test_addresses_that_are_refused(url: str, says: str) -> None:
    with pytest.raises(BadAddress, match=says) as caught:
        open_database(url)
    # A refusal is logged, so it repeats no password.
    assert "pa" not in re.sub(r"\b(password|parameters|pauses?)\b", "", str(caught.value))


def test_parameters_of_other_programs_are_passed_over() -> None:
    others = "channel_binding=require&sslaccept=strict&pgbouncer=true&connection_limit=1&connect_timeout=9"
    for kind in ("postgresql", "mysql"):
        assert driver_for(f"{kind}://u@127.0.0.1/d?{others}&application_name=x").kind == kind


@pytest.mark.parametrize(
    ("url", "pooled"),
    [
        ("postgresql://u@ep-cool-1-pooler.eu-central-1.aws.neon.tech/d", "-pooler"),
        ("postgresql://u@/d?host=ep-cool-1-pooler.eu-central-1.aws.neon.tech", "-pooler"),
        ("postgresql://u@h.psdb.cloud:6432/d", "6432"),
        ("postgresql://u@h.supabase.com:6543/d", "6543"),
        ("mysql://u@my.proxy-abc.eu-west-1.rds.amazonaws.com/d", "RDS"),
        ("postgresql://u@ep-cool-1.eu-central-1.aws.neon.tech/d", None),
        ("postgresql://u@my.cluster-abc.eu-west-1.rds.amazonaws.com:5432/d", None),
        ("mysql://u@127.0.0.1/d", None),
        ("postgresql://u@ep-cool-1-pooler.eu-central-1.aws.neon.tech/d?pooler=none", None),
        ("mysql://u@my.proxy-abc.eu-west-1.rds.amazonaws.com/d?pooler=none", None),
        ("postgresql://u@pgbouncer.internal/d?pooler=transaction", "pooler=transaction"),
        ("mysql://u@db.internal/d?pooler=rds-proxy", "pooler=rds-proxy"),
        ("sqlite:///my-pooler.db", None),
    ],
)
def test_pooled_addresses(url: str, pooled: str | None) -> None:  # SC 75
    found = pooled_reason(url)
    assert (pooled in found) if pooled and found else (found is pooled)


NEON = "postgresql://u@ep-cool-1{}.eu-central-1.aws.neon.tech/d"
RDS = "{}://u@my.{}abc.eu-west-1.rds.amazonaws.com/d"
POOLED = ", pooled by transaction"


@pytest.mark.parametrize(
    ("url", "name", "limits", "seconds"),
    [
        ("sqlite:///data/x.db", "an embedded database", True, (0, 5)),
        ("postgresql://u@db.example/d", "a server", True, (0, 5)),
        ("mysql://u@localhost/d", "a server on this machine", True, (0, 5)),
        ("postgresql://u@/d?host=/var/run/postgresql", "a server by a Unix socket", True, (0, 5)),
        ("postgresql://u@/d?host=/cloudsql/p:europe-west3:i", "Cloud SQL, by a Unix socket", True, (0, 5)),
        ("mysql://u@/d?unix_socket=/cloudsql/p:europe-west3:i", "Cloud SQL, by a Unix socket", True, (0, 5)),
        ("postgresql://u@db.example:6432/d", f"a server{POOLED}", True, (0, 5)),
        ("postgresql://u@db.example/d?pooler=transaction", f"a server{POOLED}", True, (0, 5)),
        (NEON.format("-pooler"), f"Neon{POOLED}", True, (5, 5)),
        (NEON.format(""), "Neon", True, (5, 5)),
        (f"{NEON.format('-pooler')}?pooler=none", "Neon", True, (5, 5)),
        ("postgresql://u@x.pg.psdb.cloud:6432/d", f"PlanetScale{POOLED}", True, (0, 5)),
        ("mysql://u@aws.connect.psdb.cloud/d", "PlanetScale", True, (0, 5)),
        ("postgresql://u@aws-0-eu.pooler.supabase.com:6543/d", f"Supabase{POOLED}", True, (0, 5)),
        ("postgresql://u@x.postgres.database.azure.com/d", "Azure Database for PostgreSQL", True, (0, 5)),
        (RDS.format("postgresql", "proxy-"), "RDS Proxy", False, (0, 5)),
        (RDS.format("mysql", "proxy-"), "RDS Proxy", False, (0, 5)),
        ("mysql://u@db.internal/d?pooler=rds-proxy", "RDS Proxy", False, (0, 5)),
        (RDS.format("postgresql", ""), "RDS", True, (0, 5)),
        (RDS.format("mysql", "cluster-"), "Aurora", True, (0, 5)),
        ("mysql://u@my.abc.rds.cn-north-1.amazonaws.com.cn/d", "RDS", True, (0, 5)),
        ("mysql://u@my.cluster-abc.rds.cn-northwest-1.amazonaws.com.cn/d", "Aurora", True, (0, 5)),
        (RDS.format("postgresql", "cluster-") + "?pauses=no", "Aurora", True, (0, 5)),
        (RDS.format("postgresql", "cluster-") + "?pauses=yes", "Aurora, that pauses", True, (30, 30)),
    ],
)
def test_what_an_address_is_taken_for(url: str, name: str, limits: bool, seconds: tuple[int, int]) -> None:
    found = profile(url)
    assert (found.name, found.limits, (found.wakes_s, found.connect_s)) == (name, limits, seconds)
    driver = driver_for(url)
    options = getattr(driver, "options", {"connect_timeout": 5})
    assert options["connect_timeout"] == found.connect_s


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("postgresql://u@db.example/d", None),
        ("postgresql://u@db.example/d?sslmode=require", "sslmode=require does not check"),
        ("mysql://u@db.example/d?sslmode=disable", "sslmode=disable does not check"),
        ("mysql://u@localhost/d?sslmode=disable", None),
        ("postgresql://u@/d?host=/cloudsql/p:r:i", None),
        (RDS.format("postgresql", "proxy-"), None),
        ("postgresql://u@aws-0-eu.pooler.supabase.com:6543/d", "Supabase has an authority of its own"),
        (RDS.format("postgresql", "cluster-"), "authority of its own"),
        (RDS.format("mysql", "cluster-") + "?sslrootcert=/opt/global-bundle.pem", None),
        ("sqlite:///x.db", None),
    ],
)
def test_addresses_whose_server_is_not_checked(url: str, reason: str | None) -> None:
    found = unchecked_reason(url)
    assert (reason in found) if reason and found else (found is reason)


@direct_to_servers
def test_behind_rds_proxy_nothing_is_set(database_url: str) -> None:
    """A SET pins a session there, and PyMySQL's opening is the one exception."""
    with between(database_url) as proxy, closing(open_database(f"{proxy.url}?pooler=rds-proxy")) as db:
        assert teams(db) == 0
        db.run(count_one)
        db.until(time.monotonic() + 5).run(count_one)
        assert teams(db) == 2
        assert b"counters" in proxy.sent
        said = proxy.sent.upper()
        for opening in (b"SET NAMES UTF8MB4", b"SET AUTOCOMMIT = 1"):
            said = said.replace(opening, b"")
        assert not re.search(rb"\bSET (LOCAL|STATEMENT|SESSION|NAMES|AUTOCOMMIT)\b", said)


def test_paths_of_sqlite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert sqlite_path("sqlite:///data/x.db") == "data/x.db"
    assert sqlite_path("sqlite:////var/lib/x.db") == "/var/lib/x.db"
    assert sqlite_path("sqlite:///data/a%20b%3F.db") == "data/a b?.db"


@direct_to_servers
def test_hostile_names_and_passwords(database_url: str) -> None:
    """MariaDB checks the password; the tests' PostgreSQL trusts, so there it is the user's name that has to survive."""
    kind, name = database_url.partition(":")[0], HOSTILE + database_url[-6:]
    quoted = '"' + name.replace('"', '""') + '"'
    with bare.cursor(database_url) as administrator:
        if kind == "mysql":
            administrator.execute("CREATE USER %s IDENTIFIED BY %s", (name, HOSTILE))
            administrator.execute("GRANT SELECT ON counters TO %s", (name,))
        else:
            administrator.execute(f"CREATE ROLE {quoted} LOGIN")
            administrator.execute(f"GRANT SELECT ON counters TO {quoted}")
        try:
            user = f"{quote(name, safe='')}:{quote(HOSTILE, safe='')}"
            with closing(open_database(databases.as_user(user, database_url))) as db:
                assert teams(db) == 0
            if kind == "mysql":
                wrong = f"{quote(name, safe='')}:wrong"
                with pytest.raises(faults.Unreachable):
                    teams(open_database(databases.as_user(wrong, database_url)))
        finally:
            if kind == "mysql":
                administrator.execute("DROP USER %s", (name,))
            else:
                administrator.execute(f"DROP OWNED BY {quoted}; DROP ROLE {quoted}")


def test_a_password_reaches_libpq_as_it_is() -> None:
    driver = driver_for(f"postgresql://u:{quote(HOSTILE, safe='')}@h/d")
    assert isinstance(driver, PostgresqlDriver)
    assert driver.options["password"] == HOSTILE


# Who answers has to prove who it is.  SC 70


@direct_to_servers
def test_a_server_without_tls_is_taken_on_this_machine_only(database_url: str) -> None:
    with between(database_url, REMOTE) as proxy:
        with pytest.raises(faults.Unreachable):
            teams(open_database(proxy.url))
        assert b"counters" not in proxy.sent
        with closing(open_database(f"{proxy.url}?sslmode=disable")) as db:
            assert teams(db) == 0
        with pytest.raises(faults.Unreachable):
            teams(open_database(f"{database_url}?sslmode=require"))


@direct_to_servers
def test_unix_sockets(database_url: str) -> None:
    """As Cloud SQL is reached on Google's platforms, where their proxy makes the socket."""
    is_mysql = database_url.startswith("mysql")
    [[place]] = bare.rows(database_url, "SELECT @@socket" if is_mysql else "SHOW unix_socket_directories")
    for parameter in ("host", "unix_socket") if is_mysql else ("host",):
        # PostgreSQL's port is a part of the file's name.
        with closing(open_database(f"{database_url.replace('127.0.0.1', '')}?{parameter}={place}")) as db:
            assert teams(db) == 0


@direct_to_postgresql
def test_a_host_in_the_query_is_verified_too(database_url: str) -> None:
    with between(database_url, REMOTE) as proxy, pytest.raises(faults.Unreachable):
        teams(open_database(proxy.url.replace(REMOTE, "127.0.0.1") + f"?host={REMOTE}"))


@direct_to_servers
def test_certificates(database_url: str, certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def reaches(url: str) -> bool:
        try:
            with closing(open_database(url)) as db:
                return teams(db) == 0
        except faults.Unreachable:
            return False

    with (
        before(database_url, certificate) as front,
        before(database_url, certificate, "127.0.0.3") as another,
    ):
        url, other = front.url, another.url
        assert not reaches(url)  # nobody we know vouches for it
        assert reaches(f"{url}?sslmode=require")
        assert reaches(f"{url}?sslrootcert={certificate}")
        assert not reaches(f"{other}?sslrootcert={certificate}")  # it is another's
        assert reaches(f"{other}?sslrootcert={certificate}&sslmode=verify-ca")
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))  # the system's authorities, as OpenSSL lets one name them
        assert reaches(url)
        assert not reaches(other)


@pytest.mark.skipif(not Path("/etc/ssl/certs/ca-certificates.crt").exists(), reason="no system certificates")
def test_the_systems_authorities_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    driver = driver_for("postgresql://u@db.example.com/d")
    assert isinstance(driver, PostgresqlDriver)
    assert driver.options["sslmode"] == "verify-full"
    assert driver.options["sslrootcert"] == "/etc/ssl/certs/ca-certificates.crt"


@pytest.mark.parametrize(
    ("query", "checks_host", "mode"),
    [
        ("", True, ssl.CERT_REQUIRED),
        ("?sslmode=verify-ca", False, ssl.CERT_REQUIRED),
        ("?sslmode=require", False, ssl.CERT_NONE),
    ],
)
def test_tls_to_mysql(query: str, checks_host: bool, mode: ssl.VerifyMode) -> None:
    context = driver_for(f"mysql://u@db.example.com/d{query}").options["ssl"]  # type: ignore[attr-defined]
    assert (context.check_hostname, context.verify_mode) == (checks_host, mode)


@on_mariadb
def test_connecting_here_loads_no_certificates(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def load(*_: object) -> None:
        raise AssertionError("that is 40 ms")

    monkeypatch.setattr(ssl.SSLContext, "load_default_certs", load)
    with closing(open_database(database_url)) as db:
        assert teams(db) == 0
