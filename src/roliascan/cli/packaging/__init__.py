"""Building a function's archive: `filling.fill` -> `machines.check` -> `bytecode.add` -> `archive.write`."""


class NotPackaged(Exception):
    """The package cannot be built; the message says why, and what to do."""
