"""What goes in comes out, equal on all databases: written and read through the real tables."""

import os
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from roliascan.database import Database, Duplicate, instant_text
from tests.database import bare
from tests.database.kinds import on_mariadb, on_postgresql

NOW = datetime(2026, 11, 23, 18, 37, 32, 123456, UTC)
ONE = "00000000-0000-7000-8000-00000000000a"


class Text(msgspec.Struct):
    text: str | None


class Number(msgspec.Struct):
    number: int | None


class Bucket(msgspec.Struct):
    name: str
    full_at: str


class Flags(msgspec.Struct):
    id: str
    is_banned: bool
    is_muted: bool | None
    banned_until: str | None
    ban_reason: str | None


def put_bucket(db: Database, name: str, at: datetime = NOW) -> None:
    with db.begin() as tx:
        tx.write("INSERT INTO rate_limits (name, full_at) VALUES (:name, :at)", name=name, at=at)


def put_user(db: Database, **given: Any) -> None:
    row = {
        "id": ONE,
        "username": "ann",
        "username_key": "ann",
        "email": "a@b",
        "email_key": "a@b",
        "password_hash": "-",
    }
    with db.begin() as tx:
        tx.insert_many("users", [row | {"role": "user", "created_at": NOW, "updated_at": NOW} | given])


def put_team(db: Database, **given: Any) -> None:
    row = {"id": ONE, "name": "", "name_key": "", "links": "", "created_at": NOW, "updated_at": NOW}
    with db.begin() as tx:
        tx.insert_many("teams", [row | given])


def names(db: Database) -> list[str]:
    return [bucket.name for bucket in db.read("SELECT name, full_at FROM rate_limits ORDER BY name", Bucket)]


INSTANTS = [
    (NOW, "2026-11-23T18:37:32.123456Z"),
    (NOW.replace(microsecond=0), "2026-11-23T18:37:32.000000Z"),
    (NOW.replace(microsecond=100_000), "2026-11-23T18:37:32.100000Z"),
    (NOW.replace(microsecond=1), "2026-11-23T18:37:32.000001Z"),
    (datetime(1, 1, 2, tzinfo=UTC), "0001-01-02T00:00:00.000000Z"),
    (datetime(1880, 1, 1, tzinfo=UTC), "1880-01-01T00:00:00.000000Z"),  # Tokyo, where the server is, was at +09:18:59
    (datetime(1970, 1, 1, tzinfo=UTC), "1970-01-01T00:00:00.000000Z"),
    (datetime(9999, 12, 31, 14, 59, 59, 999_999, UTC), "9999-12-31T14:59:59.999999Z"),  # the last of it in Tokyo
    (datetime(2026, 11, 24, 3, 37, 32, tzinfo=timezone(timedelta(hours=9))), "2026-11-23T18:37:32.000000Z"),
]


def test_instants(db: Database) -> None:
    for place, (at, text) in enumerate(INSTANTS):
        put_bucket(db, str(place), at)
        sql = "SELECT name, full_at FROM rate_limits WHERE name = :name AND full_at = :at"
        assert db.read(sql, Bucket, name=str(place), at=at) == [Bucket(str(place), text)]
        assert instant_text(at) == text


def test_instants_sort_and_compare_by_time(db: Database) -> None:
    moments = [NOW + timedelta(microseconds=step) for step in (0, 1, 10, 876_544, 876_545, 10**6, 10**12)]
    for place, at in enumerate(reversed(moments)):
        put_bucket(db, str(place), at)
    found = db.read("SELECT name, full_at FROM rate_limits ORDER BY full_at", Bucket)
    assert [bucket.full_at for bucket in found] == [instant_text(at) for at in moments]
    later = db.read("SELECT name, full_at FROM rate_limits WHERE full_at > :at", Bucket, at=moments[3])
    assert len(later) == 3


