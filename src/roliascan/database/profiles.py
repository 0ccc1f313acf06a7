"""From a database address to a driver and its options: what each server needs, and what it must not be sent."""

import os
import re
from functools import partial
from typing import NamedTuple
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from roliascan.database.drivers import Driver, Way, directly

CONNECT_TIMEOUT_S = 5
PAUSE_S = 30  # Aurora takes some 15 s to resume, and holds the connection meanwhile
_PROVIDERS = {  # by the end of their host names
    ".neon.tech": "Neon",
    ".psdb.cloud": "PlanetScale",
    ".supabase.co": "Supabase",
    ".supabase.com": "Supabase",
    ".rds.amazonaws.com": "RDS",
    ".rds.amazonaws.com.cn": "RDS",
    ".rds.cn-north-1.amazonaws.com.cn": "RDS",
    ".rds.cn-northwest-1.amazonaws.com.cn": "RDS",
    ".postgres.database.azure.com": "Azure Database for PostgreSQL",
    ".mysql.database.azure.com": "Azure Database for MySQL",
}
_OWN_AUTHORITY = {"RDS", "Aurora", "Supabase"}
_WAKES_S = {"Neon": 5}
_POOLER_PORTS = {6432, 6543}  # pgbouncer, also that of PlanetScale and Azure; Supabase
_NAME = re.compile(r"[A-Za-z_.-]{2,30}")
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}
_PARAMETERS = {
    "sqlite": {"foreign_keys"},
    "postgresql": {"auth", "foreign_keys", "host", "pauses", "pooler", "sslmode", "sslrootcert"},
}
_PARAMETERS["postgres"] = _PARAMETERS["postgresql"]
_PARAMETERS["mysql"] = {*_PARAMETERS["postgresql"], "unix_socket"}
# Of other programs, in addresses that providers hand out. What they ask for we do anyway, or have settings for.
_PASSED_OVER = {"application_name", "channel_binding", "connect_timeout", "connection_limit", "pgbouncer", "sslaccept"}
_SSLMODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
_ROOTS = (
    "/etc/ssl/certs/ca-certificates.crt",  # Debian, Ubuntu, Alpine
    "/etc/pki/tls/certs/ca-bundle.crt",  # Amazon Linux, Fedora
    "/etc/ssl/cert.pem",  # macOS, BSD
)


class BadAddress(ValueError):
    """A database address that cannot be used; the message says what to write instead."""


class Profile(NamedTuple):
    """What the place of a database asks of us, beside its address."""

    name: str
    """In plain words, for people."""
    pooled: str = ""
    """Why it is a pooler's, behind which migrations have neither a lock nor a session of their own; or nothing."""
    limits: bool = True
    """Whether statements bring their time limits; else a role has to have them."""
    wakes_s: int = 0
    """For how long connecting is tried again, because the database may be asleep."""
    connect_s: int = CONNECT_TIMEOUT_S
    """How long one try may take."""
    auth: str = ""
    """By which tokens one logs in, or nothing where by a password."""
    foreign_keys: bool = True
    """Whether migrations make any."""


def profile(url: str) -> Profile:
    """The profile of an address: known by its host and port, unless its `pooler` or `pauses` say otherwise."""
    parts = _split(url)
    query = _query(parts)
    foreign_keys = _one_of(query, "foreign_keys", "on", "off") != "off"
    if parts.scheme == "sqlite":
        return Profile("an embedded database", foreign_keys=foreign_keys)
    host = _host(parts, query)
    name = _place(host)
    pooler = _one_of(query, "pooler", "none", "transaction", "rds-proxy")
    reason = f"it says pooler={pooler}" if pooler else _pooler_reason(host, _port(parts, 0))
    found = Profile(name, wakes_s=_WAKES_S.get(name, 0))
    if pooler == "rds-proxy" or (not pooler and ".proxy-" in host):
        found = Profile("RDS Proxy", reason, limits=False)
    elif pooler != "none" and reason:
        found = found._replace(name=f"{name}, pooled by transaction", pooled=reason)
    if _one_of(query, "pauses", "yes", "no") == "yes":
        found = found._replace(name=f"{found.name}, that pauses", wakes_s=PAUSE_S, connect_s=PAUSE_S)
    auth = _auth(query)
    return found._replace(auth="" if auth == "password" else auth, foreign_keys=foreign_keys)


