"""Decoders that have a fault, for as long as a test needs them."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from roliascan.library import images
from roliascan.worker import Worker


@contextmanager
def begun_with(code: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every decoder that starts meanwhile runs `code` first, and ends with it; `folder` is for the code alone."""
    (folder / "sitecustomize.py").write_text(code)
    monkeypatch.syspath_prepend(str(folder))
    fresh: list[Worker] = []
    monkeypatch.setattr(images, "_idle", fresh)
    yield
    for worker in fresh:
        worker.end()
