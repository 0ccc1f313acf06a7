"""From a database address to a driver and its options: what each server needs, and what it must not be sent."""

import os
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from roliascan.database.drivers import Driver

CONNECT_TIMEOUT_S = 5
_POOLER_PORTS = {6432, 6543}
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}
_SSLMODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
_ROOTS = (
    "/etc/ssl/certs/ca-certificates.crt",  # Debian, Ubuntu, Alpine
    "/etc/pki/tls/certs/ca-bundle.crt",  # Amazon Linux, Fedora
    "/etc/ssl/cert.pem",  # macOS, BSD
)


class BadAddress(ValueError):
    """A database address that cannot be used; the message says what to write instead."""


def driver_for(url: str, *, patient: bool = False) -> Driver:
    """The driver of `sqlite:///path`, `postgresql://user:password@host:port/name` or `mysql://...`; raises BadAddress.

    The driver's package is imported here, at first use, so that a process loads only the one that it needs. A `patient`
    one lets a statement take as long as it likes, which migrations need.
    """
    parts = _split(url)
    if parts.scheme == "sqlite":
        return _sqlite(url)
    if parts.scheme in {"postgresql", "postgres"}:
        return _postgresql(parts)
    if parts.scheme == "mysql":
        return _mysql(parts, patient=patient)
    raise BadAddress("it must start with sqlite:, postgresql: or mysql:")


def pooled_reason(url: str) -> str | None:
    """Why the address seems to lead to a pooler (of Neon, PlanetScale, Supabase, RDS), or None."""
    parts = _split(url)
    host = _host(parts, _query(parts))
    if "-pooler" in host:
        return "its host has -pooler in its name"
    if ".proxy-" in host:
        return "its host is an RDS Proxy"
    if parts.scheme != "sqlite" and _port(parts, 0) in _POOLER_PORTS:
        return f"port {parts.port} is a pooler's"
    return None


def sqlite_path(url: str) -> str:
    """`sqlite:///relative.db` and `sqlite:////absolute.db`, as SQLAlchemy reads them too."""
    path = unquote(urlsplit(url).path)[1:]
    if not url.startswith("sqlite:///") or not path:
        raise BadAddress("write sqlite:///data/roliascan.db (relative) or sqlite:////var/lib/roliascan.db (absolute)")
    return path


def _split(url: str) -> SplitResult:
    try:
        return urlsplit(url)
    except ValueError:
        raise BadAddress("write special characters of its password as %XX") from None


def _sqlite(url: str) -> Driver:
    from roliascan.database.sqlite import SqliteDriver

    return SqliteDriver(sqlite_path(url))


def _query(parts: SplitResult) -> dict[str, str]:
    return dict(parse_qsl(parts.query, keep_blank_values=True))


def _host(parts: SplitResult, query: dict[str, str]) -> str:
    """A name, an address, or the directory (PostgreSQL) or file (MySQL) of a socket."""
    return query.get("host") or parts.hostname or "localhost"


def _name(parts: SplitResult) -> str:
    name = unquote(parts.path.lstrip("/"))
    if not name:
        raise BadAddress(f"it names no database: write {parts.scheme}://user:password@host/name")
    return name


def _port(parts: SplitResult, default: int) -> int:
    try:
        return parts.port or default
    except ValueError:
        raise BadAddress(
            "its port is not a number between 1 and 65535, or its password has special characters: write those as %XX"
        ) from None


def _sslmode(host: str, query: dict[str, str], *, local: str) -> str:
    """Full verification, except on this machine or where the address asks for something else."""
    mode = query.get("sslmode") or (local if host.startswith("/") or host in _LOOPBACK else "verify-full")
    if mode not in _SSLMODES:
        raise BadAddress(f"its sslmode is none of {', '.join(_SSLMODES)}")
    return mode


def _system_roots() -> str:
    """The file of the system's certificate authorities; the OpenSSL in psycopg2's wheel looks in a wrong place."""
    named = os.environ.get("SSL_CERT_FILE")
    return named or next((path for path in _ROOTS if os.path.exists(path)), "system")


def _postgresql(parts: SplitResult) -> Driver:
    from roliascan.database.postgresql import PostgresqlDriver

    query = _query(parts)
    host = _host(parts, query)
    options: dict[str, str | int] = {
        "host": host,
        "port": _port(parts, 5432),
        "dbname": _name(parts),
        "user": unquote(parts.username or ""),
        "password": unquote(parts.password or ""),
        "connect_timeout": CONNECT_TIMEOUT_S,
        "client_encoding": "UTF8",
        "keepalives_idle": 30,
        "keepalives_interval": 10,
        "keepalives_count": 3,
        # A peer that vanished while the process was frozen is noticed after this many milliseconds.
        "tcp_user_timeout": 10_000,
    }
    options["sslmode"] = _sslmode(host, query, local="prefer")
    if options["sslmode"] in {"verify-ca", "verify-full"}:
        options["sslrootcert"] = query.get("sslrootcert") or _system_roots()
    return PostgresqlDriver({name: value for name, value in options.items() if value != ""})


def _mysql(parts: SplitResult, *, patient: bool) -> Driver:
    from roliascan.database.mysql import MysqlDriver

    query = _query(parts)
    host = _host(parts, query)
    options: dict[str, object] = {
        "database": _name(parts),
        "user": unquote(parts.username or "root"),
        "password": unquote(parts.password or "").encode(),  # PyMySQL would make Latin-1 of text
        "connect_timeout": CONNECT_TIMEOUT_S,
        "read_timeout": None if patient else 30,
        "write_timeout": 30,
    }
    options |= {"unix_socket": host} if host.startswith("/") else {"host": host, "port": _port(parts, 3306)}
    mode = _sslmode(host, query, local="disable")
    # PyMySQL would load the system's certificates for every connection: 40 ms of CPU.
    options |= {"ssl_disabled": True} if mode == "disable" else {"ssl": _tls(mode, query.get("sslrootcert"))}
    return MysqlDriver(options)


def _tls(mode: str, roots: str | None) -> object:
    """PyMySQL has no modes of its own; what libpq would only prefer, it insists on."""
    import ssl

    context = ssl.create_default_context(cafile=roots)
    # Strict, which Python 3.13 made the default, refuses certificates that providers use; OpenSSL and libpq take them.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    context.check_hostname = mode == "verify-full"
    context.verify_mode = ssl.CERT_REQUIRED if mode.startswith("verify-") else ssl.CERT_NONE
    return context
