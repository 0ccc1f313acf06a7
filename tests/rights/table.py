"""What is expected of every route, for everybody and everything: written here again, apart from the product's rules.

A cell is an act, somebody, whose the thing is to them, and the thing's state. `expected` tells its status.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

# Somebody. Team A is led by `leader` and `demoted` and by one who founded it and does nothing here, team B by `rival`.

SUBJECTS = {
    "stranger": "without an account",
    "user": "an account that may read and take part",
    "lone": "an uploader without a team",
    "rival": "an uploader who leads team B",
    "member": "an uploader in team A",
    "leader": "an uploader who leads team A",
    "muted": "an uploader in team A who is muted",
    "demoted": "led team A as an uploader; a moment ago the role became user",
    "banned": "led team A as an uploader; a moment ago was banned",
    "keeper": "a user who was granted hide:any",
    "moderator": "a moderator without a team",
    "admin": "an administrator without a team",
}
OUTSIDE = "stranger banned"
UPLOADERS = "lone rival member leader muted moderator admin"
"""Whose role lets them make and change what is theirs."""

# Whose a thing is to somebody.

RELATIONS = ("own", "team", "other", "nobody")
"""They made it, without a team; it is their team's; another team's; nobody's: imported, or everybody left."""

NEVER = {
    "own": "stranger user keeper",  # they never could make something
    "team": "stranger user lone keeper moderator admin",  # they are in none
}

# The states of a thing.

STATES = {
    "series": ("draft", "scheduled", "published", "hidden", "withheld", "deleted", "dropped"),
    "chapter": ("draft", "scheduled", "published", "hidden", "withheld", "shelved", "deleted", "dropped"),
    "page": ("draft", "scheduled", "published", "hidden", "withheld", "shelved", "deleted", "dropped"),
    "cover": ("draft", "scheduled", "published", "hidden", "withheld", "deleted", "dropped"),
    "comment": ("published", "hidden", "shelved", "deleted"),
    "team": ("published", "deleted"),
    "person": ("published", "deleted"),
    "site": ("published",),
    "file": ("published", "pending"),
    "page_upload": ("draft", "published", "shelved", "deleted"),
    "cover_upload": ("draft", "published", "deleted"),
    "file_upload": ("published",),
}
"""`withheld` was hidden before anybody saw it, `dropped` deleted before; `shelved`: published, in a hidden series. A
`pending` file was sent and not committed. Uploads have the state of the chapter or series that they are for.
"""

ALONE = {"site", "person", "file", "file_upload"}
"""Kinds of things that are nobody's, or whose row says whose they are."""

SIGHT = {
    "own": "lone rival member leader muted demoted moderator admin",
    "team": "rival member leader muted demoted",
    "other": "keeper moderator admin",
    "nobody": "keeper moderator admin",
}
"""Who sees what is there and not public. To all others it is not found."""

GONE = {"series": 410, "chapter": 410, "page": 404, "cover": 404, "comment": 404, "team": 404, "person": 404}
GONE |= {"page_upload": 410, "cover_upload": 410}
"""What is told of a thing that was public and was deleted."""


# Who may, by whose it is.


class May(NamedTuple):
    """`other`: what is another team's, and what is nobody's."""

    own: str = ""
    team: str = ""
    other: str = ""


ALL = May(*[" ".join(SUBJECTS)] * 3)
SIGNED_IN = May(*[" ".join(one for one in SUBJECTS if one not in OUTSIDE.split())] * 3)
EDIT = May(own=UPLOADERS, team="rival member leader muted", other="moderator admin")
HIDE = May(own=UPLOADERS, team="rival member leader muted", other="keeper moderator admin")
PUBLISH = May(own=UPLOADERS, team="rival member leader muted", other="admin")
GIVE = May(own=UPLOADERS, team="rival leader", other="admin")
LEAD = May(team="rival leader demoted", other="admin")
VOICED = "user lone rival member leader demoted keeper moderator admin"
"""Who is not muted."""
VOICE = May(*[VOICED] * 3)
MODERATE = May(other="moderator admin")
NAME = May(team="rival member leader muted", other="moderator admin")


class Row(NamedTuple):
    """An act: a route, what is sent to it, who may do it to things of a kind, and the status of a yes.

    `send`: a JSON body; a text that begins with `$` is filled from the thing (tests/rights/world.py).
    `public`: strangers may ask. `door`: who is let in at all, whatever the thing. `but`: who may in some states.
    `ends`: a yes leaves the thing in another state. `relations`, `states`: only these. `gone`: told of what was
    deleted.
    """

    route: str
    act: str
    kind: str
    may: May
    done: int = 200
    send: Any = None
    public: bool = False
    door: str = ""
    but: Mapping[str, May] = {}
    ends: bool = False
    relations: tuple[str, ...] = RELATIONS
    gone: int = 0
    states: tuple[str, ...] = ()


