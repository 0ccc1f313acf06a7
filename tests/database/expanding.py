"""Migrations of the tests' own, on top of what there are: one that expands `chapters`, and what cuts it short."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from roliascan.database import migrations, schema
from tests.database import bare

NUMBER = schema.REVISION + 1
TITLE = "Chapters know how many words they have"
EXPANDS = """
    add_column("chapters", integer("words", null=True))
    back_fill("chapters", "words = 100 * page_count", where="words IS NULL")
    add_index("chapters", "words, id")
"""
CONTRACTS = """
    op.drop_index("ix_chapters_words_id", "chapters")
    op.drop_column("chapters", "words")
"""
_MIGRATION = '''"""{title}."""

import sqlalchemy as sa
from alembic import op

from roliascan.database.migrations.changes import add_column, add_index, add_unique, back_fill
from roliascan.database.migrations.tables import big, integer, key, record, table, text

revision = "{number}"
down_revision = "{before}"


def upgrade() -> None:
{up}
    record({number}, oldest_code=1)


def downgrade() -> None:
{down}
    record({before}, oldest_code=1)
'''
_CHANGING = ("CREATE", "ALTER", "DROP", "INSERT", "UPDATE", "DELETE")


@contextmanager
def on_top(folder: Path, up: str = EXPANDS, down: str = CONTRACTS) -> Iterator[Path]:
    """Writes a revision after the last one into a folder; it is one of the migrations until the block ends."""
    file = folder / f"{NUMBER:04}_of_the_tests.py"
    file.write_text(_MIGRATION.format(title=TITLE, number=NUMBER, before=schema.REVISION, up=up, down=down))
    migrations.VERSIONS.append(folder)
    try:
        yield file
    finally:
        migrations.VERSIONS.remove(folder)


class Killer:
    """Ends the connection of who migrates right after a statement that changes something, once after each of them."""

    def __init__(self, url: str, every: int = 1) -> None:
        self._url = url
        self._every = every
        self.seen: dict[str, None] = {}
        self.kills = 0

    def __call__(self, _connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        told = f"{statement} {parameters}"
        if not statement.lstrip("/* \n").upper().startswith(_CHANGING) or told in self.seen:
            return
        self.seen[told] = None
        if len(self.seen) % self._every == 0:
            self.kills += 1
            bare.end_connections(self._url)


@contextmanager
def killing(url: str, every: int = 1) -> Iterator[Killer]:
    """Kills after every so many of the statements that no run before has come to."""
    killer = Killer(url, every)
    sa.event.listen(sa.Engine, "after_cursor_execute", killer)
    try:
        yield killer
    finally:
        sa.event.remove(sa.Engine, "after_cursor_execute", killer)
