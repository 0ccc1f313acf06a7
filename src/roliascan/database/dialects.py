"""The few real differences between the databases, as rewrites of one SQL text.

Queries are written once, in the spelling that SQLite and PostgreSQL share (`ON CONFLICT`, `excluded.x`) with standard
SQL:2016 names for JSON (`json_array`, `json_arrayagg`), `CURRENT_TIMESTAMP` for the server's clock (an instant like
those of columns; milliseconds on SQLite) and `:name` for parameters. Each function here turns such a text
into what one driver takes. The results are cached by the callers: a text is rewritten once per process.

What no rewriting levels out:
- `a STRAIGHT_JOIN b` reads `a` first. A list sorted by an index of `a`, of which few rows are shown, needs it: MariaDB
  prefers the smaller table, then sorts all there is. PostgreSQL decides by itself, and well.
- `a FORCE INDEX (i) ON` is for MariaDB and MySQL as well: they take all nulls of a column for one value, so that they
  would rather read all of `a` where most are null, than find the few that are not. The others decide by themselves.
- `SET a = a + 1, b = a`: MySQL gives `b` the new `a`. `DO UPDATE` has no `WHERE` there.
- `json_arrayagg` of no rows is null, but `[]` on SQLite. Its order is not defined. An instant in JSON is in each
  database's own form, a boolean 0 or 1 on two of them.
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

_TOKEN = re.compile(r"'(?:[^']|'')*'|(?<![:\w]):([a-z_][a-z0-9_]*)|%")

_FORCED = re.compile(r" FORCE INDEX \(\w+\)")


def _parameters(sql: str, write: Callable[[str], str], percent: str) -> str:
    def token(match: re.Match[str]) -> str:
        name, text = match[1], match[0]
        return write(name) if name else text.replace("%", percent)

    return _TOKEN.sub(token, sql)


def sqlite(sql: str) -> str:
    """For sqlite3: `:name` as it is; SQLite locks the whole file, so it knows no `FOR UPDATE`."""
    sql = sql.replace("json_arrayagg(", "json_group_array(").replace(" STRAIGHT_JOIN ", " CROSS JOIN ")
    sql = _FORCED.sub("", sql)
    sql = sql.replace("CURRENT_TIMESTAMP", "strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')")
    return re.sub(r"\s+FOR UPDATE\b", "", sql)


def postgresql(sql: str) -> str:
    """For psycopg2: `%(name)s`, and the names that JSON functions had before PostgreSQL 16."""
    sql = _parameters(sql, lambda name: f"%({name})s", "%%" if _has_parameters(sql) else "%")
    sql = sql.replace("json_arrayagg(", "json_agg(").replace("json_array(", "json_build_array(")
    return _FORCED.sub("", sql.replace(" STRAIGHT_JOIN ", " JOIN "))


def mysql(sql: str) -> str:
    """For PyMySQL, in what MySQL 8 and MariaDB share: `%(name)s`, `ON DUPLICATE KEY UPDATE`.

    `DO NOTHING` becomes an assignment of a key column to itself, which changes no row and, unlike `INSERT IGNORE`,
    hides no other error. It needs the conflicting column named: `ON CONFLICT (slug) DO NOTHING`.
    """
    sql = _parameters(sql, lambda name: f"%({name})s", "%%" if _has_parameters(sql) else "%")
    sql = sql.replace("CURRENT_TIMESTAMP", "UTC_TIMESTAMP(6)")
    sql = re.sub(r"ON CONFLICT \((\w+)[^)]*\) DO NOTHING", r"ON DUPLICATE KEY UPDATE \1 = \1", sql)
    sql = re.sub(r"ON CONFLICT \([^)]*\) DO UPDATE SET", "ON DUPLICATE KEY UPDATE", sql)
    return re.sub(r"\bexcluded\.(\w+)", r"VALUES(\1)", sql)


def _has_parameters(sql: str) -> bool:
    return any(match[1] for match in _TOKEN.finditer(sql))


def spread_lists(sql: str, values: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """`IN (:ids)` with a list: one parameter for each element. An empty one matches nothing, nor does its `NOT IN`."""
    flat = {name: value for name, value in values.items() if not isinstance(value, list)}
    lists = {name: value for name, value in values.items() if isinstance(value, list)}
    for name, value in lists.items():
        flat |= {f"{name}__{i}": element for i, element in enumerate(value)}

    def spread(name: str) -> str:
        if name not in lists:
            return f":{name}"
        return ", ".join(f":{name}__{i}" for i in range(len(lists[name]))) or "NULL"

    return _parameters(sql, spread, "%"), flat


def instant_text(value: datetime) -> str:
    """The form in which an instant leaves every database: RFC 3339, UTC, six digits, 27 characters, sorting by time."""
    if value.tzinfo is None:
        raise ValueError("an instant without a time zone")
    return value.astimezone(UTC).isoformat(timespec="microseconds")[:26] + "Z"


def is_instant_text(text: str) -> bool:
    """Whether `instant_text` writes an instant so."""
    try:
        return instant_text(datetime.fromisoformat(text)) == text
    except (ValueError, OverflowError):
        return False
