"""Falcon as WSGI needs it: `from roliascan.web.lean import falcon`, wherever it is used.

Falcon loads asyncio and a thread pool for its other half, ASGI, Python's HTTP client for one annotation, and XML for
errors that are not JSON. That is half of what importing it costs, so here they are loaded only if they are ever used.
"""

import mimetypes
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType
from typing import Any

__all__ = ["falcon"]


class _Nothing:
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """As whatever it stands for would be made."""


class _Later(ModuleType):
    """Gives placeholders while Falcon is imported, which then only asks for names, and the real things afterwards."""

    def __getattr__(self, name: str) -> Any:
        if sys.modules.get(self.__name__) is self:
            return type(name, (_Nothing,), {})
        return getattr(import_module(self.__name__), name)


@contextmanager
def _later(*names: str) -> Iterator[None]:
    absent = [name for name in names if name not in sys.modules]
    for name in absent:
        if package := name.rpartition(".")[0]:
            import_module(package)  # `import a.b.c` asks for it
        sys.modules[name] = _Later(name)
    try:
        yield
    finally:
        for name in absent:
            del sys.modules[name]


with _later("asyncio", "concurrent.futures", "http.cookiejar", "xml.etree.ElementTree"):
    import falcon

# Each app would read the machine's types of files, to serve files by their names, which ours does not.
mimetypes.inited = True
