"""Types of what people send, with their limits. Lengths count characters, after trimming and normalizing."""

from typing import Annotated

from msgspec import Meta

Title = Annotated[str, Meta(min_length=1, max_length=300)]
Text = Annotated[str, Meta(max_length=5_000)]
Reason = Annotated[str, Meta(min_length=1, max_length=500)]
Id = Annotated[str, Meta(pattern="^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")]
Language = Annotated[str, Meta(pattern="^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$", max_length=20)]
"""A language tag (BCP 47), such as `en`, `pt-BR`, or `und` where it is not known."""
Limit = Annotated[int, Meta(ge=1, le=100)]
PageNumber = Annotated[int, Meta(ge=1, le=10_000)]
Cursor = Annotated[str, Meta(min_length=1, max_length=1_000)]
Search = Annotated[str, Meta(max_length=200)]
TeamIds = Annotated[list[Id], Meta(max_length=10)]