OTHERS = ("team", "other", "nobody")
OF_TEAMS = ("team", "other", "nobody")
API = "/api/v1"
ADMIN = f"{API}/admin"
KEEPERS = "moderator admin"
SERIES = f"{API}/series/{{series_}}"
CHAPTER = f"{API}/chapters/{{chapter}}"
TEAM = f"{API}/teams/{{team}}"
MEMBER = f"{TEAM}/members/{{user}}"
DRAFT = {"number": "$number"}
UPLOADS = f"{API}/uploads"
UPLOAD = f"{UPLOADS}/{{upload}}"
SESSION = f"{UPLOADS}/sessions/{{session}}"
FEW = ("draft", "published", "hidden", "deleted")
"""States enough for what asks for sight as its neighbours do."""

ROWS = (
    Row("GET /health", "", "site", ALL, public=True),
    Row("GET /ready", "", "site", ALL, public=True),
    Row("GET /docs", "", "site", ALL, public=True),
    Row(f"GET {API}/openapi.json", "", "site", ALL, public=True),
    # people
    Row(f"POST {API}/auth/register", "", "site", ALL, 201, "$registration", public=True),
    Row(f"POST {API}/auth/login", "", "site", ALL, 200, "$credentials", public=True),
    Row(f"POST {API}/auth/logout", "", "site", SIGNED_IN, 204, ends=True),
    Row(f"GET {API}/auth/me", "", "site", SIGNED_IN),
    Row(f"PATCH {API}/auth/me", "", "site", SIGNED_IN, send={}),
    Row(f"GET {API}/users/{{user}}", "", "person", ALL, public=True),
    Row(f"GET {API}/auth/sessions", "", "site", SIGNED_IN),
    Row(f"DELETE {API}/auth/sessions/{{session}}", "another's", "site", SIGNED_IN, 404),
    # keeping order
    Row(f"GET {ADMIN}/users", "", "site", May("admin")),
    Row(f"PATCH {ADMIN}/users/{{user}}", "mute", "person", May(KEEPERS), send={"isMuted": False}, door=KEEPERS),
    Row(f"PATCH {ADMIN}/users/{{user}}", "ban", "person", May("admin"), send={"isBanned": False}, door="admin"),
    Row(f"PATCH {ADMIN}/users/{{user}}", "raise", "person", May("admin"), send={"role": "user"}, door="admin"),
    Row(f"PUT {ADMIN}/users/{{user}}/permissions/{{permission}}", "", "person", May("admin"), door="admin"),
    Row(f"DELETE {ADMIN}/users/{{user}}/permissions/{{permission}}", "", "person", May("admin"), 204, door="admin"),
    Row(f"GET {ADMIN}/permissions", "", "site", May("admin")),
    Row(f"POST {ADMIN}/permissions", "", "site", May("admin"), 201, {"name": "read:tests"}),
    Row(f"GET {ADMIN}/permissions/{{permission}}", "", "site", May("admin")),
    Row(f"GET {ADMIN}/audit", "", "site", May("admin")),
    # series
    Row(f"GET {API}/series", "", "site", ALL, public=True),
    Row(f"POST {API}/series", "", "site", May(UPLOADERS), 201, {"title": "A", "author": "B"}),
    Row(
        *(f"POST {API}/series", "for a team", "team", NAME, 201, {"title": "A", "author": "B", "teamIds": "$team"}),
        door=UPLOADERS,
        relations=("team", "other"),
        gone=400,
    ),
    Row(f"GET {SERIES}", "", "series", ALL, public=True),
    Row(f"PATCH {SERIES}", "edit", "series", EDIT, send={"author": "B"}),
    Row(f"PATCH {SERIES}", "hide", "series", HIDE, send={"state": "hidden"}, ends=True),
    Row(
        *(f"PATCH {SERIES}", "show", "series", EDIT),
        send={"state": "published"},
        but={"hidden": HIDE},
        ends=True,
    ),
    Row(f"PATCH {SERIES}", "give", "series", GIVE, send={"teamIds": "$teams"}),
    Row(f"DELETE {SERIES}", "", "series", GIVE, 204, ends=True),
    Row(f"GET {SERIES}/chapters", "", "series", ALL, public=True),
    Row(f"POST {SERIES}/chapters", "", "series", PUBLISH, 201, DRAFT, door=UPLOADERS),
    # chapters
    Row(f"GET {API}/chapters", "", "site", ALL, public=True),
    Row(f"GET {CHAPTER}", "", "chapter", ALL, public=True),
    Row(f"PATCH {CHAPTER}", "edit", "chapter", EDIT, send={"title": "B"}),
    Row(f"PATCH {CHAPTER}", "give", "chapter", GIVE, send={"teamIds": "$teams"}),
    Row(f"DELETE {CHAPTER}", "", "chapter", PUBLISH, 204, ends=True),
    Row(f"POST {CHAPTER}/publish", "now", "chapter", PUBLISH, but={"hidden": HIDE}, ends=True),
    Row(f"POST {CHAPTER}/publish", "later", "chapter", PUBLISH, send={"at": "2027-01-01T00:00:00Z"}, ends=True),
    Row(f"POST {CHAPTER}/hide", "", "chapter", HIDE, send={"reason": "R"}, ends=True),
    Row(f"GET {CHAPTER}/pages", "", "chapter", PUBLISH),
    Row(f"GET {API}/pages/{{page}}/jpeg", "", "page", ALL, 307, public=True),
    Row(f"POST {CHAPTER}/pages", "", "chapter", PUBLISH, 201, "$form"),
    Row(f"PUT {CHAPTER}/pages", "", "chapter", PUBLISH, send={"ids": "$pages"}),
    # what readers say; a comment is one's own, or another's on a chapter that is one's own, one's team's...
    Row(f"GET {CHAPTER}/comments", "", "chapter", ALL, public=True),
    Row(f"POST {CHAPTER}/comments", "", "chapter", VOICE, 201, {"body": "B"}, door=VOICED),
    Row(f"GET {API}/comments/{{comment}}", "", "comment", ALL, public=True),
    Row(f"PATCH {API}/comments/{{comment}}", "one's own", "comment", VOICE, send={"body": "B"}, relations=("own",)),
    Row(f"PATCH {API}/comments/{{comment}}", "another's", "comment", May(), send={"body": "B"}, relations=OTHERS),
    Row(f"DELETE {API}/comments/{{comment}}", "one's own", "comment", ALL, 204, ends=True, relations=("own",)),
    Row(f"DELETE {API}/comments/{{comment}}", "another's", "comment", MODERATE, 204, ends=True, relations=OTHERS),
    Row(f"GET {SERIES}/rating", "", "series", SIGNED_IN, states=FEW),
    Row(f"PUT {SERIES}/rating", "", "series", VOICE, send={"rating": 7}, door=VOICED, states=FEW),
    Row(f"DELETE {SERIES}/rating", "", "series", SIGNED_IN, 204, states=FEW),
    Row(f"GET {CHAPTER}/rating", "", "chapter", SIGNED_IN, states=(*FEW, "shelved")),
    Row(f"PUT {CHAPTER}/rating", "", "chapter", VOICE, send={"rating": 7}, door=VOICED, states=(*FEW, "shelved")),
    Row(f"DELETE {CHAPTER}/rating", "", "chapter", SIGNED_IN, 204, states=(*FEW, "shelved")),
    # files
    Row("GET /uploads/{key:path}", "page", "page", ALL, public=True),
    Row("GET /uploads/{key:path}", "cover", "cover", ALL, public=True),
    Row("GET /uploads/{key:path}", "by itself", "file", ALL, public=True),
    Row(f"POST {API}/files", "", "site", May(UPLOADERS), 201, "$form"),
    # uploads: everything but the bytes is for whoever opened the session; announcing, completing and committing each
    # ask for the right to the chapter, series or file that it is for
    Row(f"POST {UPLOADS}", "pages", "chapter", PUBLISH, 201, {"target": {"chapterId": "$chapter"}, "files": "$files"}),
    Row(f"POST {UPLOADS}", "a cover", "series", EDIT, 201, {"target": {"seriesId": "$series"}, "files": "$files"}),
    Row(f"POST {UPLOADS}", "a file", "site", May(UPLOADERS), 201, {"target": {"generic": True}, "files": "$files"}),
    Row(f"POST {UPLOAD}/complete", "a page", "page_upload", PUBLISH, ends=True),
    Row(f"POST {UPLOAD}/complete", "a cover", "cover_upload", EDIT, ends=True),
    Row(f"POST {UPLOAD}/complete", "a file", "file_upload", May(UPLOADERS), ends=True),
    Row(f"POST {UPLOAD}/complete", "another's", "file_upload", SIGNED_IN, 404),
    Row(f"POST {SESSION}/commit", "pages", "page_upload", PUBLISH, send={"order": None}, ends=True),
    Row(f"POST {SESSION}/commit", "a cover", "cover_upload", EDIT, send={"order": None}, ends=True),
    Row(f"POST {SESSION}/commit", "a file", "file_upload", May(UPLOADERS), send={"order": None}, ends=True),
    Row(f"POST {SESSION}/commit", "another's", "file_upload", SIGNED_IN, 404),
    Row(
        *(f"POST {SESSION}/commit", "another's, of pages that are one's own", "page_upload", SIGNED_IN, 404),
        relations=("own", "team"),
        states=("published",),
    ),
    Row(f"GET {SESSION}", "one's own", "file_upload", SIGNED_IN),
    Row(f"GET {SESSION}", "another's", "file_upload", SIGNED_IN, 404),
    Row(f"DELETE {SESSION}", "one's own", "file_upload", SIGNED_IN, 204, ends=True),
    Row(f"DELETE {SESSION}", "another's", "file_upload", SIGNED_IN, 404),
    Row(f"GET {UPLOAD}", "one's own", "file_upload", SIGNED_IN),
    Row(f"GET {UPLOAD}", "another's", "file_upload", SIGNED_IN, 404),
    Row(f"DELETE {UPLOAD}", "one's own", "file_upload", SIGNED_IN, 204, ends=True),
    Row(f"DELETE {UPLOAD}", "another's", "file_upload", SIGNED_IN, 404),
    Row(f"PUT {UPLOAD}/bytes", "another's, with its ticket", "file_upload", ALL, 204, "$ticket", public=True),
    Row(f"PUT {UPLOAD}/bytes", "one's own, without a ticket", "file_upload", ALL, 404, "$bytes", public=True),
    Row(f"PUT {UPLOAD}/bytes", "with the ticket of another", "file_upload", ALL, 404, "$wrong ticket", public=True),
    Row(f"POST {API}/callbacks/uploadthing", "where files are kept elsewhere", "site", ALL, 404, public=True),
    # teams
    Row(f"GET {API}/teams", "", "site", ALL, public=True),
    Row(f"POST {API}/teams", "", "site", May(UPLOADERS), 201, {"name": "$name"}),
    Row(f"GET {TEAM}", "", "team", ALL, public=True, relations=OF_TEAMS),
    Row(f"PATCH {TEAM}", "", "team", LEAD, send={"description": "D"}, relations=OF_TEAMS),
    Row(f"DELETE {TEAM}", "that owns things", "team", LEAD, 409, relations=("team", "other")),
    Row(f"DELETE {TEAM}", "that owns nothing", "team", LEAD, 204, ends=True, relations=("nobody",)),
    Row(f"PUT {MEMBER}", "take in", "team", LEAD, send={"role": "member"}, relations=OF_TEAMS),
    Row(f"DELETE {MEMBER}", "put out", "team", LEAD, 204, ends=True, relations=OF_TEAMS),
    Row(f"DELETE {MEMBER}", "leave", "team", ALL, 204, ends=True, relations=("team",)),
    Row(f"DELETE {MEMBER}", "leave a team of others", "team", ALL, 404, relations=("other", "nobody")),
)
"""Every act there is. A route that is not here fails `make check` (tests/house/test_rights.py)."""