def test_an_instant_stays_one_when_something_is_computed_with_it(db: Database) -> None:
    put_bucket(db, "a")
    sql = "SELECT name, COALESCE(CASE WHEN name = 'b' THEN full_at END, :at) AS full_at FROM rate_limits"
    assert db.read(sql, Bucket, at=NOW.replace(microsecond=0)) == [Bucket("a", "2026-11-23T18:37:32.000000Z")]
    assert db.read("SELECT 'm' AS name, MAX(full_at) AS full_at FROM rate_limits", Bucket)[0].full_at == instant_text(
        NOW
    )


@on_mariadb
def test_an_instant_without_a_zone_is_refused(db: Database) -> None:
    with pytest.raises(ValueError, match="time zone"):
        put_bucket(db, "a", NOW.replace(tzinfo=None))


@on_postgresql
@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo", "America/St_Johns", "Asia/Kathmandu"])
def test_the_servers_own_time_zone_does_not_show(db: Database, database_url: str, zone: str) -> None:
    name = database_url.rpartition("/")[2]
    with bare.cursor(database_url) as administrator:
        administrator.execute(f"ALTER DATABASE {name} SET timezone = '{zone}'")
        try:
            put_bucket(db, "a")
            assert db.read("SELECT name, full_at FROM rate_limits", Bucket) == [Bucket("a", instant_text(NOW))]
            assert db.one("SELECT name, full_at FROM rate_limits WHERE full_at = :at", Bucket, at=NOW)
        finally:
            administrator.execute(f"ALTER DATABASE {name} RESET timezone")


TEXTS = [
    "",
    " ",
    "a",
    "a ",
    "a\nb",
    "\t",
    "%",
    "%s",
    "%(x)s",
    ":x",
    "'",
    "''",
    '"',
    "\\",
    "\\'",
    "a\\",
    "--",
    "/*",
    ";",
]
TEXTS += [
    "😀",
    "👩‍👩‍👧",
    "é",
    "e\u0301",
    "Á",
    "\u202e",
    "漫画",
    "\u00a0",
    "\ufeff",
    "\U0010ffff",
    "{}",
    "NULL",
    "?",
    "null",
    "0",
]


def test_texts(db: Database) -> None:
    with db.begin() as tx:
        for place, text in enumerate(TEXTS):
            row = {"id": f"{ONE[:-2]}{place:02x}", "name": text, "name_key": str(place), "description": text}
            tx.insert_many("teams", [row | {"links": "[]", "created_at": NOW, "updated_at": NOW}])
    for column in ("name", "description"):
        found = db.read(f"SELECT {column} AS text FROM teams ORDER BY id", Text)
        assert [row.text for row in found] == TEXTS


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    text=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=100),
    number=st.integers(-(2**63), 2**63 - 1),
    at=st.datetimes(datetime(1000, 1, 1), datetime(9999, 12, 30), timezones=st.just(UTC)),  # noqa: DTZ001
)
def test_any_text_number_and_instant(db: Database, text: str, number: int, at: datetime) -> None:
    with db.begin() as tx:
        tx.write("DELETE FROM teams")
        tx.write("UPDATE counters SET value = :number WHERE name = 'teams'", number=number)
    put_team(db, name=text, description=text, created_at=at)
    assert db.one("SELECT description AS text FROM teams WHERE name = :text", Text, text=text) == Text(text)
    assert db.one("SELECT created_at AS text FROM teams", Text) == Text(instant_text(at))
    assert db.one("SELECT value AS number FROM counters WHERE value = :number", Number, number=number) == Number(number)


def test_null_is_not_the_empty_text(db: Database) -> None:
    put_team(db, description=None)
    put_team(db, id=ONE.replace("a", "b"), name_key="b", description="")
    assert db.read("SELECT description AS text FROM teams ORDER BY id", Text) == [Text(None), Text("")]
    assert db.one("SELECT name AS text FROM teams WHERE description IS NULL", Text)