def unchecked_reason(url: str) -> str | None:
    """Why nobody checks who answers there, or why the check is going to fail; None where all is well."""
    parts = _split(url)
    query = _query(parts)
    host = _host(parts, query)
    if parts.scheme == "sqlite" or _is_near(host):
        return None
    if not _sslmode(host, query, local="").startswith("verify-"):
        return f"sslmode={query['sslmode']} does not check who answers; leave it out"
    if _place(host) in _OWN_AUTHORITY and ".proxy-" not in host and not query.get("sslrootcert"):
        return f"{_place(host)} has an authority of its own, which systems do not know: name its file by sslrootcert"
    return None


def _place(host: str) -> str:
    """Whose database is there, in plain words."""
    if host.startswith("/"):
        return "Cloud SQL, by a Unix socket" if host.startswith("/cloudsql/") else "a server by a Unix socket"
    if host in _LOOPBACK:
        return "a server on this machine"
    name = next((name for end, name in _PROVIDERS.items() if host.endswith(end)), "a server")
    return "Aurora" if name == "RDS" and ".cluster-" in host else name


def _pooler_reason(host: str, port: int) -> str:
    if "-pooler" in host:
        return "its host has -pooler in its name"
    if ".proxy-" in host:
        return "its host is an RDS Proxy"
    return f"port {port} is a pooler's" if port in _POOLER_PORTS else ""


def _is_near(host: str) -> bool:
    return host.startswith("/") or host in _LOOPBACK


def driver_for(url: str, *, patient: bool = False) -> Driver:
    """The driver of `sqlite:///path`, `postgresql://user:password@host:port/name` or `mysql://...`; raises BadAddress.

    The driver's package is imported here, at first use, so that a process loads only the one that it needs. A `patient`
    one lets a statement take as long as it likes, which migrations need.
    """
    parts = _split(url)
    if parts.scheme == "sqlite":
        profile(url)
        return _sqlite(url)
    if parts.scheme in {"postgresql", "postgres"}:
        return _postgresql(parts, profile(url))
    if parts.scheme == "mysql":
        return _mysql(parts, profile(url), patient=patient)
    raise BadAddress("it must start with sqlite:, postgresql: or mysql:")


def pooled_reason(url: str) -> str | None:
    """Why the address seems to lead to a pooler, or None."""
    return profile(url).pooled or None


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
    """Its parameters. Raises BadAddress for one that nobody would look at; it names them, never their values."""
    _port(parts, 0)  # what follows a ? in a password is no parameter, and not to be told
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    known = _PARAMETERS.get(parts.scheme, query.keys())
    if unknown := sorted(query.keys() - known - _PASSED_OVER):
        told = ", ".join(name if _NAME.fullmatch(name) else "one that is no word" for name in unknown)
        raise BadAddress(f"it has parameters that are not known: {told}; there are {', '.join(sorted(known))}")
    return query


def _host(parts: SplitResult, query: dict[str, str]) -> str:
    """A name, an address, or the directory (PostgreSQL) or file (MySQL) of a socket."""
    socket = query.get("unix_socket", "") if parts.scheme == "mysql" else ""
    return query.get("host") or socket or parts.hostname or "localhost"


def _one_of(query: dict[str, str], name: str, *values: str) -> str:
    """A parameter that has to be one of these, or is not there."""
    value = query.get(name, "")
    if value not in {"", *values}:
        raise BadAddress(f"its {name} is none of {', '.join(values)}")
    return value


def _auth(query: dict[str, str]) -> str:
    return _one_of(query, "auth", "password", "aws-iam", "google-iam")


def _way(found: Profile, login: Way) -> Way:
    """How to connect; what only a few need is loaded for those."""
    if not found.wakes_s:
        return login
    from roliascan.database.waking import Waking

    return Waking(found.wakes_s, login)


