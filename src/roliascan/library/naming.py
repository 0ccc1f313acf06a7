"""How series and chapters are named where they are listed or pointed to."""

import msgspec

from roliascan.people.teams import TeamName


class SeriesName(msgspec.Struct):
    """A series where it is only named."""

    id: str
    slug: str
    title: str


CHAPTER_TEAMS = """(SELECT json_arrayagg(json_array(g.id, g.name)) FROM chapter_teams h JOIN teams g ON g.id = h.team_id
     WHERE h.chapter_id = c.id)"""
"""SQL: the teams of chapter `c` as a JSON array of [id, name]."""


_TEAMS = msgspec.json.Decoder(list[tuple[str, str]])


def team_names(written: str | None) -> list[TeamName]:
    """Teams selected as a JSON array of [id, name], by name."""
    found = [TeamName(*team) for team in _TEAMS.decode(written)] if written else []
    found.sort(key=lambda team: (team.name, team.id))
    return found


def number(milli: int | None) -> int | float | None:
    """A number of thousandths as people write it: 10500 is 10.5, 10000 is 10."""
    if milli is None:
        return None
    return milli // 1000 if milli % 1000 == 0 else milli / 1000