WALKS = ("site person team file", "series", "chapter", "page cover comment", "page_upload cover_upload file_upload")
"""All kinds of things, in parts that take about as long as each other."""


class Cell(NamedTuple):
    """`status` is None where this table does not say what to expect."""

    row: Row
    subject: str
    relation: str
    state: str
    status: int | None


def cells(routes: list[str]) -> Iterator[Cell]:
    """Every cell of these routes; a route without a row is one cell that nothing is expected of."""
    for route in routes:
        rows = [row for row in ROWS if row.route == route]
        yield from (cell for row in rows for cell in _cells_of(row))
        if not rows:
            yield Cell(Row(route, "", "", May()), "", "", "", None)


def _cells_of(row: Row) -> Iterator[Cell]:
    relations = row.relations if row.kind not in ALONE else ("own",)
    for subject in SUBJECTS:
        for relation in relations:
            if row.kind in ALONE or subject not in NEVER.get(relation, "").split():
                for state in row.states or STATES[row.kind]:
                    yield Cell(row, subject, relation, state, expected(row, subject, relation, state))


def expected(row: Row, subject: str, relation: str, state: str) -> int | None:
    """In the order in which things are looked at: who asks, whether there is such a thing to them, what they may."""
    if not row.public and subject in OUTSIDE.split():
        return 401
    if row.door and subject not in row.door.split():
        return 403
    if state in {"deleted", "dropped", "pending"}:
        return (row.gone or GONE[row.kind]) if state == "deleted" else 404
    if state not in {"published"} and subject not in SIGHT[relation].split():
        return 404
    may = row.but.get(state, row.may)
    who = {"own": may.own, "team": may.team, "other": may.other, "nobody": may.other}.get(relation)
    if who is None:
        return None
    return row.done if subject in who.split() else 403
