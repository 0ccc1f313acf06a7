"""Reading what migrations send: what each statement keeps others from, and what the release before cannot live with.

Sources: the lock tables of postgresql.org/docs/current (explicit-locking, sql-altertable) and of InnoDB's online DDL
(dev.mysql.com/doc/refman/8.4/en/innodb-online-ddl-operations.html, mariadb.com/kb/en/innodb-online-ddl-overview).
For what a new table refers to: sql-createtable and create-table-foreign-keys in the same manuals.
"""

import io
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import FrameType
from typing import NamedTuple


class Statement(NamedTuple):
    """One statement as it is sent, on one line, and the line of the migration that sends it."""

    sql: str
    file: Path
    line: int

    @property
    def waived(self) -> bool:
        """Whether this line, or the one above it, ends in `# waived: why`."""
        lines = self.file.read_text().splitlines()
        return any(re.search(r"# waived: \S", line) for line in lines[max(0, self.line - 2) : self.line])


class Kind(NamedTuple):
    """What a statement on a table that others use is, told by how it begins or what is in it."""

    pattern: str
    keeps_waiting: str
    refused: str = ""
    instead: str = ""
    dialect: str = ""
    always: bool = False
    """Also where the table is one that nobody uses yet."""
    refers: bool = False
    """Only where it refers to a table that others use."""


class Finding(NamedTuple):
    """A statement that must not come in one release with what it changes."""

    statement: Statement
    kind: Kind

    def __str__(self) -> str:
        at = f"{self.statement.file.name}:{self.statement.line}"
        return f"{at}: {self.kind.refused}: {_short(self.statement.sql)}. Instead: {self.kind.instead}"


NOBODY, MOMENT, WHILE_IT_RUNS = "nobody", "everybody, for a moment", "everybody, while it runs"
OWN = {"schema_state", "alembic_version", "counters"}
"""Tables of a few rows, whose rows a migration may write."""

_LATER = "leave it; take it away in a release after the one whose code does without it"
_CODE = "let the code refuse such rows now; the database may, once no row and no running release breaks it"
_ADD_BESIDE = (
    "add a column beside it with changes.add_column, write both, fill it with changes.back_fill, read the new one"
)
_ADD_INDEX = "use changes.add_index"
_ADD_COLUMN = "use changes.add_column"
_TABLE = r"^CREATE TABLE\b"
_REFERS = re.compile(r"\bREFERENCES (\w+)", re.I)
# The first that fits tells. Statements that make a table, or are about one made since, keep nobody waiting.
KINDS = (
    Kind(
        r"\b(SMALL|BIG)?SERIAL\b|\bAUTO_INCREMENT\b|\bAS IDENTITY\b|\bENUM ?\(|^CREATE TYPE\b",
        WHILE_IT_RUNS,
        "a number that runs out, or a type that only DDL can extend",
        "identifier() and big() for numbers, key() with one_of for words",
        always=True,
    ),
    Kind(
        r";(?=([^']*'[^']*')*[^']*$)|^ALTER TABLE \S+ .*, ?(ADD|DROP|ALTER|MODIFY|CHANGE|RENAME|CONVERT)\b",
        WHILE_IT_RUNS,
        "several changes in one, of which these rules would see the first",
        "one statement for each",
        always=True,
    ),
    # A SHARE ROW EXCLUSIVE lock on the other table; MySQL's metadata locks keep also readers, MariaDB's only writers.
    Kind(_TABLE, "who writes to a table that it refers to, for a moment", dialect="postgresql", refers=True),
    Kind(_TABLE, "everybody at a table that it refers to, for a moment", dialect="mysql", refers=True),
    Kind(_TABLE, NOBODY),
    Kind(r"^DROP INDEX CONCURRENTLY (IF EXISTS )?(ix|uq)_\w+$", NOBODY),
    Kind(r"^DROP INDEX ix_\w+ ON \w+$", MOMENT, dialect="mysql"),
    Kind(
        r"^(DROP|TRUNCATE)\b|^ALTER TABLE \S+ DROP\b", WHILE_IT_RUNS, "takes away what the release before uses", _LATER
    ),
    Kind(r"\bRENAME\b|^ALTER TABLE \S+ CHANGE\b", WHILE_IT_RUNS, "renames what the release before uses", _ADD_BESIDE),
    Kind(
        r"\bALTER (COLUMN )?\S+ (SET DATA )?TYPE\b|^ALTER TABLE \S+ (MODIFY|CONVERT)\b",
        WHILE_IT_RUNS,
        "rewrites a column's type, row by row",
        _ADD_BESIDE,
    ),
    Kind(r"\bSET NOT NULL\b", WHILE_IT_RUNS, "the release before may write null here", _CODE),
    Kind(r"\bALTER (COLUMN )?\S+ DROP DEFAULT\b", MOMENT, "the release before may count on the default", _LATER),
    Kind(
        r"^CREATE UNIQUE INDEX (CONCURRENTLY\b|.*ALGORITHM=INPLACE LOCK=NONE$)",
        NOBODY,
        "the release before may write what it forbids",
        _CODE,
    ),
    Kind(r"^CREATE UNIQUE INDEX\b", WHILE_IT_RUNS, "the release before may write what it forbids", _CODE),
    Kind(
        r"^ALTER TABLE \S+ ADD (CONSTRAINT|UNIQUE|CHECK|FOREIGN|PRIMARY)\b",
        WHILE_IT_RUNS,
        "the release before may write what it forbids",
        _CODE,
    ),
    Kind(
        r"^ALTER TABLE \S+ ADD (COLUMN )?(?!.*\bDEFAULT (-?\d|'|TRUE\b|FALSE\b)).*\bNOT NULL\b",
        MOMENT,
        "NOT NULL without a constant default: the release before does not write it",
        "a default, or null",
    ),
    Kind(
        r"^ALTER TABLE \S+ ADD (COLUMN )?.*\b"
        r"(DEFAULT (?!-?\d|'|TRUE\b|FALSE\b|NULL\b)|GENERATED\b|UNIQUE\b|REFERENCES\b|CHECK\b)",
        WHILE_IT_RUNS,
        "a column that is computed or looked up for each row",
        "a plain column, then changes.back_fill",
    ),
    Kind(
        r"^ALTER TABLE \S+ ADD COLUMN (?!.*, ALGORITHM=INSTANT$)",
        WHILE_IT_RUNS,
        "a column that MySQL may copy the table for",
        _ADD_COLUMN,
        dialect="mysql",
    ),
    Kind(r"^ALTER TABLE \S+ ADD COLUMN\b", MOMENT),
    Kind(r"^CREATE INDEX CONCURRENTLY\b", NOBODY, dialect="postgresql"),
    Kind(r"^CREATE INDEX .*ALGORITHM=INPLACE LOCK=NONE$", NOBODY, dialect="mysql"),
    Kind(
        r"^CREATE INDEX\b|^ALTER TABLE \S+ ADD (INDEX|KEY)\b",
        "who writes",
        "an index that stops who writes",
        _ADD_INDEX,
    ),
    Kind(r"^/\* in batches\b.*\*/ UPDATE\b", "who writes the same rows, batch by batch"),
    Kind(r"^INSERT INTO \S+ (\([^)]*\) )?VALUES\b", NOBODY),
    Kind(
        r"^(UPDATE|DELETE|INSERT|REPLACE)\b",
        "who writes the same rows, until all are done",
        "changes rows of a whole table at once",
        "changes.back_fill",
    ),
    Kind(r"", WHILE_IT_RUNS, "not known to be harmless", "say what it does in migrations/review.py"),
)
_TARGET = re.compile(
    r"^(?:/\*.*?\*/ )?(?:ALTER TABLE|CREATE (?:UNIQUE )?INDEX .*? ON|DROP INDEX .*? ON|UPDATE|DELETE FROM|INSERT INTO"
    r"|CREATE TABLE(?: IF NOT EXISTS)?|DROP TABLE(?: IF EXISTS)?) (\w+)",
    re.I,
)


