"""Settings: one frozen struct, read from environment variables; every problem is named at once and stops the start."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from itertools import takewhile
from typing import Any
from urllib.parse import urlsplit

import msgspec

from roliascan import vaults

FUNCTION_MARKERS = ("AWS_LAMBDA_FUNCTION_NAME", "K_SERVICE", "FUNCTIONS_WORKER_RUNTIME")
"""Variables that AWS Lambda, Cloud Run and Cloud Functions, and Azure Functions set for what they run."""

_PATIENCE = {"K_SERVICE": "60s", "FUNCTIONS_WORKER_RUNTIME": "230s"}
"""After which a platform cuts a request, unless it is told otherwise, where it does not tell each request."""

_HOPS = {"K_SERVICE": 1}
"""Proxies that a platform puts before a server of ours: the front end of Cloud Run, which sets K_SERVICE.

cloud.google.com/run/docs/container-contract has the variable. That Google's front ends add the client's address at the
right of X-Forwarded-For is documented for its load balancers, which are made of them
(cloud.google.com/load-balancing/docs/https, "X-Forwarded-For header"); of Cloud Run by itself, services that printed
their headers say so.
"""

_FLEETING = "sqlite: does not last on a function platform; use postgresql: or mysql:"

_OBJECT_STORAGES = {"s3", "gs", "az"}
_UPLOADTHING = "uploadthing:"

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


_TRACES_TO = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
_OTLP = "http/protobuf"
_SAMPLERS = [
    f"{parent}{kind}" for parent in ("", "parentbased_") for kind in ("always_on", "always_off", "traceidratio")
]
_OF_TRACES = {
    "OTEL_SDK_DISABLED": "false",
    "OTEL_TRACES_EXPORTER": "otlp",
    "OTEL_EXPORTER_OTLP_PROTOCOL": _OTLP,
    "OTEL_TRACES_SAMPLER": "parentbased_always_on",
    "OTEL_TRACES_SAMPLER_ARG": "1",
}
_HEADERS_OF_TRACES = ("OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_TRACES_HEADERS")
_HEADER = re.compile(
    r"[\w.-]+[ \t]*=(?:[ !#-$&-+\--:<-\[\]-~]|%(?:[2-6][0-9a-f]|7[0-9a-e]))*", re.ASCII | re.IGNORECASE
)
"""What the SDK passes on; any other it drops, or cannot send, and quotes in the log either way: it is mostly a key."""
_WRITE_HEADERS = "write name=value, with commas between several, and in a value %2C for a comma, %25 for %"

_LONG = 9
"""Letters of a name that others would not give to something else by chance; HOST, PORT and DATA_DIR are shorter."""


class BadSettings(ValueError):
    """The settings cannot be used; `problems` has one sentence for each, and no secret value."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        super().__init__("These settings need mending:\n" + "\n".join(f"  - {problem}" for problem in problems))


class Limit(msgspec.Struct, frozen=True):
    """At most `count` in `seconds`."""

    count: int
    seconds: int


