"""Puts the demo into a site: people, teams, series, chapters. Cut short, doing it again goes on where it stopped."""

import io
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from decimal import Decimal

import msgspec

from roliascan.cli.demo import drawing
from roliascan.cli.demo.story import PEOPLE, SERIES, TEAMS, Chapter, Series, Someone, Team
from roliascan.database import Database, Reader, Tx
from roliascan.library import chapters, intake, series
from roliascan.library.keeping import Upload
from roliascan.people import accounts, persons, teams
from roliascan.people.accounts import EmailTaken, UsernameTaken
from roliascan.people.names import username_key
from roliascan.people.persons import Person
from roliascan.storage import Storage
from roliascan.text import sort_key

STEPS = sum(len(one.chapters) for one in SERIES)


class _Id(msgspec.Struct):
    id: str


def fill(
    db: Database,
    storage: Storage,
    *,
    password: str,
    max_bytes: int,
    clock: Callable[[], datetime],
    step: Callable[[str], None],
) -> None:
    """Publishes the whole demo; every account gets `password`. `step` is told each chapter when it is in."""
    people = {person.username: _person(db, person, password, clock()) for person in PEOPLE}
    team_ids = {team.name: _team(db, team, people, clock()) for team in TEAMS}
    for one in SERIES:
        leader = next(team.leader for team in TEAMS if team.name == one.team)
        _series(db, storage, one, person=people[leader], team_ids=team_ids, max_bytes=max_bytes, clock=clock, step=step)


def _person(db: Database, someone: Someone, password: str, now: datetime) -> Person:
    with suppress(EmailTaken, UsernameTaken):  # there from a run that was cut short
        accounts.register(
            db,
            email=someone.email,
            username=someone.username,
            password=password,
            role=someone.role,
            lasts_s=1,
            now=now,
        )
    return persons.operator(_found(db, "users", "username_key", username_key(someone.username)))


def _team(db: Database, team: Team, people: dict[str, Person], now: datetime) -> str:
    leader = people[team.leader]
    try:
        return db.run(_found_team, team, leader=leader, people=people, now=now)
    except teams.TeamTaken:
        return _found(db, "teams", "name_key", sort_key(team.name, 100))


def _found_team(tx: Tx, team: Team, *, leader: Person, people: dict[str, Person], now: datetime) -> str:
    team_id = teams.create(tx, person=leader, name=team.name, description=team.description, links=[], now=now)
    for member in team.members:
        teams.set_member(tx, person=leader, team_id=team_id, user_id=people[member].id, role="member", now=now)
    return team_id


def _found(db: Reader, table: str, column: str, key: str) -> str:
    row = db.one(f"SELECT id FROM {table} WHERE {column} = :key", _Id, key=key)
    if row is None:
        raise LookupError(f"the demo's row in {table} is gone")
    return row.id


def _series(
    db: Database,
    storage: Storage,
    one: Series,
    *,
    person: Person,
    team_ids: dict[str, str],
    max_bytes: int,
    clock: Callable[[], datetime],
    step: Callable[[str], None],
) -> None:
    into: series.Draft | str = intake.series_called(db, one.title) or _series_draft(one, team_ids)
    for chapter in one.chapters:
        team = chapter.team or one.team
        draft = _chapter_draft(one, chapter, team_ids[team])
        if not isinstance(into, str) or not intake.chapter_known(db, into, draft):
            taken = intake.take_in(
                db,
                storage,
                into=into,
                draft=draft,
                uploads=map(_upload, drawing.pages(one, chapter)),
                cover=None if isinstance(into, str) else _upload(drawing.cover(one)),
                person=person,
                max_bytes=max_bytes,
                now=clock(),
            )
            into = taken.series_id
        step(one.title)


def _upload(picture: drawing.Picture) -> Upload:
    return Upload(picture.name, None, io.BytesIO(picture.data))


def _series_draft(one: Series, team_ids: dict[str, str]) -> series.Draft:
    return series.Draft(
        title=one.title,
        author=one.author,
        description=one.description,
        type=one.type,
        status=one.status,
        direction=one.direction,
        language=one.language,
        titles=[series.AltTitle(language, title) for language, title in one.titles],
        team_ids=[team_ids[one.team]],
    )


def _chapter_draft(one: Series, chapter: Chapter, team_id: str) -> chapters.Draft:
    return chapters.Draft(
        number=None if chapter.number_milli is None else Decimal(chapter.number_milli) / 1000,
        label=chapter.label,
        title=chapter.title,
        volume=chapter.volume or None,
        language=chapter.language or one.language,
        team_ids=[team_id],
    )
