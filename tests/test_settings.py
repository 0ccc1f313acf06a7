"""Settings: what they default to, that every problem is named at once, and that no secret is told."""

from pathlib import Path
from typing import Any

import pytest

from roliascan.settings import DEFAULT_LIMITS, FUNCTION_MARKERS, BadSettings, Limit, Settings
from tests.platforms.test_start import run

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
    "files": "public",
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
        ({"UPLOAD_METHOD": "cdn"}, ["UPLOADTHING_TOKEN"]),
        ({"UPLOAD_METHOD": "cdn", "UPLOADTHING_TOKEN": "x", "STORAGE_URL": "s3://bucket"}, ["STORAGE_URL"]),
        ({"UPLOAD_METHOD": "cdn", "UPLOADTHING_TOKEN": "x", "STORAGE_URL": "memory:"}, ["STORAGE_URL"]),
        ({"UPLOAD_METHOD": "server", "STORAGE_URL": "uploadthing:"}, ["STORAGE_URL"]),
        ({"STORAGE_URL": "ftp://bucket"}, ["STORAGE_URL"]),
        ({"STORAGE_URL": "S3://bucket"}, ["STORAGE_URL"]),
        ({"STORAGE_URL": "/data"}, ["STORAGE_URL"]),
    ],
)
def test_what_does_not_exist_stops_the_start(environ: dict[str, str], wrong: list[str]) -> None:
    assert names(**environ) == wrong


def test_uploadthing_needs_no_other_address() -> None:
    found = read(UPLOAD_METHOD="cdn", UPLOADTHING_TOKEN="x", AWS_LAMBDA_FUNCTION_NAME="x", DATABASE_URL="mysql://u@h/x")
    assert (found.storage_url, found.in_object_storage, found.image_url) == ("uploadthing:", True, "")


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
    for told in (repr(settings), str(settings), f"{settings}", str(settings.__rich_repr__())):
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


@pytest.mark.parametrize("marker", FUNCTION_MARKERS)
def test_no_page_passes_through_a_function(marker: str) -> None:
    stored = {"DATABASE_URL": "mysql://u@h/d", "STORAGE_URL": "s3://bucket/site"}
    assert names(**stored, **{marker: "x"}) == ["IMAGE_URL"]
    assert names(**stored, **{marker: "x"}, ALLOW_EPHEMERAL="on") == ["IMAGE_URL"]
    assert read(**stored, **{marker: "x"}, IMAGE_URL="https://cdn.example").in_object_storage
    assert read(**stored).in_object_storage  # on a server they may
    assert not read().in_object_storage
    assert read().serves_files
    assert read(**stored).serves_files
    assert read(IMAGE_URL="https://cdn.example").serves_files  # which asks us
    assert not read(**stored, IMAGE_URL="https://cdn.example").serves_files


@pytest.mark.parametrize("marker", FUNCTION_MARKERS)
def test_with_private_files_no_reader_gets_past_us(marker: str) -> None:
    stored = {"DATABASE_URL": "mysql://u@h/d", "STORAGE_URL": "s3://bucket/site", "FILES": "private"}
    assert read(**stored, **{marker: "x"}).serves_files
    assert names(**stored, IMAGE_URL="https://cdn.example") == ["IMAGE_URL"]
    (told,) = problems(FILES="private", IMAGE_URL="https://cdn.example")  # also of a folder
    assert told.startswith("IMAGE_URL: unset it, or FILES")
    assert read(FILES="private").files == "private"
    for other in ("Private", "PRIVATE", "on", "secret"):
        assert problems(FILES=other) == ["FILES: write public or private"]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("DATABSE_URL", "DATABASE_URL"),
        ("DATABASE_ULR", "DATABASE_URL"),
        ("DATABASE_URI", "DATABASE_URL"),
        ("DATABASE_URLS", "DATABASE_URL"),
        ("database_url", "DATABASE_URL"),
        ("JWT_SECERT", "JWT_SECRET"),
        ("JWTSECRET", "JWT_SECRET"),
        ("JWT_SECRET_FIEL", "JWT_SECRET_FILE"),
        ("RATE_LIMIT", "RATE_LIMITS"),
        ("ALLOW_EPHEMRAL", "ALLOW_EPHEMERAL"),
    ],
)
def test_a_misspelt_name_is_told_with_the_right_one(written: str, meant: str) -> None:  # SC 59, SC 61
    given = {} if meant == "JWT_SECRET" else {"JWT_SECRET": SECRET}
    with pytest.raises(BadSettings) as refusal:
        Settings.from_environ({**given, written: "hunter2"})
    assert f"{written}: there is no such setting; did you mean {meant}?" in refusal.value.problems
    assert "hunter2" not in str(refusal.value)


