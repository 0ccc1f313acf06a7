"""What can go wrong between us and a database, named alike for all drivers, without a word of theirs."""

from roliascan.errors import Busy, Conflict


class Unreachable(Busy):
    """No connection could be made, or none became free in time."""

    code = "database_unreachable"
    detail = "The database cannot be reached right now; try again."


class Lost(Busy):
    """The connection broke before a commit was sent: nothing of the transaction happened."""

    code = "database_lost"
    detail = "The connection to the database broke; nothing was changed. Try again."


class ReadOnly(Lost):
    """The server takes no changes, as one that a fail-over left behind, or before it has taken over.

    A connection that is not new is given up as if it were lost: the next one may lead to the server that does.
    """

    code = "database_read_only"
    detail = "The database takes no changes right now; nothing was changed. Reading works; try again."


class OutcomeUnknown(Busy):
    """Something broke while a commit was under way, or after it: it may have happened. Look before repeating."""

    code = "outcome_unknown"
    detail = "Something broke while saving; look whether it was saved before trying again."


class Contended(Busy):
    """A deadlock, a serialization failure or a lock that was not free in time; the whole may be tried again."""

    code = "database_contended"
    detail = "Too many people are changing this at once; try again."


class Slow(Busy):
    """A statement ran into its time limit."""

    code = "database_slow"
    detail = "The database took too long to answer; try again, or ask for less."


class OutOfTime(Busy):
    """The platform ends this request before the database could do what comes next: it was not begun."""

    code = "out_of_time"
    detail = "There was no time left to do this; nothing was changed. Try again."


class Duplicate(Conflict):
    """A unique key is taken. Verbs turn it into their own refusal."""

    code = "already_exists"
    detail = "This already exists."


class Dangling(Conflict):
    """A row points to one that is not there, or is still pointed to."""

    code = "no_longer_there"
    detail = "Something that this refers to is no longer there."


class Unmigrated(Busy):
    """A table that the code needs is not there."""

    code = "database_unmigrated"
    detail = "The database has not been prepared for this version; its operator must run: roliascan migrate up"
