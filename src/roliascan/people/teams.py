"""Teams: groups that release together and own what they release."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from roliascan import text
from roliascan.database import Duplicate, Reader, Tx
from roliascan.errors import Conflict, Invalid, NotAllowed, NotFound, PreconditionFailed, Problem
from roliascan.ids import is_id, new_id
from roliascan.paging import Asked, Listed, Order, Page, page_of, window
from roliascan.people import sessions
from roliascan.people.persons import Person, may_anywhere, require_right

MOST_MEMBERS = 1_000
"""All of them are told with the team, and by MariaDB in no more than a megabyte (`group_concat_max_len`)."""


class TeamTaken(Conflict):
    code = "team_exists"
    detail = "A team of this name exists already."


class LastLeader(Conflict):
    code = "last_leader"
    detail = "A team keeps at least one leader; make somebody else leader first."


class TeamFull(Conflict):
    code = "team_full"
    detail = f"A team has at most {MOST_MEMBERS:,} members."


class TeamInUse(Conflict):
    code = "team_in_use"
    detail = "This team still owns series or chapters; give them to another team first."


class NotInTeam(NotAllowed):
    code = "not_in_team"
    detail = "You can name only teams that you belong to."


class TeamName(msgspec.Struct):
    """A team where it is only named."""

    id: str
    name: str


class Link(msgspec.Struct):
    """An address of a team: a site, a chat."""

    label: str
    url: str


class Member(msgspec.Struct, rename="camel"):
    """Somebody in a team."""

    id: str
    username: str
    role: str


class Team(msgspec.Struct, rename="camel"):
    """A team with its members, leaders first."""

    id: str
    name: str
    description: str | None
    links: list[Link]
    members: list[Member]
    version: int
    created_at: str
    updated_at: str


class TeamItem(Listed, rename="camel"):
    """A team in a list."""

    id: str
    name: str
    description: str | None
    member_count: int
    created_at: str


class _Row(msgspec.Struct):
    id: str
    name: str
    description: str | None
    links: str
    members: str | None
    version: int
    created_at: str
    updated_at: str


NEWEST = Order("newest", "t.created_at", "t.id", True, str)


def index(db: Reader, asked: Asked) -> Page[TeamItem]:
    """Teams, newest first."""
    part = window(NEWEST, asked)
    rows = db.read(
        "SELECT t.created_at AS sort_key, (SELECT value FROM counters WHERE name = 'teams') AS total,"
        " t.id, t.name, t.description,"
        " (SELECT COUNT(*) FROM team_members m WHERE m.team_id = t.id) AS member_count, t.created_at"
        " FROM teams t WHERE 1 = 1" + part.condition + part.tail,
        TeamItem,
        **part.values,
    )
    return page_of(rows, NEWEST, asked, exact=True)


_SHOW = """
SELECT t.id, t.name, t.description, t.links,
       (SELECT json_arrayagg(json_array(u.id, u.username, m.role)) FROM team_members m JOIN users u ON u.id = m.user_id
        WHERE m.team_id = t.id) AS members,
       t.version, t.created_at, t.updated_at
