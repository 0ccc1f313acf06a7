"""Whether this code and the database's schema fit each other, asked in one statement and without Alembic."""

import math
import threading
from typing import Literal, NamedTuple

import msgspec

from roliascan.database import Database
from roliascan.database.faults import Unmigrated
from roliascan.errors import Busy

REVISION = 5  # of the schema that this code needs
ASK_AGAIN_S = 5.0


class SchemaMismatch(Busy):
    """This code must not touch this database as it is; `detail` names the command that mends it."""

    code = "schema_mismatch"

    def __init__(self, detail: str) -> None:
        super().__init__(detail, retry_after=int(ASK_AGAIN_S))


class Schema(msgspec.Struct, frozen=True):
    """What the database says of itself; revision 0 is one without our tables."""

    revision: int
    oldest_code: int
    sql_mode: str | None = None
    read_only: bool = False


_MORE = {
    "sqlite": ", NULL AS sql_mode, 0 AS read_only",
    "postgresql": ", NULL AS sql_mode, current_setting('transaction_read_only') = 'on' AS read_only",
    # The mode is asked for here and not while connecting, where it would cost each connection a round trip.
    "mysql": ", @@sql_mode AS sql_mode, @@read_only + @@innodb_read_only > 0 AS read_only",
}


class State(NamedTuple):
    """How schema and code fit; `detail` says it to people, with what to do about it."""

    name: Literal["at", "ahead", "behind", "incompatible", "lax"]
    detail: str

    @property
    def fits(self) -> bool:
        return self.name in {"at", "ahead"}


def read(db: Database) -> Schema:
    """The database's own account; raises what `Database.read` raises."""
    try:
        schema = db.one(f"SELECT revision, oldest_code{_MORE[db.kind]} FROM schema_state WHERE id = 1", Schema)
    except Unmigrated:
        schema = None
    return schema or Schema(revision=0, oldest_code=0)


def state(schema: Schema, needed: int = REVISION) -> State:
    """Code of revision `needed` beside this schema."""
    if schema.oldest_code > needed:
        return State(
            "incompatible",
            f"The database is at revision {schema.revision}, which needs code of revision {schema.oldest_code};"
            f" this is {needed}. Its operator must deploy newer code.",
        )
    if schema.revision < needed:
        return State(
            "behind",
            f"The database is at revision {schema.revision}, and this version needs {needed}."
            " Its operator must run: roliascan migrate up",
        )
    if schema.sql_mode is not None and "STRICT_" not in schema.sql_mode:
        return State(
            "lax",
            "The database server cuts values that do not fit instead of refusing them."
            " Its operator must add STRICT_TRANS_TABLES to its sql_mode.",
        )
    if schema.revision > needed:
        return State(
            "ahead", f"The database is at revision {schema.revision}; this version needs {needed} and fits it."
        )
    return State("at", f"The database is at revision {needed}, as this version needs.")


class Gate:
    """Lets requests to the database once it was seen to fit, for as long as the process lives."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._passed = False
        self._refusal = ""
        self._ask_at = -math.inf
        self._turn = threading.Lock()

    def check(self, now: float, db: Database | None = None) -> None:
        """Raises `SchemaMismatch`, or what `Database.read` raises; `now` is monotonic, in seconds.

        `db`: the database as this request may ask it, which may be in a hurry.
        """
        if not self._passed:
            self._ask(now, db or self._db)

    def _ask(self, now: float, db: Database) -> None:
        with self._turn:  # not held while the database is asked: it may take its time to answer
            if self._refusal and now < self._ask_at:
                raise SchemaMismatch(self._refusal)
            self._ask_at = now + ASK_AGAIN_S
        found = state(read(db))
        if not found.fits:
            self._refusal = found.detail
            raise SchemaMismatch(found.detail)
        self._passed = True
