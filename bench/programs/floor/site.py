"""The dispatcher of the floor: routes with their types, of which the list of series is worked out."""

import os
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from . import shapes

SQL = """
SELECT (SELECT value FROM counters WHERE name = 'series') AS total, s.id, s.slug, s.title, s.type, s.status,
    s.direction, s.language, s.content_rating, s.author, s.description, f.storage_key AS cover, t.chapter_count,
    t.rating_milli AS rating, t.rating_count, t.last_chapter_at, s.state, s.published_at, s.created_at, s.updated_at
FROM series s JOIN series_stats t ON t.series_id = s.id LEFT JOIN files f ON f.id = s.cover_file_id
WHERE s.state = 'published' ORDER BY s.published_at DESC, s.id DESC LIMIT """


def connect(url: str) -> Any:
    if url.startswith("sqlite:"):
        import sqlite3

        return sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
    import psycopg2

    connection = psycopg2.connect(url)
    connection.autocommit = True
    return connection


DATABASE = connect(os.environ["DATABASE_URL"])


def list_series(query: shapes.SeriesQuery) -> shapes.Page[shapes.SeriesItem]:
    cursor = DATABASE.cursor()
    cursor.execute(SQL + str(query.limit + 1))
    rows = cursor.fetchall()
    following = rows[query.limit - 1][1] if len(rows) > query.limit else None
    items = [shapes.SeriesItem(*row[1:]) for row in rows[: query.limit]]
    return shapes.Page(items, shapes.PageInfo(query.limit, query.page or 1, rows[0][0], following))


def absent(*_args: object) -> Any:
    raise NotImplementedError


ROUTES: dict[tuple[str, str], tuple[Callable[..., Any], Any, Any]] = {
    ("GET", "/health"): (absent, None, shapes.Health),
    ("GET", "/ready"): (absent, None, shapes.Readiness),
    ("POST", "/api/v1/auth/register"): (absent, shapes.Registration, shapes.Account),
    ("POST", "/api/v1/auth/login"): (absent, shapes.Login, shapes.SignedIn),
    ("POST", "/api/v1/auth/logout"): (absent, None, None),
    ("GET", "/api/v1/auth/me"): (absent, None, shapes.Account),
    ("PATCH", "/api/v1/auth/me"): (absent, shapes.AccountChange, shapes.Account),
    ("GET", "/api/v1/users/{user}"): (absent, None, shapes.User),
    ("GET", "/api/v1/series"): (list_series, shapes.SeriesQuery, shapes.Page[shapes.SeriesItem]),
    ("POST", "/api/v1/series"): (absent, shapes.NewSeries, shapes.Series),
    ("GET", "/api/v1/series/{series}"): (absent, None, shapes.Series),
    ("PATCH", "/api/v1/series/{series}"): (absent, shapes.SeriesChange, shapes.Series),
    ("DELETE", "/api/v1/series/{series}"): (absent, shapes.Reason, None),
    ("GET", "/api/v1/series/{series}/chapters"): (absent, shapes.ChaptersQuery, shapes.Page[shapes.ChapterItem]),
    ("POST", "/api/v1/series/{series}/chapters"): (absent, shapes.ChapterDraft, shapes.Chapter),
    ("GET", "/api/v1/chapters"): (absent, shapes.ChaptersQuery, shapes.Page[shapes.ChapterItem]),
    ("GET", "/api/v1/chapters/{chapter}"): (absent, None, shapes.Chapter),
    ("PATCH", "/api/v1/chapters/{chapter}"): (absent, shapes.ChapterDraft, shapes.Chapter),
    ("DELETE", "/api/v1/chapters/{chapter}"): (absent, shapes.Reason, None),
    ("POST", "/api/v1/chapters/{chapter}/publish"): (absent, shapes.Publication, shapes.Chapter),
    ("POST", "/api/v1/chapters/{chapter}/hide"): (absent, shapes.Hiding, shapes.Chapter),
    ("POST", "/api/v1/chapters/{chapter}/pages"): (absent, None, shapes.Chapter),
    ("PUT", "/api/v1/chapters/{chapter}/pages"): (absent, shapes.Arrangement, shapes.Chapter),
    ("GET", "/api/v1/teams"): (absent, shapes.ListQuery, shapes.Page[shapes.TeamItem]),
    ("POST", "/api/v1/teams"): (absent, shapes.NewTeam, shapes.Team),
    ("GET", "/api/v1/teams/{team}"): (absent, None, shapes.Team),
    ("PATCH", "/api/v1/teams/{team}"): (absent, shapes.TeamChange, shapes.Team),
    ("DELETE", "/api/v1/teams/{team}"): (absent, None, None),
    ("PUT", "/api/v1/teams/{team}/members/{user}"): (absent, shapes.Membership, shapes.Team),
}


def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    handler, query_type, _ = ROUTES[environ["REQUEST_METHOD"], environ["PATH_INFO"]]
    query = msgspec.convert(dict(parse_qsl(environ["QUERY_STRING"])), query_type, strict=False)
    body = msgspec.json.encode(handler(query))
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]