FROM teams t WHERE t.id = :id
"""


def show(db: Reader, team_id: str) -> Team:
    """A team and its members, in one statement. Raises NotFound."""
    row = db.one(_SHOW, _Row, id=team_id) if is_id(team_id) else None
    if row is None:
        raise NotFound
    found = msgspec.json.decode(row.members, type=list[tuple[str, str, str]]) if row.members else []
    members = sorted((Member(*one) for one in found), key=lambda one: (one.role != "leader", one.username))
    links = msgspec.json.decode(row.links, type=list[Link])
    return Team(row.id, row.name, row.description, links, members, row.version, row.created_at, row.updated_at)


def create(tx: Tx, *, person: Person, name: str, description: str | None, links: list[Link], now: datetime) -> str:
    """A new team with its founder as first leader; its identifier. Raises TeamTaken."""
    require_right(person, "teams.create")
    team_id = new_id(now)
    try:
        tx.write(
            "INSERT INTO teams (id, name, name_key, description, links, created_by, version, created_at, updated_at)"
            " VALUES (:id, :name, :name_key, :description, :links, :created_by, 1, :now, :now)",
            id=team_id,
            name=name,
            name_key=text.sort_key(name, 100),
            description=description,
            links=msgspec.json.encode(links).decode(),
            created_by=person.id or None,
            now=now,
        )
    except Duplicate as taken:
        raise TeamTaken from taken
    if person.id:
        _add(tx, team_id=team_id, user_id=person.id, role="leader", now=now)
    tx.write("UPDATE counters SET value = value + 1 WHERE name = 'teams'")
    return team_id


def change(
    tx: Tx,
    *,
    person: Person,
    team_id: str,
    version: int | None,
    name: str | UnsetType,
    description: str | UnsetType | None,
    links: list[Link] | UnsetType,
    now: datetime,
) -> None:
    """Changes what is given. Raises NotFound, NotAllowed, PreconditionFailed, TeamTaken."""
    leads = _lock_for(tx, "teams.change", person=person, team_id=team_id, version=version)
    changes: dict[str, str | None] = {}
    if name is not UNSET:
        changes |= {"name": name, "name_key": text.sort_key(name, 100)}
    if description is not UNSET:
        changes["description"] = description
    if links is not UNSET:
        changes["links"] = msgspec.json.encode(links).decode()
    assignments = "".join(f", {column} = :{column}" for column in changes)
    sql = f"UPDATE teams SET version = version + 1, updated_at = :now{assignments} WHERE id = :id"
    try:
        tx.write(sql, id=team_id, now=now, **changes)
    except Duplicate as taken:
        raise TeamTaken from taken
    if not leads:
        fields = [
            name
            for name, given in (("name", name), ("description", description), ("links", links))
            if given is not UNSET
        ]
        _record(tx, "edit", person=person, team_id=team_id, details={"fields": fields}, now=now)


class _Uses(msgspec.Struct):
    uses: int


_USES = """
SELECT (SELECT COUNT(*) FROM series_teams WHERE team_id = :id)
       + (SELECT COUNT(*) FROM chapter_teams WHERE team_id = :id) AS uses
"""


def remove(tx: Tx, *, person: Person, team_id: str, version: int | None, now: datetime) -> None:
    """Ends a team that owns nothing any more. Raises NotFound, NotAllowed, TeamInUse."""
    leads = _lock_for(tx, "teams.remove", person=person, team_id=team_id, version=version)
    uses = tx.one(_USES, _Uses, id=team_id)
    if uses and uses.uses:
        raise TeamInUse
    tx.write("DELETE FROM team_members WHERE team_id = :id", id=team_id)
    tx.write("DELETE FROM teams WHERE id = :id", id=team_id)
    tx.write("UPDATE counters SET value = value - 1 WHERE name = 'teams'")
    if not leads:
        _record(tx, "delete", person=person, team_id=team_id, details={}, now=now)


def set_member(tx: Tx, *, person: Person, team_id: str, user_id: str, role: str, now: datetime) -> None:
    """Adds somebody, or changes their role. Raises NotFound, NotAllowed, LastLeader, TeamFull."""
    leads = _lock_for(tx, "teams.set_member", person=person, team_id=team_id)
    if role != "leader":
        _keep_a_leader(tx, team_id=team_id, without=user_id, now=now)
    if not is_id(user_id) or not tx.one("SELECT id FROM users WHERE id = :id", _Id, id=user_id):
        raise NotFound("There is no such person.")
    tx.write(
        "DELETE FROM team_members WHERE team_id = :team_id AND user_id = :user_id", team_id=team_id, user_id=user_id
    )
    _keep_a_place(tx, team_id=team_id)
    _add(tx, team_id=team_id, user_id=user_id, role=role, now=now)
    if not leads:
        _record(tx, "set_member", person=person, team_id=team_id, details={"user": user_id, "role": role}, now=now)


def remove_member(tx: Tx, *, person: Person, team_id: str, user_id: str, now: datetime) -> None:
    """Takes somebody out; everybody may leave by themselves. Raises NotFound, NotAllowed, LastLeader."""
    may_by_oneself = person.id == user_id
    if may_by_oneself:
        _lock(tx, team_id)
    else:
        may_by_oneself = _lock_for(tx, "teams.remove_member", person=person, team_id=team_id)
    _keep_a_leader(tx, team_id=team_id, without=user_id, now=now)
    sql = "DELETE FROM team_members WHERE team_id = :team_id AND user_id = :user_id"
    if not is_id(user_id) or not tx.write(sql, team_id=team_id, user_id=user_id):
        raise NotFound("This person is not in the team.")
    if not may_by_oneself:
        _record(tx, "remove_member", person=person, team_id=team_id, details={"user": user_id}, now=now)


def require_membership(
    db: Reader, *, person: Person, team_ids: Iterable[str], field: str = "teamIds"
) -> frozenset[str]:
    """Those of the teams to which the person does not belong, and may name all the same: see `record_naming`.

    Raises Invalid (no such team), NotInTeam.
    """
    wanted = sorted(set(team_ids))
    if not wanted:
        return frozenset()
    known = {row.id for row in db.read("SELECT id FROM teams WHERE id IN (:ids)", _Id, ids=wanted)}
    if missing := [team for team in wanted if team not in known]:
        raise Invalid(*(Problem(field, f"there is no team {team}") for team in missing))
    sql = "SELECT team_id AS id FROM team_members WHERE user_id = :user_id AND team_id IN (:ids)"
    foreign = known - {row.id for row in db.read(sql, _Id, user_id=person.id or None, ids=wanted)}
    if foreign and not may_anywhere(person, "teams.name"):
        raise NotInTeam
    return frozenset(foreign)


def record_naming(tx: Tx, foreign: Iterable[str], *, person: Person, now: datetime, **thing: str) -> None:
    """Last in a transaction that gave a thing (`series=` or `chapter=` its identifier) to teams of others."""
    for team_id in sorted(foreign):
        _record(tx, "name", person=person, team_id=team_id, details=thing, now=now)


class _Id(msgspec.Struct):
    id: str


class _Locked(msgspec.Struct):
    version: int


def _lock(tx: Tx, team_id: str) -> int:
    """Everything about a team's members happens under this lock, so that the last leader stays."""
    sql = "SELECT version FROM teams WHERE id = :id FOR UPDATE"
    row = tx.one(sql, _Locked, id=team_id) if is_id(team_id) else None
    if row is None:
        raise NotFound
    return row.version


