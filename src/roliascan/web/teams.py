"""Teams over HTTP."""

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from roliascan.paging import Page
from roliascan.people import teams
from roliascan.people.teams import Link, Team, TeamItem
from roliascan.web.calls import Call, Created, Empty, Tagged
from roliascan.web.fields import Text
from roliascan.web.queries import ListQuery

Name = Annotated[str, Meta(min_length=1, max_length=100)]


_HOST = r"[^\s<>\"'\[\]/?#@:%\\\x00-\x1f\x7f-\x9f]+(:[0-9]{1,5})?"
_URL = rf"^https?://{_HOST}([/?#][^\s<>\"\x00-\x1f\x7f-\x9f]*)?$"
"""Of a site, whatever its path: no name and password before the host, which hide where a link leads, no brackets."""


class SentLink(msgspec.Struct, forbid_unknown_fields=True):
    """An address of a team: a site, a chat."""

    label: Annotated[str, Meta(min_length=1, max_length=100)]
    url: Annotated[str, Meta(pattern=_URL, max_length=1000)]


Links = Annotated[list[SentLink], Meta(max_length=20)]


class NewTeam(msgspec.Struct, forbid_unknown_fields=True):
    """A team to found."""

    name: Name
    description: Text | None = None
    links: Links = []


class TeamChange(msgspec.Struct, forbid_unknown_fields=True):
    """What is absent stays; null clears the description."""

    name: Name | UnsetType = UNSET
    description: Text | UnsetType | None = UNSET
    links: Links | UnsetType = UNSET


class SentMember(msgspec.Struct, forbid_unknown_fields=True):
    """Somebody's role in a team."""

    role: Literal["leader", "member"]


def index(call: Call, query: ListQuery) -> Page[TeamItem]:
    """Teams, newest first."""
    return teams.index(call.db, query.asked)


def show(call: Call, team: str) -> Tagged[Team]:
    """A team and its members."""
    found = teams.show(call.db, team)
    return Tagged(found, found.version)


def create(call: Call, body: NewTeam) -> Created[Team]:
    """Founds a team. You are its first leader."""
    team_id = call.db.run(
        teams.create,
        person=call.person,
        name=body.name,
        description=body.description,
        links=_links(body.links),
        now=call.now,
    )
    return Created(teams.show(call.db, team_id), f"/teams/{team_id}")


def change(call: Call, body: TeamChange, team: str) -> Tagged[Team]:
    """Changes a team. For its leaders and administrators."""
    call.db.run(
        teams.change,
        person=call.person,
        team_id=team,
        version=call.if_match,
        name=body.name,
        description=body.description,
        links=UNSET if body.links is UNSET else _links(body.links),
        now=call.now,
    )
    return show(call, team)


def remove(call: Call, team: str) -> Empty:
    """Deletes a team that owns nothing any more. For its leaders and administrators."""
    call.db.run(teams.remove, person=call.person, team_id=team, version=call.if_match, now=call.now)
    return Empty()


def set_member(call: Call, body: SentMember, team: str, user: str) -> Tagged[Team]:
    """Adds somebody to a team, or changes their role. For its leaders and administrators."""
    call.db.run(teams.set_member, person=call.person, team_id=team, user_id=user, role=body.role, now=call.now)
    return show(call, team)


def remove_member(call: Call, team: str, user: str) -> Empty:
    """Takes somebody out of a team. For its leaders and administrators; everybody may leave by themselves."""
    call.db.run(teams.remove_member, person=call.person, team_id=team, user_id=user, now=call.now)
    return Empty()


def _links(sent: list[SentLink]) -> list[Link]:
    return [Link(one.label, one.url) for one in sent]
