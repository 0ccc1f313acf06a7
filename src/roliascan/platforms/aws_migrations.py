"""AWS Lambda, for a pipeline or an operator to invoke: `roliascan.platforms.aws_migrations.handler` migrates."""

from typing import Any

from roliascan.platforms import migrating


def handler(_event: Any, _context: Any) -> dict[str, Any]:
    """Any event will do. Raises MigrationFailed: Lambda then sets FunctionError, which is what a pipeline looks at."""
    return migrating.run()
