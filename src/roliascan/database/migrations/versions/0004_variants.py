"""Other sizes and encodings of a page, each a file of its own beside it."""

from alembic import op

from roliascan.database.migrations.changes import add_column, add_unique
from roliascan.database.migrations.tables import identifier, key, record

revision = "4"
down_revision = "3"


def upgrade() -> None:
    # No reference that the database watches over: the release before deletes pages and knows nothing of their variants,
    # which the sweep takes afterwards.
    add_column("files", identifier("original_id", null=True))
    add_column("files", key("variant", 20, null=True))
    add_unique("files", "original_id, variant")  # waived: the release before leaves both null, which are never equal
    record(4, oldest_code=1)


def downgrade() -> None:
    op.drop_index("uq_files_original_id_variant", "files")
    op.drop_column("files", "variant")
    op.drop_column("files", "original_id")
    record(3, oldest_code=1)