def _login(parts: SplitResult, query: dict[str, str], host: str, port: int, mode: str) -> Way:
    """By the password of the address, or by a token instead, which only a server that proved itself may see."""
    auth = _auth(query)
    if auth in {"", "password"}:
        return directly
    if not parts.username or parts.password:
        raise BadAddress(f"auth={auth} needs a user and no password: write {parts.scheme}://user@host/name?auth={auth}")
    is_proxied = auth == "google-iam" and host.startswith("/")  # Google's proxy proves, and encrypts
    # Of the authorities that everybody knows, anybody has a certificate of some name.
    is_verified = mode == "verify-full" or (mode == "verify-ca" and query.get("sslrootcert"))
    if not is_verified and not is_proxied:
        raise BadAddress(
            f"auth={auth} needs TLS that is verified: leave sslmode out, or write verify-ca and name the file of the"
            " server's own authority by sslrootcert"
        )
    from roliascan.database import tokens

    if auth == "google-iam":
        return tokens.ByToken(tokens.of_google)
    return tokens.ByToken(partial(tokens.of_aws, host, port, unquote(parts.username), _region(host)))


def _region(host: str) -> str:
    told = re.search(r"\.([a-z0-9-]+)\.rds\.amazonaws\.com(?:\.cn)?$|\.rds\.([a-z0-9-]+)\.amazonaws\.com\.cn$", host)
    region = told[1] or told[2] if told else os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    if not region:
        raise BadAddress("its host names no region of AWS, and neither does AWS_REGION")
    return region


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
    return _one_of(query, "sslmode", *_SSLMODES) or (local if _is_near(host) else "verify-full")


def _system_roots() -> str:
    """The file of the system's certificate authorities; the OpenSSL in psycopg2's wheel looks in a wrong place."""
    named = os.environ.get("SSL_CERT_FILE")
    return named or next((path for path in _ROOTS if os.path.exists(path)), "system")


def _postgresql(parts: SplitResult, found: Profile) -> Driver:
    from roliascan.database.postgresql import PostgresqlDriver

    query = _query(parts)
    host = _host(parts, query)
    options: dict[str, str | int] = {
        "host": host,
        "port": _port(parts, 5432),
        "dbname": _name(parts),
        "user": unquote(parts.username or ""),
        "password": unquote(parts.password or ""),
        "connect_timeout": found.connect_s,
        "client_encoding": "UTF8",
        "keepalives_idle": 30,
        "keepalives_interval": 10,
        "keepalives_count": 3,
        # A peer that vanished while the process was frozen is noticed after this many milliseconds.
        "tcp_user_timeout": 10_000,
    }
    options["sslmode"] = mode = _sslmode(host, query, local="prefer")
    if mode.startswith("verify-"):
        options["sslrootcert"] = query.get("sslrootcert") or _system_roots()
    given = {name: value for name, value in options.items() if value != ""}
    login = _login(parts, query, host, _port(parts, 5432), mode)
    return PostgresqlDriver(given, limits=found.limits, way=_way(found, login))


def _mysql(parts: SplitResult, found: Profile, *, patient: bool) -> Driver:
    from roliascan.database.mysql import MysqlDriver

    query = _query(parts)
    host = _host(parts, query)
    options: dict[str, object] = {
        "database": _name(parts),
        "user": unquote(parts.username or "root"),
        "password": unquote(parts.password or "").encode(),  # PyMySQL would make Latin-1 of text
        "connect_timeout": found.connect_s,
        "read_timeout": None if patient else 30,
        "write_timeout": 30,
    }
    options |= {"unix_socket": host} if host.startswith("/") else {"host": host, "port": _port(parts, 3306)}
    mode = _sslmode(host, query, local="disable")
    # PyMySQL would load the system's certificates for every connection: 40 ms of CPU.
    options |= {"ssl_disabled": True} if mode == "disable" else {"ssl": _tls(mode, query.get("sslrootcert"))}
    login = _login(parts, query, host, _port(parts, 3306), mode)
    return MysqlDriver(options, limits=found.limits, way=_way(found, login))


def _tls(mode: str, roots: str | None) -> object:
    """PyMySQL has no modes of its own; what libpq would only prefer, it insists on."""
    import ssl

    context = ssl.create_default_context(cafile=roots)
    # Strict, which Python 3.13 made the default, refuses certificates that providers use; OpenSSL and libpq take them.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    context.check_hostname = mode == "verify-full"
    context.verify_mode = ssl.CERT_REQUIRED if mode.startswith("verify-") else ssl.CERT_NONE
    return context