DEFAULT_LIMITS = {
    "login": Limit(10, 300),
    "register": Limit(5, 1800),
    "comment": Limit(20, 300),
    "upload": Limit(400, 600),
    "jpeg": Limit(200, 600),
}
"""Of one address, or of one person who is signed in; `upload` counts files, `jpeg` the pages that are made one."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What the app is told from outside. Times are in seconds, sizes in bytes."""

    database_url: str
    database_url_again: Callable[[], str] | None = None
    """Reads DATABASE_URL anew, where it is kept in a file or a secret store and may change. Raises ValueError."""
    database_direct_url: str
    database_pool: int
    jwt_secret: str
    jwt_expires_in: int
    host: str
    port: int
    upload_method: str
    storage_url: str
    azure_storage_key: str
    uploadthing_token: str
    max_file_size: int
    public_url: str
    public_url_given: bool
    image_url: str
    files: str
    """`public`: whoever knows the address of a file in an object storage reads it there. `private`: nobody does."""
    cors_origins: frozenset[str]
    trusted_hops: int
    rate_limits: dict[str, Limit]
    read_only: bool
    request_timeout: int
    """0: as long as it takes, or as long as the platform tells with each request."""
    metrics: str
    """`emf`: within the lines of the log, as CloudWatch reads them."""
    metrics_token: str
    """Who has it reads what a server has counted; "" for nobody."""
    data_dir: str
    on_function: bool
    traces: bool
    """Whether OTEL_* ask for traces; the SDK reads the rest of them itself."""

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> "Settings":
        """Reads and checks everything; raises BadSettings with every problem at once."""
        given = _Given(environ)
        on_function = _on_function(environ)
        data_dir = given.text("DATA_DIR", "data")
        database_url = given.address("DATABASE_URL", f"sqlite:///{data_dir}/roliascan.db")
        upload_method = given.text("UPLOAD_METHOD", "server")
        host, port = given.text("HOST", "127.0.0.1"), given.number("PORT", 3000, 1, 65535)
        settings = cls(
            database_url=database_url,
            database_url_again=given.again("DATABASE_URL", database_url),
            database_direct_url=given.address("DATABASE_DIRECT_URL", database_url),
            database_pool=given.number("DATABASE_POOL", 1 if environ.get(FUNCTION_MARKERS[0]) else 4, 1, 100),
            jwt_secret=given.secret("JWT_SECRET"),
            jwt_expires_in=given.read("JWT_EXPIRES_IN", "7d", duration),
            host=host,
            port=port,
            upload_method=upload_method,
            storage_url=given.text(
                "STORAGE_URL", _UPLOADTHING if upload_method == "cdn" else f"file:{data_dir}/uploads"
            ),
            azure_storage_key=given.secret("AZURE_STORAGE_KEY"),
            uploadthing_token=given.secret("UPLOADTHING_TOKEN"),
            max_file_size=given.number("MAX_FILE_SIZE", 10485760, 1, 5 * 1024**3),
            public_url=given.read("PUBLIC_URL", f"http://{host}:{port}", _address),
            public_url_given=bool(given.text("PUBLIC_URL", "")),
            image_url=given.read("IMAGE_URL", "", _address),
            files=given.text("FILES", "public"),
            cors_origins=given.read("CORS_ORIGINS", "", _origins),
            trusted_hops=given.number("TRUSTED_HOPS", _hops(environ), 0, 20),
            rate_limits=given.read("RATE_LIMITS", "on", _limits),
            read_only=given.read("READ_ONLY", "off", _switch),
            request_timeout=given.read("REQUEST_TIMEOUT", _patience(environ), _optional_duration),
            metrics=given.text("METRICS", "off"),
            metrics_token=given.secret("METRICS_TOKEN"),
            data_dir=data_dir,
            on_function=on_function,
            traces=given.traces(),
        )
        given.text("GOOGLE_CLOUD_PROJECT", "")  # platforms/lines.py reads it, before there are settings
        given.text("SWEEP", "")  # and platforms/azure_functions.py this, for Azure's timer
        given.add(_contradictions(settings, allow_ephemeral=given.allows_ephemeral))
        given.add(given.misspelt())
        if given.problems:
            raise BadSettings(given.problems)
        return settings

    @property
    def in_object_storage(self) -> bool:
        """Whether files are kept where clients can send and read them without us."""
        return self.storage_url.partition(":")[0] in {*_OBJECT_STORAGES, "uploadthing"}

    @property
    def serves_files(self) -> bool:
        """Whether readers get files from us alone, who ask who they are; not past us, from a storage or a CDN."""
        return not (self.in_object_storage and (self.image_url or self.upload_method == "cdn"))

    def __repr__(self) -> str:
        """Names no secret: this may end in a log."""
        return f"Settings(database={urlsplit(self.database_url).scheme}, storage={self.storage_url.split(':')[0]})"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        """For programs that would else print every field."""
        return []