def test_what_others_call_theirs_is_left_alone() -> None:  # SC 59
    """Also where it is nearly one of ours that is set, or that is too short to tell."""
    others = (
        "HOSTNAME HOME PORTS HOSTS DATADIR DATA_DIRS DATABASE_USER DATABASE_HOST PUBLIC_KEY PUBLIC_IP IMAGE_TAG SECRET"
    )
    of_lambda = "AWS_LAMBDA_FUNCTION_VERSION AWS_REGION LAMBDA_TASK_ROOT _HANDLER TZ AWS_SESSION_TOKEN"
    read(**dict.fromkeys([*others.split(), *of_lambda.split()], "x"))
    read(DATABASE_URL="sqlite:///a.db", DATABASE_URI="x", DATABASE_URLS="x")


PLATFORMS: dict[str, dict[str, str]] = {
    "server": {},
    "aws": {"AWS_LAMBDA_FUNCTION_NAME": "f", "AWS_REGION": "eu-central-1"},
    "google": {"K_SERVICE": "s", "K_REVISION": "r", "PORT": "8080"},
    "azure": {"FUNCTIONS_WORKER_RUNTIME": "python", "WEBSITE_SITE_NAME": "s"},
}
DIFFERENT: dict[str, dict[str, Any]] = {
    "database_pool": {"aws": 1},  # one request at a time
    "request_timeout": {"google": 60, "azure": 230},  # what the platform allows
    "on_function": {"server": False},
    "port": {"server": 3000, "aws": 3000, "azure": 3000},  # Google tells where to listen; nobody else listens
}


def test_settings_are_the_same_on_every_platform() -> None:  # SC 62
    given = {
        "DATABASE_URL": "postgresql://u:p@db.example/comics",
        "DATABASE_DIRECT_URL": "postgresql://u:p@direct.example/comics",
        "JWT_EXPIRES_IN": "12h",
        "STORAGE_URL": "memory:",
        "PUBLIC_URL": "https://comics.example",
        "IMAGE_URL": "https://images.example",
        "CORS_ORIGINS": "https://reader.example",
        "MAX_FILE_SIZE": "1000",
        "RATE_LIMITS": "login=3/1m",
        "TRUSTED_HOPS": "1",
        "ALLOW_EPHEMERAL": "on",
    }
    usual = {"database_pool": 4, "request_timeout": 0, "on_function": True, "port": 8080}
    expected = {**_fields(read(**given)), **usual}
    for platform, own in PLATFORMS.items():
        special = {name: values[platform] for name, values in DIFFERENT.items() if platform in values}
        assert _fields(read(**given, **own)) == {**expected, **special}


@pytest.mark.parametrize(
    ("environ", "hops"),
    [({}, 0), ({"K_SERVICE": "site"}, 1), ({"K_SERVICE": "site", "TRUSTED_HOPS": "2"}, 2),
     ({"K_SERVICE": "site", "TRUSTED_HOPS": "0"}, 0), ({"AWS_LAMBDA_FUNCTION_NAME": "site"}, 0)],
)  # fmt: skip
def test_the_front_end_of_cloud_run_is_trusted_unless_told_otherwise(environ: dict[str, str], hops: int) -> None:
    assert read(STORAGE_URL="memory:", DATABASE_URL="mysql://h/d", ALLOW_EPHEMERAL="on", **environ).trusted_hops == hops


