"""The echo app as a Lambda function: `handler`."""

from roliascan.platforms.aws_lambda import handler_of
from tests.platforms import echoes

handler = handler_of(lambda: echoes.app, sweep=lambda seconds: {"seconds": seconds})


def unguarded(event: dict[str, int], context: object) -> str:
    """An answer of exactly `size` bytes as JSON."""
    return "a" * (event["size"] - 2)
