"""What was sent, of a file that is kept without what it told of its maker."""

from alembic import op

from roliascan.database.migrations.changes import add_column
from roliascan.database.migrations.tables import key, record

revision = "3"
down_revision = "2"


def upgrade() -> None:
    add_column("files", key("sent_sha256", 64, null=True))
    record(3, oldest_code=1)


def downgrade() -> None:
    op.drop_column("files", "sent_sha256")
    record(2, oldest_code=1)
