"""Telling truly what a change came to, when something broke after its commit."""

from collections.abc import Iterator
from contextlib import contextmanager

from roliascan.database import Database, Tx
from roliascan.database.faults import OutcomeUnknown
from roliascan.errors import Busy


class _Watched(Database):
    """A database as one request uses it; `saved`: a transaction of that request wrote something, and was committed."""

    def __init__(self, db: Database) -> None:
        super().__init__(db._driver, db._pool, db._deadline)
        self.saved = False

    @contextmanager
    def begin(self) -> Iterator[Tx]:
        with super().begin() as tx:
            yield tx
        self.saved |= tx.wrote


@contextmanager
def saving(db: Database) -> Iterator[Database]:
    """The database for one change. What is Busy once something was committed is OutcomeUnknown.

    After any other 503 nothing was changed, and who asked may ask again: that is promised. But a change is read again
    to be shown, and files are deleted after their rows, and either may fail.
    """
    watched = _Watched(db)
    try:
        yield watched
    except Busy as busy:
        if watched.saved:
            raise OutcomeUnknown from busy
        raise
