"""Settings: one frozen struct, read from environment variables; every problem is named at once and stops the start."""

import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

import msgspec

FUNCTION_MARKERS = ("AWS_LAMBDA_FUNCTION_NAME", "K_SERVICE", "FUNCTIONS_WORKER_RUNTIME")
"""Variables that AWS Lambda, Cloud Run and Cloud Functions, and Azure Functions set for what they run."""

_PATIENCE = {"K_SERVICE": "60s", "FUNCTIONS_WORKER_RUNTIME": "230s"}
"""After which a platform cuts a request, unless it is told otherwise, where it does not tell each request."""

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


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
}
"""Of one address, or of one person who is signed in; `upload` counts files."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What the app is told from outside. Times are in seconds, sizes in bytes."""

    database_url: str
    database_direct_url: str
    database_pool: int
    jwt_secret: str
    jwt_expires_in: int
    host: str
    port: int
    upload_method: str
    storage_url: str
    uploadthing_token: str
    max_file_size: int
    public_url: str
    public_url_given: bool
    image_url: str
    cors_origins: frozenset[str]
    trusted_hops: int
    rate_limits: dict[str, Limit]
    request_timeout: int
    """0: as long as it takes, or as long as the platform tells with each request."""
    data_dir: str
    on_function: bool

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> "Settings":
        """Reads and checks everything; raises BadSettings with every problem at once."""
        given = _Given(environ)
        on_function = any(environ.get(marker) for marker in FUNCTION_MARKERS)
        data_dir = given.text("DATA_DIR", "data")
        database_url = given.text("DATABASE_URL", f"sqlite:///{data_dir}/roliascan.db")
        host, port = given.text("HOST", "127.0.0.1"), given.number("PORT", 3000, 1, 65535)
        settings = cls(
            database_url=database_url,
            database_direct_url=given.text("DATABASE_DIRECT_URL", database_url),
            database_pool=given.number("DATABASE_POOL", 1 if environ.get(FUNCTION_MARKERS[0]) else 4, 1, 100),
            jwt_secret=given.text("JWT_SECRET", ""),
            jwt_expires_in=given.read("JWT_EXPIRES_IN", "7d", duration),
            host=host,
            port=port,
            upload_method=given.text("UPLOAD_METHOD", "server"),
            storage_url=given.text("STORAGE_URL", f"file:{data_dir}/uploads"),
            uploadthing_token=given.text("UPLOADTHING_TOKEN", ""),
            max_file_size=given.number("MAX_FILE_SIZE", 10485760, 1, 5 * 1024**3),
            public_url=given.read("PUBLIC_URL", f"http://{host}:{port}", _address),
            public_url_given=bool(given.text("PUBLIC_URL", "")),
            image_url=given.read("IMAGE_URL", "", _address),
            cors_origins=given.read("CORS_ORIGINS", "", _origins),
            trusted_hops=given.number("TRUSTED_HOPS", 0, 0, 20),
            rate_limits=given.read("RATE_LIMITS", "on", _limits),
            request_timeout=given.read("REQUEST_TIMEOUT", _patience(environ), _optional_duration),
            data_dir=data_dir,
            on_function=on_function,
        )
        allow_ephemeral = given.text("ALLOW_EPHEMERAL", "off") == "on"
        given.problems += _contradictions(settings, allow_ephemeral=allow_ephemeral)
        if given.problems:
            raise BadSettings(given.problems)
        return settings

    def __repr__(self) -> str:
        """Names no secret: this may end in a log."""
        return f"Settings(database={urlsplit(self.database_url).scheme}, storage={self.storage_url.split(':')[0]})"


class _Given:
    """Reads variables and collects what is wrong with them."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.environ = environ
        self.problems: list[str] = []

    def text(self, name: str, default: str) -> str:
        return self.environ.get(name, "").strip() or default

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


def _patience(environ: Mapping[str, str]) -> str:
    return next((patience for marker, patience in _PATIENCE.items() if environ.get(marker)), "")


def duration(text: str) -> int:
    """`30m`, `12h`, `7d` in seconds; raises ValueError."""
    match = re.fullmatch(r"([0-9]{1,6})([smhd])", text)
    if not match or int(match[1]) == 0:
        raise ValueError("write a time such as 30m, 12h or 7d")
    return int(match[1]) * _SECONDS[match[2]]


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
    if settings.upload_method == "cdn":
        problems.append("UPLOAD_METHOD: cdn is not supported by this version; write server")
    scheme = urlsplit(settings.database_url).scheme
    if scheme not in {"sqlite", "postgresql", "postgres", "mysql"}:
        problems.append("DATABASE_URL: it must start with sqlite:, postgresql: or mysql:")
    if settings.storage_url.partition(":")[0] not in {"file", "memory"}:
        problems.append("STORAGE_URL: this version knows file: and memory:")
    if settings.on_function and not allow_ephemeral:
        if scheme == "sqlite":
            problems.append("DATABASE_URL: sqlite: does not last on a function platform; use postgresql: or mysql:")
        if settings.storage_url.startswith(("file:", "memory:")):
            problems.append("STORAGE_URL: file: and memory: do not last on a function platform; use object storage")
    return problems
