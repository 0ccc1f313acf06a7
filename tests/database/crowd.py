"""A crowded site, made by the database itself: the same rows everywhere, a million chapters in well under a minute.

    python -m tests.database.crowd URL SERIES CHAPTERS [PAGES]

The database is migrated and empty before. Everything that is counted or averaged agrees with the rows it stands for.
"""

import sys
from collections.abc import Callable, Sequence
from contextlib import closing
from hashlib import sha256
from typing import NamedTuple

from tests.database import bare

USERS, TEAMS, FILES, PAGES_EACH = 50, 5, 1000, 20
START_US = 1_262_304_000_000_000  # 2010-01-01, in microseconds since 1970
SPAN_US = 16 * 365 * 86_400_000_000
BATCH = 100_000


class Dialect(NamedTuple):
    """SQL of one kind of database; arguments and results are expressions."""

    numbers: Callable[[int, int], str]
    """A table of `n` from one number to another, both included, at most a hundred thousand."""
    join: Callable[..., str]
    nine: Callable[[str], str]
    """A number in nine digits."""
    hex: Callable[[str], str]
    """A number in twelve hexadecimal digits."""
    instant: Callable[[str], str]
    """From microseconds since 1970."""
    id: Callable[[str], str]
    """From the text of an identifier."""
    over: Callable[[str, object], str]
    """The whole part of a quotient."""
    before: Sequence[str]
    after: Sequence[str]


_DIGITS = "(" + " UNION ALL ".join(f"SELECT {digit} AS d" for digit in range(10)) + ")"


def _crossed(low: int, high: int) -> str:
    """MySQL has no series of numbers: every digit with every digit."""
    places = range(len(str(high - low)))
    sum_ = " + ".join(f"{10**place} * t{place}.d" for place in places)
    return (
        f"(SELECT {low} + {sum_} AS n FROM {', '.join(f'{_DIGITS} t{place}' for place in places)} HAVING n <= {high}) t"
    )


_FILLED = "series, series_stats, series_ratings, chapters, chapter_teams, pages, files, search_terms"

DIALECTS = {
    "sqlite": Dialect(
        numbers=lambda low, high: (
            f"(WITH RECURSIVE t(n) AS (SELECT {low} UNION ALL SELECT n + 1 FROM t WHERE n < {high}) SELECT n FROM t) t"
        ),
        join=lambda *parts: "'' || " + " || ".join(f"({part})" for part in parts),
        nine=lambda number: f"printf('%09d', {number})",
        hex=lambda number: f"printf('%012x', {number})",
        id=str,
        instant=lambda us: (
            f"strftime('%Y-%m-%dT%H:%M:%S', ({us}) / 1000000, 'unixepoch') || printf('.%06dZ', ({us}) % 1000000)"
        ),
        over=lambda number, by: f"(({number}) / {by})",
        before=["PRAGMA synchronous = OFF", "PRAGMA cache_size = -400000", "PRAGMA foreign_keys = OFF", "BEGIN"],
        after=["COMMIT"],
    ),
    "postgresql": Dialect(
        numbers=lambda low, high: f"generate_series({low}::bigint, {high}) t(n)",
        join=lambda *parts: f"CONCAT({', '.join(parts)})",
        nine=lambda number: f"lpad(({number})::text, 9, '0')",
        hex=lambda number: f"lpad(to_hex(({number})::bigint), 12, '0')",
        id=lambda text: f"({text})::uuid",
        instant=lambda us: f"timestamptz 'epoch' + ({us}) * interval '1 microsecond'",
        over=lambda number, by: f"(({number}) / {by})",
        before=["SET session_replication_role = replica", "BEGIN"],  # that is: without asking the foreign keys
        after=["COMMIT", f"VACUUM ANALYZE {_FILLED}"],
    ),
    "mysql": Dialect(
        numbers=_crossed,
        join=lambda *parts: f"CONCAT({', '.join(parts)})",
        nine=lambda number: f"LPAD({number}, 9, '0')",
        hex=lambda number: f"LOWER(LPAD(HEX({number}), 12, '0'))",
        id=str,
        instant=lambda us: f"TIMESTAMP'1970-01-01 00:00:00.000000' + INTERVAL ({us}) MICROSECOND",
        over=lambda number, by: f"(({number}) DIV {by})",
        before=["SET foreign_key_checks = 0, unique_checks = 0"],
        after=[f"ANALYZE TABLE {_FILLED}"],
    ),
}


