"""What the measurements are made on is what the app would have made, and the same on all databases."""

from datetime import UTC, datetime
from typing import Any

from roliascan.database import instant_text
from roliascan.library import chapters
from roliascan.text import terms
from tests.database import bare, crowd

TABLES = (
    "chapter_teams", "chapters", "counters", "files", "pages", "search_terms", "series", "series_ratings",
    "series_slugs", "series_stats", "series_teams", "team_members", "teams", "users",
)  # fmt: skip


def one(url: str, sql: str) -> Any:
    [[value]] = bare.rows(url, sql)
    return value


def contents(url: str) -> dict[str, list[str]]:
    """Every row of every table in one form."""
    found = {}
    for table in TABLES:
        with bare.cursor(url) as cursor:
            cursor.execute(f"SELECT * FROM {table}")
            names = [column[0] for column in cursor.description]
            found[table] = sorted(
                ", ".join(f"{name}={plain(value)}" for name, value in zip(names, row, strict=True))
                for row in cursor.fetchall()
            )
    return found


def plain(value: object) -> str:
    if isinstance(value, datetime):
        return instant_text(value if value.tzinfo else value.replace(tzinfo=UTC))
    return str(int(value)) if isinstance(value, bool) else str(value)


def test_it_is_the_same_everywhere(database_url: str, sqlite_url: str) -> None:
    for url in {database_url, sqlite_url}:
        crowd.fill(url, series=70, chapters=1500, pages=100)
    assert contents(database_url) == contents(sqlite_url)


def test_it_is_consistent(sqlite_url: str) -> None:
    crowd.fill(sqlite_url, series=70, chapters=1500, pages=100)
    assert bare.rows(sqlite_url, "PRAGMA foreign_key_check") == []
    assert one(sqlite_url, "SELECT COUNT(*) FROM chapters") == 1500
    assert one(sqlite_url, "SELECT COUNT(DISTINCT state) FROM chapters") == 3
    assert one(sqlite_url, "SELECT COUNT(DISTINCT published_at) - COUNT(published_at) FROM chapters") == 0
    shown = "FROM chapters c JOIN series s ON s.id = c.series_id WHERE c.state = 'published' AND s.state = 'published'"
    assert one(sqlite_url, f"SELECT COUNT(*) {shown}") == one(
        sqlite_url, "SELECT value FROM counters WHERE name = 'chapters'"
    )
    for milli, number_key in bare.rows(sqlite_url, "SELECT number_milli, number_key FROM chapters"):
        assert chapters.number_key(milli, None) == number_key
    sql = "SELECT c.release_key, t.team_id FROM chapters c LEFT JOIN chapter_teams t ON t.chapter_id = c.id"
    for release_key, team in bare.rows(sqlite_url, sql):
        assert chapters.release_key([team] if team else []) == release_key
    for id_, *texts in bare.rows(sqlite_url, "SELECT id, title, author, description FROM series"):
        found = {term for (term,) in bare.rows(sqlite_url, f"SELECT term FROM search_terms WHERE series_id = '{id_}'")}
        assert found == terms(*texts)
    wrong = (
        "SELECT COUNT(*) FROM series_stats t WHERE chapter_count <> (SELECT COUNT(*) FROM chapters c"
        " WHERE c.series_id = t.series_id AND c.state = 'published') OR rating_sum <> (SELECT SUM(rating)"
        " FROM series_ratings r WHERE r.series_id = t.series_id) OR rating_milli <> rating_sum * 1000 / rating_count"
    )
    assert one(sqlite_url, wrong) == 0
