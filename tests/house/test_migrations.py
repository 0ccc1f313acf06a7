"""House rules on migrations: in one release nothing that the code of the release before cannot live with."""

import os
import subprocess
from pathlib import Path

import pytest

from roliascan.database import migrations, schema
from roliascan.database.migrations import review
from tests.database.expanding import on_top
from tests.pipeline import previous

PROJECT = Path(__file__).parents[2]
SQUAWK = PROJECT / ".tools" / "squawk"
LEFT_OUT = {
    "prefer-bigint-over-int": "what is counted here is far from two thousand millions",
    "prefer-bigint-over-smallint": "a position, a rating",
    "prefer-text-field": "what is a key on MySQL needs a length, and the schema is one",
    "prefer-robust-stmts": "what stops half-way is run again; tests kill it after each statement",
    "require-lock-timeout": "who runs them sets it",
    "require-statement-timeout": "who runs them sets it",
}
"""Rules of squawk that are not asked, and why."""


@pytest.mark.parametrize("dialect", ["postgresql", "mysql"])
def test_the_release_before_can_live_with_them(dialect: str) -> None:
    """SC 77, MG-09"""
    since = previous.release().revision
    found = review.findings(migrations.statements(dialect, since=since), dialect)
    assert not found, "\n".join(map(str, found))


def test_nothing_in_them_runs_out_or_cannot_be_extended() -> None:
    """MG-09: from the first revision on."""
    for dialect in ("postgresql", "mysql"):
        assert not review.findings(migrations.statements(dialect, since=0), dialect)


def squawk(sql: str, tmp_path: Path) -> str:
    """What it says, nothing where all is well."""
    if not SQUAWK.exists():
        if os.environ.get("CI") == "true":
            pytest.fail("CI=true and missing: squawk (make .tools/squawk)")
        pytest.skip("squawk (not here: make .tools/squawk)")
    file = tmp_path / "pending.sql"
    file.write_text(sql)
    command = [str(SQUAWK), "--exclude", ",".join(LEFT_OUT), str(file)]
    told = subprocess.run(command, capture_output=True, text=True)
    return told.stdout + told.stderr if told.returncode else ""


def test_squawk_has_nothing_to_say(tmp_path: Path) -> None:
    """MG-02: a second opinion on PostgreSQL's locks."""
    since = previous.release().revision
    assert squawk(migrations.sql("postgresql", since=since), tmp_path) == ""
    with on_top(tmp_path):
        assert squawk(migrations.sql("postgresql", since=schema.REVISION), tmp_path) == ""
    with on_top(tmp_path, '    op.create_index("ix_chapters_title", "chapters", ["title"])'):
        assert "require-concurrent-index" in squawk(migrations.sql("postgresql", since=schema.REVISION), tmp_path)


def test_the_file_of_the_release_before_tells_its_revision() -> None:
    """Where the commit is in this checkout; one without history has the file alone."""
    commit, revision = previous.release()
    where = f"{commit}:src/roliascan/database/schema.py"
    shown = subprocess.run(["git", "show", where], cwd=PROJECT, capture_output=True, text=True)
    if shown.returncode:
        pytest.skip(f"the release before, {commit[:7]} (not in this checkout: fetch its whole history)")
    assert f"\nREVISION = {revision} " in shown.stdout
    assert revision <= schema.REVISION
