"""Recorded events: written from the platforms' documentation, one file for each, with what nobody may trust forged."""

import json
from pathlib import Path
from typing import Any

EVENTS = Path(__file__).with_name("events")
NAMES = sorted(file.stem for file in EVENTS.glob("*.json"))


def recorded(name: str) -> Any:
    """The event, fresh."""
    return json.loads((EVENTS / f"{name}.json").read_text())
