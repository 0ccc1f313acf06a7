"""The revisions of the schema, in order, as their migrations name them."""

TITLES = [
    "The first schema",
    "What was created under an Idempotency-Key",
    "What was sent, of a file that is kept without what it told of its maker",
    "Other sizes and encodings of a page, each a file of its own beside it",
    "What was hidden, and whose files need new keys because their addresses are known",
]
TOLD = [f"{number}: {title}" for number, title in enumerate(TITLES, start=1)]
"""What running them says."""
NEWEST = len(TITLES)
