"""What was hidden, and whose files need new keys because their addresses are known."""

from alembic import op

from roliascan.database.migrations.tables import drop, identifier, instant, key, record, table

revision = "5"
down_revision = "4"


def upgrade() -> None:
    table(
        "concealments",
        identifier("id"),
        key("kind", 10),
        instant("at"),
        identifier("reached"),
        key="id, kind",
        one_of={"kind": "chapter series"},
    )
    op.execute("DELETE FROM concealments")
    for kind, name in (("chapter", "chapters"), ("series", "series")):
        op.execute(
            "INSERT INTO concealments (id, kind, at, reached)"
            f" SELECT id, '{kind}', updated_at, '00000000-0000-0000-0000-000000000000' FROM {name}"
            " WHERE state IN ('draft', 'hidden', 'scheduled') AND published_at IS NOT NULL"
        )
    record(5, oldest_code=1)


def downgrade() -> None:
    drop("concealments")
    record(4, oldest_code=1)
