"""Falcon as WSGI needs it: `from roliascan.web.lean import falcon`, wherever it is used.

Falcon loads asyncio for its other half, ASGI, and Python's HTTP client for one annotation. Both would be half of what
importing it costs, so they are loaded only if something in them is ever used.
"""

import mimetypes
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType
from typing import Any

__all__ = ["falcon"]


class _Later(ModuleType):
    """Gives placeholders while Falcon is imported, which then only asks for names, and the real things afterwards."""

    def __getattr__(self, name: str) -> Any:
        if sys.modules.get(self.__name__) is self:
            return type(name, (), {})
        return getattr(import_module(self.__name__), name)


@contextmanager
def _later(*names: str) -> Iterator[None]:
    absent = [name for name in names if name not in sys.modules]
    sys.modules.update({name: _Later(name) for name in absent})
    try:
        yield
    finally:
        for name in absent:
            del sys.modules[name]


with _later("asyncio", "http.cookiejar"):
    import falcon

# Each app would read the machine's tables, to serve files by their names, which ours does not.
mimetypes.init(files=[])
