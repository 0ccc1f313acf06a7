"""Settings: what they default to, that every problem is named at once, and that no secret is told."""

from typing import Any

import pytest

from roliascan.settings import DEFAULT_LIMITS, FUNCTION_MARKERS, BadSettings, Limit, Settings

SECRET = "0123456789abcdef0123456789abcdef"
DEFAULTS: dict[str, Any] = {
    "database_url": "sqlite:///data/roliascan.db",
    "database_direct_url": "sqlite:///data/roliascan.db",
    "database_pool": 4,
    "jwt_expires_in": 7 * 86400,
    "host": "127.0.0.1",
    "port": 3000,
    "upload_method": "server",
    "storage_url": "file:data/uploads",
    "max_file_size": 10485760,
    "public_url": "http://127.0.0.1:3000",
    "public_url_given": False,
    "image_url": "",
    "cors_origins": frozenset(),
    "trusted_hops": 0,
    "rate_limits": DEFAULT_LIMITS,
    "on_function": False,
}


def read(**environ: str) -> Settings:
    return Settings.from_environ({"JWT_SECRET": SECRET, **environ})


def problems(**environ: str) -> list[str]:
    with pytest.raises(BadSettings) as refusal:
        read(**environ)
    for problem in refusal.value.problems:
        assert problem in str(refusal.value)
    return refusal.value.problems


def names(**environ: str) -> list[str]:
    return sorted({problem.partition(":")[0] for problem in problems(**environ)})


def test_only_the_secret_is_needed() -> None:
    settings = read()
    assert {name: getattr(settings, name) for name in DEFAULTS} == DEFAULTS


def test_blank_is_absent() -> None:
    blank = dict.fromkeys(("DATABASE_URL", "PORT", "PUBLIC_URL", "IMAGE_URL", "CORS_ORIGINS", "RATE_LIMITS"), "  ")
    assert read(**blank) == read()


def test_the_folder_of_data_holds_both() -> None:
    settings = read(DATA_DIR="/var/lib/site")
    assert settings.database_url == "sqlite:////var/lib/site/roliascan.db"
    assert settings.storage_url == "file:/var/lib/site/uploads"


def test_migrations_connect_where_the_app_does_unless_told() -> None:
    url = "postgresql://u:p@db.example/site"
    assert read(DATABASE_URL=url).database_direct_url == url
    direct = url.replace("db.", "direct.")
    assert read(DATABASE_URL=url, DATABASE_DIRECT_URL=direct).database_direct_url == direct


@pytest.mark.parametrize(("written", "seconds"), [("30m", 1800), ("12h", 43200), ("7d", 604800), ("90s", 90)])
def test_times_have_a_unit(written: str, seconds: int) -> None:
    assert read(JWT_EXPIRES_IN=written).jwt_expires_in == seconds


@pytest.mark.parametrize("written", ["7", "d", "0d", "-1d", "1.5h", "7 d", "1w", "٣d", "9999999s"])
def test_other_times_are_refused(written: str) -> None:
    assert names(JWT_EXPIRES_IN=written) == ["JWT_EXPIRES_IN"]


@pytest.mark.parametrize(
    "secret",
    ["", " ", "short", "x" * 31, "x" * 64, "abc" * 20, "change-me", "\u00e9" * 15],
)
def test_a_weak_secret_stops_the_start(secret: str) -> None:  # AU-27
    assert names(JWT_SECRET=secret) == ["JWT_SECRET"]


def test_a_secret_is_counted_in_bytes() -> None:
    assert read(JWT_SECRET="éàüöçñ漫画日本語한글абвг").jwt_secret


NUMBERS = {"PORT": (1, 65535), "DATABASE_POOL": (1, 100), "MAX_FILE_SIZE": (1, 5 * 1024**3), "TRUSTED_HOPS": (0, 20)}


@pytest.mark.parametrize(("name", "bounds"), NUMBERS.items())
def test_numbers_have_bounds(name: str, bounds: tuple[int, int]) -> None:
    least, most = bounds
    for number in bounds:
        assert getattr(read(**{name: str(number)}), name.lower()) == number
    for other in (least - 1, most + 1, "x", "1.0", "1e3", "0x1", "٣", "9" * 50, "+5"):
        assert names(**{name: str(other)}) == [name]


@pytest.mark.parametrize("name", ["PUBLIC_URL", "IMAGE_URL"])
def test_addresses_are_of_the_web(name: str) -> None:
    for address in ("https://a.example", "http://a.example:8000/", "https://a.example/under/", "http://[::1]:3000"):
        assert getattr(read(**{name: address}), name.lower()) == address.rstrip("/")
    for other in (
        "a.example",
        "ftp://a.example",
        "https://",
        "https://a.example?x",
        "https://a.example/#x",
        "//a",
        "https://a b",
    ):
        assert names(**{name: other}) == [name]


