"""What was created under an Idempotency-Key."""

from roliascan.database.migrations.tables import drop, instant, key, long_text, record, table, text

revision = "2"
down_revision = "1"


def upgrade() -> None:
    table(
        "idempotency_keys",
        key("id", 64),
        key("request", 64),
        text("location", 500, null=True),
        long_text("body", null=True),
        instant("expires_at"),
        indexes=["expires_at"],
    )
    record(2, oldest_code=1)


def downgrade() -> None:
    drop("idempotency_keys")
    record(1, oldest_code=1)