def fill(url: str, *, series: int, chapters: int, pages: int = 0) -> None:
    """Most chapters are published, each at a moment of its own; `pages` are those of the first chapters, 20 each."""
    crowd = _Crowd(DIALECTS[url.partition(":")[0]], series, chapters)
    with closing(bare.connect(url)) as connection, closing(connection.cursor()) as cursor:
        for statement in [*crowd.d.before, *crowd.people(), *crowd.all_series()]:
            cursor.execute(statement)
        for low in range(1, chapters + 1, BATCH):
            for statement in crowd.chapters(low, min(low + BATCH - 1, chapters)):
                cursor.execute(statement)
        for low in range(1, pages + 1, BATCH):
            cursor.execute(crowd.pages(low, min(low + BATCH - 1, pages)))
        for statement in [*crowd.sums(), *crowd.d.after]:
            cursor.execute(statement)


def _insert(table: str, source: str, **columns: str) -> str:
    return f"INSERT INTO {table} ({', '.join(columns)}) SELECT {', '.join(columns.values())} FROM {source}"


class _Crowd:
    """The statements; `n` counts things in each, `k` a chapter's place in its series, and `s` its series."""

    def __init__(self, dialect: Dialect, series: int, chapters: int) -> None:
        self.d = dialect
        self.every_series = dialect.numbers(1, series)
        self.deal = f"{dialect.over('n - 1', series)} + 1 AS k, (n - 1) % {series} + 1 AS s"
        self.step_us = SPAN_US // max(chapters, 1)
        self.start = dialect.instant(str(START_US))

    def id(self, kind: int, number: str, us: str = str(START_US)) -> str:
        """A UUIDv7 of a kind of thing, its number, and an instant in microseconds."""
        stamp = self.d.hex(self.d.over(us, 1000))
        parts = f"substr({stamp}, 1, 8)", "'-'", f"substr({stamp}, 9, 4)", f"'-7000-800{kind}-'", self.d.hex(number)
        return self.d.id(self.d.join(*parts))

    def user(self, number: str) -> str:
        return self.id(1, number)

    def team(self, number: str) -> str:
        return self.id(2, number)

    def file(self, number: str) -> str:
        return self.id(3, number)

    def series(self, number: str) -> str:
        return self.id(4, number)

    def chapter(self, number: str) -> str:
        return self.id(5, number, self.us(number))

    def us(self, number: str) -> str:
        """When the chapter of this number was released."""
        return f"{START_US} + ({number}) * {self.step_us}"

    def people(self) -> list[str]:
        d, born = self.d, {"created_at": self.start, "updated_at": self.start}
        name, email, team = d.join("'reader'", "n"), d.join("'reader'", "n", "'@example.com'"), d.join("'team '", "n")
        named = {"username": name, "username_key": name, "email": email, "email_key": email}
        users, teams, files = d.numbers(1, USERS), d.numbers(1, TEAMS), d.numbers(1, FILES)
        key = d.join("'pages/'", self.file("n"), "'.webp'")
        image = {"type": "'image/webp'", "width": "1600", "height": "2400", "purpose": "'page'", "state": "'ready'"}
        member = {"team_id": self.team("n"), "user_id": self.user("n"), "role": "'leader'", "joined_at": self.start}
        return [
            _insert("users", users, id=self.user("n"), **named, password_hash="'-'", role="'user'", **born),
            _insert("teams", teams, id=self.team("n"), name=team, name_key=team, links="'[]'", **born),
            _insert("team_members", teams, **member),
            _insert(
                "files",
                files,
                id=self.file("n"),
                storage_key=key,
                sha256=d.hex("n"),
                bytes="250000 + n",
                owner_id=self.user("1"),
                created_at=self.start,
                **image,
            ),
        ]

    def all_series(self) -> list[str]:
        d, every, id_ = self.d, self.every_series, self.series("n")
        at, slug, author = (
            d.instant(f"{START_US} + n * 1000000"),
            d.join("'crowd-'", "n"),
            d.join("'Author '", "n % 50"),
        )
        shape = {"type": "'manga'", "status": "'ongoing'", "direction": "'rtl'", "content_rating": "'safe'"}
        terms = [(f"'{word}'", every) for word in ("crowd", "author", "many", "like", "it")]
        terms += [(d.join("n"), every), (d.join("n % 50"), f"{every} WHERE n >= 50")]
        return [
            _insert(
                "series",
                every,
                id=id_,
                slug=slug,
                title=d.join("'Crowd '", "n"),
                title_key=d.join("'crowd '", "n"),
                author=author,
                description="'Many like it.'",
                language="'en'",
                state="CASE WHEN n % 40 = 11 THEN 'draft' WHEN n % 60 = 17 THEN 'hidden' ELSE 'published' END",
                published_at=f"CASE WHEN n % 40 = 11 THEN NULL ELSE {at} END",
                created_by=self.user("1"),
                created_at=at,
                updated_at=at,
                **shape,
            ),
            _insert("series_slugs", every, slug=slug, series_id=id_),
            _insert("series_teams", every, series_id=id_, team_id=self.team(f"n % {TEAMS} + 1")),
            *(_insert("search_terms", source, term=term, series_id=id_) for term, source in terms),
            *(self.ratings(user) for user in range(1, USERS + 1)),
        ]

    def ratings(self, user: int) -> str:
        return _insert(
            "series_ratings",
            f"{self.every_series} WHERE (n + {user}) % 3 = 0",
            series_id=self.series("n"),
            user_id=self.user(str(user)),
            rating=f"n * {user} % 10 + 1",
            created_at=self.start,
            updated_at=self.start,
        )

    def chapters(self, low: int, high: int) -> list[str]:
        d = self.d
        source = f"(SELECT n, {self.deal} FROM {d.numbers(low, high)}) c"
        draft, hidden, by_team = "(n + k) % 50 = 7", "(n + k) % 97 = 3", "(n + k) % 5 = 0"
        milli = "k * 1000 - CASE WHEN k % 10 = 5 THEN 500 ELSE 0 END"  # an extra after every tenth
        at = d.instant(self.us("n"))
        keys = " ".join(f"WHEN {team} THEN '{_release_key(team)}'" for team in range(1, TEAMS + 1))
        return [
            _insert(
                "chapters",
                source,
                id=self.chapter("n"),
                series_id=self.series("s"),
                language="'en'",
                volume=d.join(d.over("k", 10) + " + 1"),
                number_milli=milli,
                number_key=d.nine(milli),
                release_key=f"CASE WHEN {by_team} THEN CASE n % {TEAMS} + 1 {keys} END ELSE '' END",
                title=f"CASE WHEN k % 3 > 0 THEN {d.join(repr('What happened on day '), 'k')} END",
                state=f"CASE WHEN {draft} THEN 'draft' WHEN {hidden} THEN 'hidden' ELSE 'published' END",
                published_at=f"CASE WHEN {draft} THEN NULL ELSE {at} END",
                hidden_reason=f"CASE WHEN {hidden} AND NOT {draft} THEN 'Its makers asked for it.' END",
                revision="1",
                page_count=str(PAGES_EACH),
                created_by=self.user("1"),
                created_at=at,
                updated_at=at,
            ),
            _insert(
                "chapter_teams",
                f"{source} WHERE {by_team}",
                chapter_id=self.chapter("n"),
                team_id=self.team(f"n % {TEAMS} + 1"),
            ),
        ]

    def pages(self, low: int, high: int) -> str:
        return _insert(
            "pages",
            self.d.numbers(low, high),
            chapter_id=self.chapter(self.d.over("n - 1", PAGES_EACH) + " + 1"),
            revision="1",
            position=f"(n - 1) % {PAGES_EACH} + 1",
            file_id=self.file(f"n % {FILES} + 1"),
            wide="n % 40 = 0",
        )

    def sums(self) -> list[str]:
        shown = "FROM series WHERE state = 'published'"
        sums = {
            "series": f"SELECT COUNT(*) {shown}",
            "chapters": f"SELECT SUM(chapter_count) FROM series_stats WHERE series_id IN (SELECT id {shown})",
            "teams": "SELECT COUNT(*) FROM teams",
        }
        return [
            _insert(
                "series_stats",
                "series s LEFT JOIN (SELECT series_id, COUNT(*) AS n, MAX(published_at) AS latest FROM chapters"
                " WHERE state = 'published' GROUP BY series_id) c ON c.series_id = s.id"
                " LEFT JOIN (SELECT series_id, SUM(rating) AS total, COUNT(*) AS n FROM series_ratings"
                " GROUP BY series_id) r ON r.series_id = s.id",
                series_id="s.id",
                chapter_count="COALESCE(c.n, 0)",
                rating_sum="COALESCE(r.total, 0)",
                rating_count="COALESCE(r.n, 0)",
                rating_milli=self.d.over("COALESCE(r.total, 0) * 1000", "COALESCE(r.n, 1)"),
                last_chapter_at="c.latest",
                active_at="COALESCE(c.latest, s.created_at)",
            ),
            *(f"UPDATE counters SET value = ({sum_}) WHERE name = '{name}'" for name, sum_ in sums.items()),
        ]


def _release_key(team: int) -> str:
    """As `library.chapters.release_key` makes it of the identifier that `_Crowd.team` gives."""
    stamp = f"{START_US // 1000:012x}"
    return sha256(f"{stamp[:8]}-{stamp[8:]}-7000-8002-{team:012x}".encode()).hexdigest()[:32]


def main(arguments: list[str]) -> None:
    url, *counts = arguments
    series, chapters, pages = map(int, (*counts, "0")[:3])
    fill(url, series=series, chapters=chapters, pages=pages)


if __name__ == "__main__":
    main(sys.argv[1:])
