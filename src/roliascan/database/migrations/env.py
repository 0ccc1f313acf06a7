"""What Alembic runs for each command: the revisions, on the connection that it is handed or into text."""

from alembic import context

context.configure(**context.config.attributes)
with context.begin_transaction():
    context.run_migrations()