def test_large_numbers_and_sums(db: Database) -> None:
    with db.begin() as tx:
        tx.write("UPDATE counters SET value = :number", number=2**61)
    found = db.one("SELECT SUM(value) AS number FROM counters WHERE name <> 'series'", Number)
    assert found == Number(2**62)
    assert found is not None
    assert type(found.number) is int
    assert db.one("SELECT COUNT(*) AS number FROM counters", Number) == Number(3)
    assert db.one("SELECT SUM(value) AS number FROM counters WHERE name = 'x'", Number) == Number(None)


def test_booleans_and_nulls(db: Database) -> None:
    put_user(db, is_banned=True, ban_reason=None)
    put_user(db, id=ONE.replace("a", "b"), username_key="b", email_key="b", banned_until=NOW, ban_reason="")
    # the default of the column, and a null in the place of a boolean
    sql = "SELECT id, is_banned, NULLIF(is_muted, :no) AS is_muted, banned_until, ban_reason FROM users ORDER BY id"
    assert db.read(sql, Flags, no=False) == [
        Flags(ONE, True, None, None, None),
        Flags(ONE.replace("a", "b"), False, None, instant_text(NOW), ""),
    ]
    assert [row.is_banned for row in db.read(sql, Flags, no=False)] == [True, False]
    assert [type(row.is_banned) for row in db.read(sql, Flags, no=False)] == [bool, bool]
    assert len(db.read(sql.replace(" ORDER", " WHERE is_banned ORDER"), Flags, no=False)) == 1
    assert len(db.read(sql.replace(" ORDER", " WHERE is_banned = :no ORDER"), Flags, no=False)) == 1


def test_keys_tell_every_letter_apart(db: Database) -> None:  # DB-17
    letters = ["a", "A", "á", "a\u0301", "Á", "ａ", "ß", "ss", "i", "I", "ı", "İ", "😀", "😁", "か", "が", "ガ"]
    for name in letters:
        put_bucket(db, name)
    assert sorted(letters, key=str.encode) == names(db)
    for name in letters:
        with pytest.raises(Duplicate):
            put_bucket(db, name)
        assert db.one("SELECT name, full_at FROM rate_limits WHERE name = :name", Bucket, name=name)


def test_keys_sort_by_their_bytes(db: Database) -> None:
    letters = [
        "!",
        "-",
        "0",
        "000010500",
        "000100000",
        "9",
        "A",
        "Z",
        "_",
        "a",
        "a-b",
        "a0",
        "ab",
        "z",
        "~",
        "~x",
        "é",
        "漫",
        "｡",
        "😀",
    ]
    for name in reversed(letters):
        put_bucket(db, name)
    assert names(db) == sorted(letters, key=str.encode)
    after = db.read("SELECT name, full_at FROM rate_limits WHERE name > :name ORDER BY name", Bucket, name="a")
    assert [bucket.name for bucket in after] == [name for name in sorted(letters, key=str.encode) if name > "a"]


def test_trailing_blanks_are_kept(db: Database) -> None:
    """Kept, but MySQL does not tell them apart in keys: what goes into a key has none."""
    put_bucket(db, "a ")
    assert names(db) == ["a "]
    if db.kind != "mysql":
        put_bucket(db, "a")


def test_identifiers_are_lower_case_text(db: Database) -> None:
    put_user(db)
    assert db.one("SELECT id AS text FROM users WHERE id = :id", Text, id=ONE) == Text(ONE)
    ids = [f"{ONE[:-2]}{number:02x}" for number in (0x0A, 0x1F, 0xA0, 0xFF)]
    for number, id_ in enumerate(ids[1:]):
        put_user(db, id=id_, username_key=str(number), email_key=str(number))
    assert [row.text for row in db.read("SELECT id AS text FROM users ORDER BY id", Text)] == ids
    after = db.read("SELECT id AS text FROM users WHERE id > :id ORDER BY id", Text, id=ids[1])
    assert [row.text for row in after] == ids[2:]


