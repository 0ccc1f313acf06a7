"""Addresses: what they may hold, what is refused, and that nothing is sent where nobody proved who they are."""

import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest

from roliascan.database import BadAddress, faults, open_database
from roliascan.database.postgresql import PostgresqlDriver
from roliascan.database.profiles import driver_for, pooled_reason, sqlite_path
from tests.database import bare
from tests.database.kinds import on_mariadb, on_postgresql, on_servers
from tests.database.proxy import between
from tests.database.test_connections import teams
from tests.servers import databases

HOSTILE = "p@ss:w/o?r#d[]%25 +&=ü'\"\\"
REMOTE = "127.0.0.2"  # this machine too, but not by a name that we trust


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
    ],
)
def test_addresses_that_are_refused(url: str, says: str) -> None:
    with pytest.raises(BadAddress, match=says) as caught:
        open_database(url)
    assert "pa" not in str(caught.value).replace("pass", "")  # a refusal is logged, so it repeats no password


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
        ("sqlite:///my-pooler.db", None),
    ],
)
def test_pooled_addresses(url: str, pooled: str | None) -> None:  # SC 75
    found = pooled_reason(url)
    assert (pooled in found) if pooled and found else (found is pooled)


def test_paths_of_sqlite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert sqlite_path("sqlite:///data/x.db") == "data/x.db"
    assert sqlite_path("sqlite:////var/lib/x.db") == "/var/lib/x.db"
    assert sqlite_path("sqlite:///data/a%20b%3F.db") == "data/a b?.db"


@on_servers
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


@on_servers
def test_a_server_without_tls_is_taken_on_this_machine_only(database_url: str) -> None:
    with between(database_url, REMOTE) as proxy:
        with pytest.raises(faults.Unreachable):
            teams(open_database(proxy.url))
        assert b"counters" not in proxy.sent
        with closing(open_database(f"{proxy.url}?sslmode=disable")) as db:
            assert teams(db) == 0
        with pytest.raises(faults.Unreachable):
            teams(open_database(f"{database_url}?sslmode=require"))


@on_postgresql
def test_a_host_in_the_query_is_verified_too(database_url: str) -> None:
    with between(database_url, REMOTE) as proxy, pytest.raises(faults.Unreachable):
        teams(open_database(proxy.url.replace(REMOTE, "127.0.0.1") + f"?host={REMOTE}"))


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate of REMOTE that signed itself, with its key in the same file."""
    file = tmp_path_factory.mktemp("tls") / "both.pem"
    words = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=x"
    words += f" -addext subjectAltName=IP:{REMOTE} -keyout {file} -out {file}.crt"
    subprocess.run(["openssl", *words.split()], check=True, capture_output=True)
    file.write_bytes(file.read_bytes() + Path(f"{file}.crt").read_bytes())
    return file


@contextmanager
def tls_before(url: str, certificate: Path, host: str) -> Iterator[str]:
    """PostgreSQL's TLS in front of a server that has none: a word in clear, a yes, and then TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    parts = urlsplit(url)

    def serve() -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                with suppress(OSError):
                    assert client.recv(8) == b"\0\0\0\x08\x04\xd2\x16\x2f"  # SSLRequest
                    client.sendall(b"S")
                    secured = context.wrap_socket(client, server_side=True)
                    server = socket.create_connection(("127.0.0.1", parts.port or 0))
                    threading.Thread(target=pour, args=(secured, server), daemon=True).start()
                    threading.Thread(target=pour, args=(server, secured), daemon=True).start()

    def pour(source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(1 << 16):
                sink.sendall(data)
        for end in (source, sink):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    with socket.create_server((host, 0)) as listener:
        threading.Thread(target=serve, daemon=True).start()
        yield parts._replace(netloc=f"{parts.username}@{host}:{listener.getsockname()[1]}").geturl()
        listener.shutdown(socket.SHUT_RDWR)


@on_postgresql
def test_certificates(database_url: str, certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def reaches(url: str) -> bool:
        try:
            with closing(open_database(url)) as db:
                return teams(db) == 0
        except faults.Unreachable:
            return False

    with (
        tls_before(database_url, certificate, REMOTE) as url,
        tls_before(database_url, certificate, "127.0.0.3") as other,
    ):
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