class _Role(msgspec.Struct):
    role: str


def _lock_for(tx: Tx, act: str, *, person: Person, team_id: str, version: int | None = None) -> bool:
    """Locks a team for somebody who may do this to it; whether they lead it.

    Raises NotFound, NotAllowed, PreconditionFailed.
    """
    current = _lock(tx, team_id)
    sql = "SELECT role FROM team_members WHERE team_id = :team_id AND user_id = :user_id"
    member = tx.one(sql, _Role, team_id=team_id, user_id=person.id) if person.id else None
    leads = member is not None and member.role == "leader"
    require_right(person, act, owns=member is not None, leads=leads)
    if version is not None and version != current:
        raise PreconditionFailed
    return leads


class _Leader(msgspec.Struct):
    id: str
    is_open: bool


_LEADERS = f"""
SELECT u.id, {sessions.IS_OPEN} AS is_open FROM users u
WHERE u.id IN (SELECT m.user_id FROM team_members m WHERE m.team_id = :team_id AND m.role = 'leader')
ORDER BY u.id FOR UPDATE
"""


def _keep_a_leader(tx: Tx, *, team_id: str, without: str, now: datetime) -> None:
    """Raises LastLeader where nobody else leads who is not banned; leaders are locked, so that no ban comes between."""
    leaders = tx.read(_LEADERS, _Leader, team_id=team_id, now=now)
    if without in {one.id for one in leaders} and not any(one.is_open for one in leaders if one.id != without):
        raise LastLeader


class _Count(msgspec.Struct):
    members: int


def _keep_a_place(tx: Tx, *, team_id: str) -> None:
    """Raises TeamFull."""
    found = tx.one("SELECT COUNT(*) AS members FROM team_members WHERE team_id = :id", _Count, id=team_id)
    if found and found.members >= MOST_MEMBERS:
        raise TeamFull


_LED_ALONE = f"""
SELECT m.team_id AS id FROM team_members m WHERE m.user_id = :user_id AND m.role = 'leader' AND NOT EXISTS (
    SELECT 1 FROM team_members o JOIN users u ON u.id = o.user_id
    WHERE o.team_id = m.team_id AND o.role = 'leader' AND o.user_id <> :user_id AND {sessions.IS_OPEN})
LIMIT 1
"""


def require_other_leaders(tx: Tx, *, user_id: str, now: datetime) -> None:
    """Before a ban, with the user locked. Raises LastLeader where they lead a team alone."""
    if tx.one(_LED_ALONE, _Id, user_id=user_id, now=now):
        raise LastLeader


def _record(tx: Tx, action: str, *, person: Person, team_id: str, details: dict[str, Any], now: datetime) -> None:
    """What was done to a team by who does not lead it; the operator's own work is not logged."""
    if person.session_id:
        from roliascan.people import audit  # which readers and owners do not need

        audit.record(tx, actor=person, action=action, target_kind="team", target_id=team_id, details=details, now=now)


def _add(tx: Tx, *, team_id: str, user_id: str, role: str, now: datetime) -> None:
    tx.write(
        "INSERT INTO team_members (team_id, user_id, role, joined_at) VALUES (:team_id, :user_id, :role, :now)",
        team_id=team_id,
        user_id=user_id,
        role=role,
        now=now,
    )