def test_json_of_a_row_and_of_rows(db: Database) -> None:
    put_user(db, username='"\\é😀', is_banned=True)
    put_user(db, id=ONE.replace("a", "b"), username_key="b", email_key="b", username="b")
    array = "json_array(id, username, is_banned, 2, ban_reason)"
    expected = [(ONE, '"\\é😀', True, 2, None), (ONE.replace("a", "b"), "b", False, 2, None)]
    rows = db.read(f"SELECT {array} AS text FROM users ORDER BY id", Text)
    kind = tuple[str, str, bool, int, str | None]
    assert [msgspec.json.decode(row.text or "", type=kind, strict=False) for row in rows] == expected
    [all_] = db.read(f"SELECT json_arrayagg({array}) AS text FROM users", Text)
    assert sorted(msgspec.json.decode(all_.text or "", type=list[kind], strict=False)) == expected


def test_json_of_no_rows(db: Database) -> None:
    """SQLite gives [], the others null: COALESCE makes it one."""
    [none] = db.read("SELECT COALESCE(json_arrayagg(json_array(id)), '[]') AS text FROM users", Text)
    assert msgspec.json.decode(none.text or "") == []


def test_json_within_a_subquery(db: Database) -> None:
    put_user(db)
    put_team(db, created_by=ONE, name="x")
    array = "(SELECT json_arrayagg(json_array(t.id, t.name)) FROM teams t WHERE t.created_by = u.id)"
    [row] = db.read(f"SELECT {array} AS text FROM users u", Text)
    assert msgspec.json.decode(row.text or "") == [[ONE, "x"]]


def test_columns_have_to_be_the_fields(db: Database) -> None:
    sql = "SELECT full_at, name FROM rate_limits"
    with pytest.raises(TypeError, match="are not the fields"):
        db.read(sql, Bucket)
    with pytest.raises(TypeError, match="are not the fields"):
        db.read(sql, Bucket)  # the check is cached, its failure is not
    with pytest.raises(TypeError, match="are not the fields"):
        db.read("SELECT name, full_at, 1 AS more FROM rate_limits", Bucket)


def test_fields_with_defaults_may_be_left_out(db: Database) -> None:
    class Named(msgspec.Struct):
        name: str
        more: int = 7

    put_bucket(db, "a")
    assert db.read("SELECT name FROM rate_limits", Named) == [Named("a", 7)]


@on_mariadb
def test_values_that_do_not_fit_are_refused(db: Database) -> None:  # DB-17
    with pytest.raises(Exception, match="1406"):
        put_user(db, username="x" * 31)


def test_nothing_depends_on_the_zone_of_this_process(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    import time

    monkeypatch.setitem(os.environ, "TZ", "America/New_York")
    time.tzset()
    try:
        put_bucket(db, "a")
        assert db.read("SELECT name, full_at FROM rate_limits", Bucket) == [Bucket("a", instant_text(NOW))]
    finally:
        monkeypatch.undo()
        time.tzset()


def test_the_servers_clock_is_an_instant_like_others(db: Database) -> None:
    """Whatever its zone: two of the servers are not in UTC."""
    asked = "SELECT name, CURRENT_TIMESTAMP AS full_at FROM counters WHERE name = 'series'"
    before = datetime.now(UTC)
    moment = db.read(asked, Bucket)[0].full_at
    assert len(moment) == 27
    assert abs(datetime.fromisoformat(moment) - before) < timedelta(minutes=5)
    put_bucket(db, "past", before - timedelta(minutes=5))
    put_bucket(db, "future", before + timedelta(minutes=5))
    found = db.read("SELECT name, full_at FROM rate_limits WHERE full_at < CURRENT_TIMESTAMP", Bucket)
    assert [bucket.name for bucket in found] == ["past"]