def _fields(settings: Settings) -> dict[str, Any]:
    return {name: getattr(settings, name) for name in settings.__struct_fields__}


@pytest.mark.parametrize("marker", FUNCTION_MARKERS)
@pytest.mark.parametrize("module", ["aws_lambda", "google_functions", "azure_functions", "server"])
def test_no_function_reads_a_file_of_settings(module: str, marker: str, tmp_path: Path) -> None:  # SC 58
    (tmp_path / ".env").write_text(f"JWT_SECRET={SECRET}\nSTORAGE_URL=memory:\nALLOW_EPHEMERAL=on\n")
    code = f"""
import sys
from roliascan.platforms import {module}, start
try:
    start.settings()
except start.BadSettings as bad:
    print(len(bad.problems), "dotenv" in sys.modules)
"""
    assert run(code, {marker: "x"}, cwd=tmp_path).stdout.splitlines()[-1] == "3 False"


@pytest.mark.parametrize("marker", FUNCTION_MARKERS)
def test_no_command_does_either_on_a_function(marker: str, tmp_path: Path) -> None:  # SC 58
    (tmp_path / ".env").write_text(f"JWT_SECRET={SECRET}\nDATABASE_URL=sqlite:///there.db\n")
    code = "import sys; from roliascan.cli import main; sys.exit(main(['migrate', 'up']))"
    assert run(code, {}, cwd=tmp_path).returncode == 0
    assert (tmp_path / "there.db").exists()
    refused = run(code, {marker: "x"}, cwd=tmp_path)
    assert refused.returncode == 1
    assert "DATABASE_URL: sqlite: does not last" in refused.stderr


def test_traces_are_asked_for_by_opentelemetrys_own_names() -> None:
    endpoint = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}
    assert not read().traces
    assert read(**endpoint).traces
    assert read(OTEL_EXPORTER_OTLP_TRACES_ENDPOINT="http://127.0.0.1:4318/v1/traces").traces
    assert not read(**endpoint, OTEL_SDK_DISABLED="TRUE", OTEL_TRACES_SAMPLER="nonsense").traces
    assert not read(**endpoint, OTEL_TRACES_EXPORTER="None", OTEL_EXPORTER_OTLP_PROTOCOL="grpc").traces
    assert not read(OTEL_EXPORTER_OTLP_PROTOCOL="grpc").traces  # somebody else's
    assert not read(OTEL_TRACES_EXPORTER="otlp").traces  # where to?
    assert read(**endpoint, OTEL_TRACES_EXPORTER="otlp", OTEL_SDK_DISABLED="1").traces
    assert read(**endpoint, OTEL_TRACES_EXPORTER="console").traces
    assert read(**endpoint, OTEL_TRACES_SAMPLER="parentbased_traceidratio", OTEL_TRACES_SAMPLER_ARG="0.05").traces


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "127.0.0.1:4318"),
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "collector"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
        ("OTEL_TRACES_SAMPLER", "sometimes"),
        ("OTEL_TRACES_SAMPLER_ARG", "5%"),
        ("OTEL_TRACES_SAMPLER_ARG", "1.5"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "api-key: key"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "tenant=one,key"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "api-key=ke;y"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "api-\u212aey=key"),
        ("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "api-key=key%0Akey"),
        ("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "api-key=%E2%98%83"),
    ],
)
def test_traces_that_would_not_be_as_asked_are_refused(name: str, value: str) -> None:
    assert names(**{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318", name: value}) == [name]


@pytest.mark.parametrize(
    "value", ["api-key=key", "Authorization=Basic a2V5Og==,\ttenant = one%2C two,", "a=b=c/d?e:f", ""]
)
def test_a_collector_may_want_headers(value: str) -> None:
    assert read(OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:4318", OTEL_EXPORTER_OTLP_HEADERS=value).traces
