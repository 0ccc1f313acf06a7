"""Every rule on migrations refuses what it is about, and says where, what, and what to do instead."""

import re
from pathlib import Path

import pytest

from roliascan.database import migrations, schema
from roliascan.database.migrations import review
from tests.database.expanding import EXPANDS, on_top

BOTH = ("postgresql", "mysql")
BAD = {
    'op.drop_table("comments")': ("takes away", BOTH),
    'op.drop_column("chapters", "title")': ("takes away", BOTH),
    'op.drop_constraint("uq_series_slug", "series", type_="unique")': ("takes away", BOTH),
    'op.execute("TRUNCATE TABLE comments")': ("takes away", BOTH),
    'op.rename_table("comments", "remarks")': ("renames", BOTH),
    'op.alter_column("chapters", "title", new_column_name="name", existing_type=sa.String(300))': ("renames", BOTH),
    'op.add_column("chapters", integer("words"))': ("NOT NULL without a constant default", BOTH),
    'op.alter_column("chapters", "page_count", type_=sa.BigInteger())': ("rewrites a column's type", BOTH),
    'op.alter_column("chapters", "title", nullable=False, existing_type=sa.String(300))': (
        "may write null|rewrites",
        BOTH,
    ),
    'op.alter_column("chapters", "version", server_default=None, existing_type=sa.Integer())': (
        "count on the default",
        BOTH,
    ),
    'op.create_index("ix_chapters_title", "chapters", ["title"])': ("stops who writes", BOTH),
    'op.drop_index("ix_chapters_created_by", "chapters")': ("takes away", ("postgresql",)),
    'op.create_index("uq_x", "chapters", ["title"], unique=True)': ("write what it forbids", BOTH),
    'add_unique("chapters", "series_id, title")': ("write what it forbids", BOTH),
    'op.create_check_constraint("ck_x", "chapters", "version > 0")': ("write what it forbids", BOTH),
    'op.create_foreign_key("fk_x", "chapters", "users", ["hidden_by"], ["id"])': ("write what it forbids", BOTH),
    'op.create_unique_constraint("uq_x", "chapters", ["title"])': ("write what it forbids", BOTH),
    'op.execute("ALTER TABLE chapters ADD COLUMN at TIMESTAMP DEFAULT NOW()")': ("computed", BOTH),
    'op.add_column("chapters", integer("words", null=True))': ("may copy the table", ("mysql",)),
    'op.execute("UPDATE chapters SET version = 1")': ("a whole table at once", BOTH),
    'op.execute("DELETE FROM comments")': ("a whole table at once", BOTH),
    'op.execute("INSERT INTO tombstones SELECT * FROM tombstones")': ("a whole table at once", BOTH),
    'op.execute("ALTER TABLE chapters ADD COLUMN note text, DROP COLUMN title, ALGORITHM=INSTANT")': ("several", BOTH),
    "op.execute(\"INSERT INTO permissions (name) VALUES ('a;b'); DROP TABLE comments\")": ("several", BOTH),
    'op.execute("UPDATE counters SET value = 0; UPDATE chapters SET version = 1")': ("several", BOTH),
    'op.execute("LOCK TABLE chapters")': ("not known to be harmless", BOTH),
    "op.execute(\"CREATE TYPE mood AS ENUM ('sad')\")": ("runs out", BOTH),
    'op.create_table("x", sa.Column("id", sa.Integer(), primary_key=True))': ("runs out", BOTH),
    'op.create_table("x", sa.Column("mood", sa.Enum("sad", "happy", name="mood")))': ("runs out", BOTH),
}
CASES = [(bad, said, dialect) for bad, (said, dialects) in BAD.items() for dialect in dialects]
FINE = f"""{EXPANDS}
    add_column("chapters", text("note", 100, null=True))
    add_column("chapters", integer("weight", default=0))
    add_unique("chapters", "note, weight")  # waived: the release before leaves the note null
    table("shelves", key("name", 40), integer("kept"), key="name", indexes=["kept"])
    op.add_column("shelves", integer("wide"))
    op.execute("UPDATE shelves SET wide = 1")
    op.execute("UPDATE counters SET value = 0 WHERE name = 'shelves'")
    op.execute("INSERT INTO permissions (name) VALUES ('see:shelves;all')")
"""


def findings(tmp_path: Path, up: str, dialect: str) -> tuple[list[str], int]:
    """What is said of a revision that does this, and the line on which it does."""
    with on_top(tmp_path, f"    {up.strip()}") as file:
        sent = migrations.statements(dialect, since=schema.REVISION)
        lines = file.read_text().splitlines()
        return [str(found) for found in review.findings(sent, dialect)], lines.index("def upgrade() -> None:") + 2


@pytest.mark.parametrize(("bad", "said", "dialect"), CASES, ids=lambda value: str(value)[:60])
def test_what_is_refused(bad: str, said: str, dialect: str, tmp_path: Path) -> None:
    """SC 77"""
    found, line = findings(tmp_path, bad, dialect)
    assert found, "nothing was said"
    assert found[0].startswith(f"{schema.REVISION + 1:04}_of_the_tests.py:{line}: ")
    assert re.search(said, found[0])
    assert ". Instead: " in found[0]


@pytest.mark.parametrize("dialect", BOTH)
def test_what_is_fine(dialect: str, tmp_path: Path) -> None:
    assert findings(tmp_path, FINE, dialect)[0] == []


@pytest.mark.parametrize("dialect", BOTH)
def test_a_waiver_is_in_writing(dialect: str, tmp_path: Path) -> None:
    bad = 'op.drop_table("comments")'
    assert findings(tmp_path, f"{bad}  # waived: no release since 0.4 reads it", dialect)[0] == []
    assert findings(tmp_path, f"# waived: no release since 0.4 reads it\n    {bad}", dialect)[0] == []
    assert len(findings(tmp_path, f"{bad}  # waived:", dialect)[0]) == 1


def test_every_refusal_is_proven() -> None:
    proven = {kind.refused for kind in review.KINDS for said, _ in BAD.values() if re.search(said, kind.refused)}
    assert {kind.refused for kind in review.KINDS} - {""} <= proven


@pytest.mark.parametrize(
    ("dialect", "waits"),
    [
        ("postgresql", "who writes to a table that it refers to, for a moment"),
        ("mysql", "everybody at a table that it refers to, for a moment"),
    ],
)
def test_a_table_that_refers_to_others_is_noticed_there(dialect: str, waits: str) -> None:
    made = "CREATE TABLE {} (id INT, owner_id INT, CONSTRAINT fk FOREIGN KEY(owner_id) REFERENCES {} (id))"
    assert review.kind(made.format("racks", "users"), dialect).keeps_waiting == waits
    assert review.kind(made.format("racks", "racks"), dialect).keeps_waiting == "nobody"
    assert review.kind(made.format("racks", "shelves"), dialect, {"shelves"}).keeps_waiting == "nobody"
    assert review.kind("CREATE TABLE racks (id INT)", dialect).keeps_waiting == "nobody"
