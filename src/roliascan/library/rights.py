"""Who owns what, and who may see or edit it: decided now, from the rows, in the transaction that acts.

A series belongs to its creator and to its teams. A chapter belongs to the teams that released it; one without teams
belongs to whoever added it and to the owners of its series.
"""

from datetime import datetime
from typing import Any

from roliascan.database import Tx
from roliascan.errors import NotFound
from roliascan.people.persons import Person, may

PUBLIC = "published"

OWNS_SERIES = """(s.created_by = :viewer OR EXISTS (
    SELECT 1 FROM series_teams x JOIN team_members m ON m.team_id = x.team_id
    WHERE x.series_id = s.id AND m.user_id = :viewer))"""
"""SQL: whether `:viewer` owns series `s`."""

LEADS_SERIES = """(s.created_by = :viewer OR EXISTS (
    SELECT 1 FROM series_teams l JOIN team_members o ON o.team_id = l.team_id
    WHERE l.series_id = s.id AND o.user_id = :viewer AND o.role = 'leader'))"""
"""SQL: whether `:viewer` created series `s` or leads a team that owns it."""

OWNS_CHAPTER = f"""(CASE WHEN c.release_key <> '' THEN EXISTS (
    SELECT 1 FROM chapter_teams y JOIN team_members n ON n.team_id = y.team_id
    WHERE y.chapter_id = c.id AND n.user_id = :viewer)
  ELSE c.created_by = :viewer OR {OWNS_SERIES} END)"""
"""SQL: whether `:viewer` owns chapter `c` of series `s`."""


LEADS_CHAPTER = f"""(CASE WHEN c.release_key <> '' THEN EXISTS (
    SELECT 1 FROM chapter_teams v JOIN team_members w ON w.team_id = v.team_id
    WHERE v.chapter_id = c.id AND w.user_id = :viewer AND w.role = 'leader')
  ELSE c.created_by = :viewer OR {LEADS_SERIES} END)"""
"""SQL: whether `:viewer` leads a team that released chapter `c`; without teams, who added it or leads its series."""


def viewer_id(person: Person | None) -> str | None:
    """The value of `:viewer`; nobody owns what null owns."""
    return person.id or None if person else None


def sees(person: Person | None, *, owns: bool, states: tuple[str, ...]) -> bool:
    """Published things are for everybody, others for their owners and for those who see everything."""
    return states.count(PUBLIC) == len(states) or owns or sees_all(person)


def sees_all(person: Person | None) -> bool:
    return may(person, "see:any")


def require_sight(person: Person | None, *, owns: bool, states: tuple[str, ...]) -> None:
    """Raises NotFound: who may not see a thing is not told that it exists."""
    if not sees(person, owns=owns, states=states):
        raise NotFound


def record_override(
    tx: Tx, action: str, *, person: Person, owns: bool, kind: str, id: str, now: datetime, **details: Any
) -> None:
    """Last in a transaction that changed something: an entry in the audit log where it belongs to others.

    What the operator does at the command line is not moderation, and is not logged.
    """
    if owns or not person.session_id:
        return
    from roliascan.people import audit  # which readers and owners do not need

    audit.record(tx, actor=person, action=action, target_kind=kind, target_id=id, details=details, now=now)