def test_our_own_address_follows_host_and_port() -> None:
    assert read(HOST="0.0.0.0", PORT="8000").public_url == "http://0.0.0.0:8000"
    assert not read(PORT="8000").public_url_given
    assert read(PUBLIC_URL="https://a.example").public_url_given


def test_origins_are_exact() -> None:
    found = read(CORS_ORIGINS="https://a.example, http://localhost:5173 ,https://B.example,").cors_origins
    assert found == {"https://a.example", "http://localhost:5173", "https://b.example"}
    for other in (
        "*",
        "https://*.example",
        "a.example",
        "https://a.example/",
        "null",
        "https://a.example/x",
        "https://a?b",
    ):
        assert names(CORS_ORIGINS=f"https://ok.example,{other}") == ["CORS_ORIGINS"]


def test_limits_are_on_off_or_written() -> None:
    assert read(RATE_LIMITS="on").rate_limits == DEFAULT_LIMITS
    assert read(RATE_LIMITS="off").rate_limits == {}
    assert read(RATE_LIMITS="login=3/1m, comment=1/2h").rate_limits == {
        **DEFAULT_LIMITS,
        "login": Limit(3, 60),
        "comment": Limit(1, 7200),
    }
    for other in (
        "yes",
        "login=3",
        "login=0/5m",
        "read=5/5m",
        "login=5/5",
        "login=-1/5m",
        "login=5/0m",
        "login=5/5m;x",
    ):
        assert names(RATE_LIMITS=other) == ["RATE_LIMITS"]


@pytest.mark.parametrize(
    ("environ", "wrong"),
    [
        ({"DATABASE_URL": "oracle://x/y"}, ["DATABASE_URL"]),
        ({"DATABASE_URL": "roliascan.db"}, ["DATABASE_URL"]),
        ({"UPLOAD_METHOD": "ftp"}, ["UPLOAD_METHOD"]),
        ({"UPLOAD_METHOD": "cdn"}, ["UPLOAD_METHOD"]),
        ({"STORAGE_URL": "s3://bucket"}, ["STORAGE_URL"]),
        ({"STORAGE_URL": "/data"}, ["STORAGE_URL"]),
    ],
)
def test_what_does_not_exist_stops_the_start(environ: dict[str, str], wrong: list[str]) -> None:
    assert names(**environ) == wrong


def test_every_problem_is_named_at_once() -> None:
    environ = {
        "JWT_SECRET": "x",
        "PORT": "x",
        "JWT_EXPIRES_IN": "x",
        "PUBLIC_URL": "x",
        "CORS_ORIGINS": "*",
        "RATE_LIMITS": "x",
    }
    assert names(**environ, DATABASE_URL="x", STORAGE_URL="x", UPLOAD_METHOD="x", MAX_FILE_SIZE="0") == sorted(
        [*environ, "DATABASE_URL", "STORAGE_URL", "UPLOAD_METHOD", "MAX_FILE_SIZE"]
    )


def test_no_secret_is_told() -> None:
    secrets = {"JWT_SECRET": "hunter2-hunter2", "DATABASE_URL": "oracle://me:hunter2@db.example/x"}
    secrets |= {"STORAGE_URL": "s3://hunter2@bucket", "UPLOADTHING_TOKEN": "hunter2", "UPLOAD_METHOD": "hunter2"}
    for problem in problems(**secrets, PUBLIC_URL="hunter2", CORS_ORIGINS="hunter2", RATE_LIMITS="hunter2=1/1m"):
        assert "hunter2" not in problem
    settings = read(DATABASE_URL="postgresql://me:hunter2@db.example/x", UPLOADTHING_TOKEN="hunter2")
    for told in (repr(settings), str(settings), f"{settings}"):
        assert "hunter2" not in told
        assert SECRET not in told


@pytest.mark.parametrize("marker", FUNCTION_MARKERS)
def test_on_a_function_nothing_that_does_not_last_is_used(marker: str) -> None:
    on_function = {marker: "x"}
    assert names(**on_function) == ["DATABASE_URL", "STORAGE_URL"]
    assert names(**on_function, DATABASE_URL="mysql://u@h/d", STORAGE_URL="memory:") == ["STORAGE_URL"]
    allowed = read(**on_function, ALLOW_EPHEMERAL="on")
    assert allowed.on_function
    assert allowed.database_pool == (1 if marker == "AWS_LAMBDA_FUNCTION_NAME" else 4)
    assert read(**on_function, ALLOW_EPHEMERAL="on", DATABASE_POOL="7").database_pool == 7
    for other in ("ON", "true", "1", "off"):
        assert "STORAGE_URL" in names(**on_function, ALLOW_EPHEMERAL=other)