class Written(io.StringIO):
    """Where Alembic writes its text: it remembers which line of which file in `folders` each statement is from."""

    def __init__(self, folders: Iterable[Path]) -> None:
        super().__init__()
        self._folders = {str(folder) for folder in folders}
        self.statements: list[Statement] = []

    def write(self, text: str) -> int:
        sql = " ".join(text.split()).removesuffix(";")
        if sql not in ("BEGIN", "COMMIT") and (place := self._place(sys._getframe(1))):
            self.statements.append(Statement(sql, *place))
        return super().write(text)

    def _place(self, frame: FrameType | None) -> tuple[Path, int] | None:
        while frame is not None:
            file = Path(frame.f_code.co_filename)
            if str(file.parent) in self._folders:
                return file, frame.f_lineno
            frame = frame.f_back
        return None


def kind(sql: str, dialect: str, made: Iterable[str] = ()) -> Kind:
    """What a statement is; `made` are the tables that nobody uses yet."""
    target, made = table(sql), set(made)
    own = target in OWN and re.match(r"(UPDATE|DELETE|INSERT)\b", sql, re.I)
    harmless = Kind("", NOBODY) if own or target in made else None
    refers = bool({name.lower() for name in _REFERS.findall(sql)} - {target, *made})
    for one in KINDS:
        if one.dialect in ("", dialect) and one.refers <= refers and re.search(one.pattern, sql, re.I):
            return harmless if harmless and not one.always else one
    raise AssertionError("the last kind fits all")


def table(sql: str) -> str | None:
    """The table that a statement is about, where it says so."""
    found = _TARGET.match(sql)
    return found[1].lower() if found else None


def kinds(statements: Iterable[Statement], dialect: str, made: Iterable[str] = ()) -> Iterator[tuple[Statement, Kind]]:
    """Each with what it is, beside those before it, and beside tables that were `made` before."""
    made = set(made)
    for statement in statements:
        yield statement, kind(statement.sql, dialect, made)
        made |= tables_made([statement])


def tables_made(statements: Iterable[Statement]) -> set[str]:
    """The tables that these make."""
    return {str(table(one.sql)) for one in statements if re.match(_TABLE, one.sql, re.I)}


def findings(statements: Iterable[Statement], dialect: str) -> list[Finding]:
    """What must not be in the revisions since the release before, unless it is waived in writing."""
    return [Finding(one, what) for one, what in kinds(statements, dialect) if what.refused and not one.waived]


def steps(statements: Iterable[Statement], dialect: str, made: Iterable[str] = ()) -> list[tuple[str, str]]:
    """For people: what is done, and whom it keeps waiting. Tables that are made and keep nobody are one step."""
    found: list[tuple[str, str]] = []
    unnoticed = []
    for statement, what in kinds(statements, dialect, made):
        if what.pattern == _TABLE and what.keeps_waiting == NOBODY:
            unnoticed.append(str(table(statement.sql)))
        elif what.pattern:
            found.append((_short(statement.sql), what.keeps_waiting))
    return ([(f"CREATE TABLE {', '.join(unnoticed)}", NOBODY)] if unnoticed else []) + found


def _short(sql: str) -> str:
    return sql if len(sql) <= 120 else f"{sql[:117]}..."