def direct_url(environ: Mapping[str, str]) -> str:
    """Where migrations connect, for a function that does nothing else, and is told nothing else. Raises BadSettings."""
    given = _Given(environ)
    url = given.address("DATABASE_DIRECT_URL", "") or given.address("DATABASE_URL", "")
    given.add([] if url else ["DATABASE_DIRECT_URL: set it to the address of the database itself"])
    if _on_function(environ) and url.startswith("sqlite:") and not given.allows_ephemeral:
        given.add([f"DATABASE_DIRECT_URL: {_FLEETING}"])
    given.add(given.misspelt())
    if given.problems:
        raise BadSettings(given.problems)
    return url


class _Given:
    """Reads variables and collects what is wrong with them."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.environ = environ
        self.problems: list[str] = []
        self.asked: set[str] = set()

    def text(self, name: str, default: str) -> str:
        self.asked.add(name)
        return self.environ.get(name, "").strip() or default

    def secret(self, name: str) -> str:
        """As a value, in the file NAME_FILE, or what the one or the other refers to; "" where there is a problem."""
        return self._kept(name, "", vaults.resolved)

    def address(self, name: str, default: str) -> str:
        """The same for the address of a database, which may refer to its password only."""
        return self._kept(name, default, vaults.resolved_address)

    def _kept(self, name: str, default: str, resolve: Callable[[str], str]) -> str:
        try:
            written = self._written(name)
            return resolve(written) if written else default
        except ValueError as error:
            self.problems.append(f"{name}: {error}")
            return default

    def _written(self, name: str) -> str:
        value, file = self.text(name, ""), self.text(f"{name}_FILE", "")
        if not file:
            return value
        if value:
            raise ValueError(f"set either this or {name}_FILE, not both")
        try:
            with open(file, encoding="utf-8") as opened:
                return opened.read().strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ValueError(f"the file in {name}_FILE cannot be read ({type(error).__name__})") from None

    def again(self, name: str, found: str) -> Callable[[], str] | None:
        """What reads an address anew; None where it is plain, and so cannot change."""
        if self.environ.get(name, "").strip() in {found, ""} and not self.environ.get(f"{name}_FILE", "").strip():
            return None
        return partial(_address_again, self.environ, name)

    def traces(self) -> bool:
        """By the names of https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/."""
        endpoints = [self.read(name, "", _address) for name in _TRACES_TO]
        told = {name: self.text(name, default).lower() for name, default in _OF_TRACES.items()}
        headers = {name: self.text(name, "") for name in _HEADERS_OF_TRACES}
        if not any(endpoints) or told["OTEL_SDK_DISABLED"] == "true" or told["OTEL_TRACES_EXPORTER"] == "none":
            return False
        self.add(_untraceable(told))
        self.add(f"{name}: {_WRITE_HEADERS}" for name, text in headers.items() if not _are_headers(text))
        return True

    @property
    def allows_ephemeral(self) -> bool:
        return self.text("ALLOW_EPHEMERAL", "off") == "on"

    def add(self, problems: Iterable[str]) -> None:
        """Further ones, of settings that have none yet: what could not be read has its default, which may not fit."""
        named = {problem.partition(":")[0] for problem in self.problems}
        self.problems += [problem for problem in problems if problem.partition(":")[0] not in named]

    def misspelt(self) -> Iterator[str]:
        """Variables that are none of ours, but nearly called like one that is absent: never their values."""
        absent = [name for name in self.asked if len(name) >= _LONG and not self.environ.get(name)]
        for name in sorted(set(self.environ) - self.asked):
            for meant in absent:
                if abs(len(name) - len(meant)) <= 1 and _is_nearly(name, meant):
                    yield f"{name}: there is no such setting; did you mean {meant}?"

    def read(self, name: str, default: str, reader: Callable[[str], Any]) -> Any:
        try:
            return reader(self.text(name, default))
        except ValueError as error:
            self.problems.append(f"{name}: {error}")
            return reader(default)

    def number(self, name: str, default: int, least: int, most: int) -> int:
        text = self.text(name, str(default))
        if text.isascii() and text.isdigit() and len(text) < 12 and least <= int(text) <= most:
            return int(text)
        self.problems.append(f"{name}: write a whole number from {least} to {most}")
        return default


def _untraceable(told: Mapping[str, str]) -> Iterator[str]:
    """What the SDK would pass over, or cannot do."""
    if not _can_trace():
        how = ".venv/bin/pip install --require-hashes -r requirements/otel.txt"
        yield f"{_TRACES_TO[0]}: it is set, but its library is missing; in the clone's folder: {how}"
    if told["OTEL_EXPORTER_OTLP_PROTOCOL"] != _OTLP:
        yield f"OTEL_EXPORTER_OTLP_PROTOCOL: traces leave by {_OTLP} only; write that, or unset it"
    if told["OTEL_TRACES_SAMPLER"] not in _SAMPLERS:
        yield f"OTEL_TRACES_SAMPLER: write one of {', '.join(_SAMPLERS)}"
    if not re.fullmatch(r"0(\.[0-9]+)?|1(\.0+)?", told["OTEL_TRACES_SAMPLER_ARG"]):
        yield "OTEL_TRACES_SAMPLER_ARG: write a share from 0 to 1, such as 0.05"


def _are_headers(text: str) -> bool:
    return all(map(_HEADER.fullmatch, filter(None, map(str.strip, text.split(",")))))


def _can_trace() -> bool:
    from importlib.util import find_spec

    try:
        return find_spec("opentelemetry.exporter.otlp.proto.http") is not None
    except ModuleNotFoundError:  # of what is above it; other packages bring a part of that
        return False


def _on_function(environ: Mapping[str, str]) -> bool:
    return any(environ.get(marker) for marker in FUNCTION_MARKERS)


def _patience(environ: Mapping[str, str]) -> str:
    return next((patience for marker, patience in _PATIENCE.items() if environ.get(marker)), "")


def _hops(environ: Mapping[str, str]) -> int:
    return next((hops for marker, hops in _HOPS.items() if environ.get(marker)), 0)


def _address_again(environ: Mapping[str, str], name: str) -> str:
    given = _Given(environ)
    found = given.address(name, "")
    if given.problems:
        raise BadSettings(given.problems)
    return found


def _is_nearly(name: str, meant: str) -> bool:
    """Whether they differ in case only, or in one place: a letter, or two beside each other, wrong, missing or more."""
    if name.upper() == meant:
        return True
    start = _alike(name, meant)
    one, other = name[start:], meant[start:]
    return max(len(one), len(other)) - _alike(one[::-1], other[::-1]) <= 2


def _alike(one: str, other: str) -> int:
    """How many letters at their beginning are the same."""
    return len(list(takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False))))


def duration(text: str) -> int:
    """`30m`, `12h`, `7d` in seconds; raises ValueError."""
    match = re.fullmatch(r"([0-9]{1,6})([smhd])", text)
    if not match or int(match[1]) == 0:
        raise ValueError("write a time such as 30m, 12h or 7d")
    return int(match[1]) * _SECONDS[match[2]]


def _switch(text: str) -> bool:
    if text not in {"on", "off"}:
        raise ValueError("write on or off")
    return text == "on"


def _optional_duration(text: str) -> int:
    return duration(text) if text else 0


def _address(text: str) -> str:
    if text and not re.fullmatch(r"https?://[^\s/?#]+(/[^\s?#]*)?", text):
        raise ValueError("write an address such as https://comics.example, without ? or #")
    return text.rstrip("/")


def _origins(text: str) -> frozenset[str]:
    origins = frozenset(origin.strip().lower() for origin in text.split(",") if origin.strip())
    if any(not re.fullmatch(r"https?://[^\s/?#*]+", origin) for origin in origins):
        raise ValueError("write exact origins separated by commas, such as https://comics.example (no path, no *)")
    return origins


def _limits(text: str) -> dict[str, Limit]:
    if text == "off":
        return {}
    limits = dict(DEFAULT_LIMITS)
    for part in [] if text == "on" else text.split(","):
        match = re.fullmatch(r"\s*(\w+)=([0-9]{1,6})/([0-9]+[smhd])\s*", part)
        if not match or match[1] not in DEFAULT_LIMITS or int(match[2]) == 0:
            raise ValueError(f"write on, off, or pairs such as login=10/5m; known names: {', '.join(DEFAULT_LIMITS)}")
        limits[match[1]] = Limit(int(match[2]), duration(match[3]))
    return limits


def _contradictions(settings: Settings, *, allow_ephemeral: bool) -> list[str]:
    """What is well written but cannot work."""
    problems = []
    if len(settings.jwt_secret.encode()) < 32 or len(set(settings.jwt_secret)) < 8:
        fault = "it is too weak; set" if settings.jwt_secret else "set"
        problems.append(
            f"JWT_SECRET: {fault} it to at least 32 random bytes, made for example by: openssl rand -base64 48"
        )
    if settings.upload_method not in {"server", "cdn"}:
        problems.append("UPLOAD_METHOD: write server or cdn")
    is_uploadthing = settings.storage_url.startswith(_UPLOADTHING)
    if settings.upload_method == "cdn" and not is_uploadthing:
        problems.append("STORAGE_URL: leave it out with UPLOAD_METHOD=cdn, which keeps files at UploadThing")
    if settings.upload_method == "cdn" and not settings.uploadthing_token:
        problems.append(
            "UPLOADTHING_TOKEN: UPLOAD_METHOD=cdn needs it; UploadThing's dashboard shows it (API keys, V7)"
        )
    if settings.upload_method == "server" and is_uploadthing:
        problems.append("STORAGE_URL: uploadthing: goes with UPLOAD_METHOD=cdn")
    scheme = urlsplit(settings.database_url).scheme
    if scheme not in {"sqlite", "postgresql", "postgres", "mysql"}:
        problems.append("DATABASE_URL: it must start with sqlite:, postgresql: or mysql:")
    if settings.storage_url.partition(":")[0] not in {*_OBJECT_STORAGES, "file", "memory", "uploadthing"}:
        problems.append("STORAGE_URL: this version knows s3:, gs:, az:, file: and memory:")
    if settings.files not in {"public", "private"}:
        problems.append("FILES: write public or private")
    if settings.files == "private" and is_uploadthing:
        problems.append("FILES: what UploadThing keeps is public; set FILES=public, or UPLOAD_METHOD=server")
    if settings.files == "private" and settings.image_url:
        problems.append(
            "IMAGE_URL: unset it, or FILES: with FILES=private readers ask this service for each file, and it sends"
            " them on to the storage for five minutes"
        )
    if settings.metrics not in {"off", "emf"}:
        problems.append("METRICS: write off or emf")
    if settings.metrics_token and not re.fullmatch(r"[\w.~+/=-]{32,}", settings.metrics_token, re.ASCII):
        problems.append(
            "METRICS_TOKEN: set it to at least 32 letters and digits, made for example by: openssl rand -hex 32"
        )
    is_read_elsewhere = settings.image_url or settings.files == "private" or is_uploadthing
    if settings.on_function and settings.in_object_storage and not is_read_elsewhere:
        problems.append(
            "IMAGE_URL: set it to where the bucket is read, best a CDN, or set FILES=private: no page passes through a"
            " function"
        )
    if settings.on_function and not allow_ephemeral:
        if scheme == "sqlite":
            problems.append(f"DATABASE_URL: {_FLEETING}")
        if settings.storage_url.startswith(("file:", "memory:")):
            problems.append("STORAGE_URL: file: and memory: do not last on a function platform; use object storage")
    return problems
