"""A site with everybody of the table, and things of each kind and state of each owner, made when they are asked for."""

import re
from itertools import count
from typing import Any, NamedTuple

from falcon.testing import Result

from roliascan.ids import new_id
from roliascan.people import sessions, tokens
from tests.front import FORM, PAGE, SECRET, File, Site, form, told
from tests.library.uploading import announced
from tests.rights.sending import Sending, ticket
from tests.rights.table import SUBJECTS, Cell, Row

NOTHING = "01a20846-fe00-7ece-bc0b-f87796bb3294"
PERMISSION = "read:audit"
PASSWORD = "a long enough secret"
ROLES = {"user": "user", "keeper": "user", "moderator": "moderator", "admin": "admin"}
TEAM_OF = {"rival": "B", "member": "A", "leader": "A", "muted": "A", "demoted": "A", "banned": "A"}
LEADERS = {"A": ("founder", "leader", "demoted", "banned"), "B": ("founder", "rival"), "N": ()}
MEMBERS = {"A": ("member", "muted", "spare"), "B": ("spare",), "N": ("spare",)}
_numbers = count(1)


class Thing(NamedTuple):
    """What a cell is about. `path` fills the route's parameters, `teams` is who owns it, `pages` are identifiers."""

    path: dict[str, str]
    teams: tuple[str, ...] = ()
    pages: tuple[str, ...] = ()


class World:
    """Things are kept for the next cell, until a yes turns them into something else."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.people = {name: site.sign_up(ROLES.get(name, "uploader")) for name in SUBJECTS if name != "stranger"}
        self.people |= {"founder": site.sign_up("uploader"), "spare": site.sign_up("user")}
        self.people["keeper"] = site.sign_up("user", grants=("hide:any",))
        self.people["stranger"] = site.stranger
        self.admin = site.sign_up("admin")
        self.teams = {name: self.admin.makes_team()["id"] for name in "ABN"}
        self._things: dict[tuple[str, ...], Thing] = {}
        self.sending = Sending(site)
        self.seat()
        for team in "AB":
            self.kept_series(team, "published")  # neither can be ended
        site.write("UPDATE users SET is_muted = :yes WHERE id = :id", yes=True, id=self.people["muted"].id)
        site.write("UPDATE users SET is_banned = :yes WHERE id = :id", yes=True, id=self.people["banned"].id)
        site.write("UPDATE users SET role = 'user' WHERE id = :id", id=self.people["demoted"].id)
        account = {"email": "login@example.org", "username": "login", "password": PASSWORD}
        told(site.stranger.post("auth/register", account), 201)

    def seat(self) -> None:
        """Everybody in their team again."""
        rows = [
            {"team_id": team, "user_id": self.people[name].id, "role": role, "joined_at": self.site.clock.now}
            for role, seats in (("leader", LEADERS), ("member", MEMBERS))
            for team_name, team in self.teams.items()
            for name in seats[team_name]
        ]

        def sit(tx: Any) -> None:
            tx.write("DELETE FROM team_members WHERE team_id IN (:teams)", teams=list(self.teams.values()))
            tx.insert_many("team_members", rows)

        self.site.db.run(sit)

    # Asking.

    def ask(self, cell: Cell, *, path: str = "", more: dict[str, str] | None = None) -> Result:
        """The answer to a cell's question. `path`: another address than its own; `more`: further fields of its body."""
        how = self._sent(cell.row, self.thing(cell))
        if more:
            how["json"] = how["json"] | more
        method = cell.row.route.partition(" ")[0]
        return self.people[cell.subject].ask(method, path or self.address(cell), **how)

    def address(self, cell: Cell, **other: str) -> str:
        """The address of what a cell is about; `other` takes the place of a parameter."""
        known = self.thing(cell).path | other
        return re.sub(r"\{(\w+)(:path)?\}", lambda name: known[name[1]], cell.row.route.partition(" ")[2])

    def _sent(self, row: Row, thing: Thing) -> dict[str, Any]:
        if row.send == "$form":
            return {"body": form(File("file", PAGE)), "headers": {"Content-Type": FORM}}
        if row.kind == "file_upload" and row.route.startswith("PUT"):
            query = {"$ticket": thing.path["upload"], "$wrong ticket": NOTHING}
            params = ticket(query[row.send], self.site.clock.now) if row.send in query else {}
            return {"body": PAGE, "headers": {"Content-Type": "image/png"}, "params": params}
        if row.send is None:
            return {}
        number = next(_numbers)
        known = {
            "$registration": {"email": f"u{number}@example.org", "username": f"user{number}", "password": PASSWORD},
            "$credentials": {"login": "login", "password": PASSWORD},
            "$number": number,
            "$name": f"Team of {number}",
            "$team": [thing.path.get("team")],
            "$teams": thing.teams,
            "$pages": thing.pages,
            "$chapter": thing.path.get("chapter"),
            "$series": thing.path.get("series_"),
            "$files": [announced(PAGE)],
        }
        return {"json": _filled(row.send, known)}

    def after(self, cell: Cell, answer: Result) -> None:
        """Lets go of what a yes turned into something else."""
        if answer.status_code >= 300:
            return
        if cell.row.route == "POST /api/v1/uploads":
            self.sending.abandon(answer.json["session"])  # nobody may have many
        if not cell.row.ends:
            return
        self._things.pop(self._which(cell), None)
        if cell.row.kind == "site":
            self.people[cell.subject].token = self._new_token(self.people[cell.subject].id)
        if cell.row.kind == "team":
            if "user" not in cell.row.route:
                self.teams["N"] = self.admin.makes_team()["id"]
            self.seat()

    def _new_token(self, user_id: str) -> str:
        now = self.site.clock.now
        session_id, expires_at = self.site.db.run(sessions.start, user_id=user_id, lasts_s=3600, now=now)
        return tokens.issue(session_id, secret=SECRET, now=now, expires_at=expires_at)

    # Things.

    def thing(self, cell: Cell) -> Thing:
        """What a cell is about, made where it is not there yet."""
        kind, owner, state = self._which(cell)
        if kind.endswith("upload"):
            return self._upload(cell)
        if kind == "file":
            return self._file(state)
        if kind == "site":
            return Thing({"session": NOTHING, "permission": PERMISSION})
        if kind == "person":
            user = self.people["spare"].id if state == "published" else NOTHING
            return Thing({"user": user, "permission": PERMISSION})
        if kind == "team":
            leaves = cell.row.act.startswith("leave")
            team = self.teams[owner] if state == "published" else NOTHING
            return Thing({"team": team, "user": self.people[cell.subject if leaves else "spare"].id or NOTHING})
        return self.made(kind, owner, state)

    def made(self, kind: str, owner: str, state: str) -> Thing:
        """Of somebody, a team, or N for nobody."""
        if (kind, owner, state) not in self._things:
            make = {
                "series": self._series,
                "chapter": self._chapter,
                "page": self._chapter,
                "cover": self._cover,
                "comment": self._comment,
            }[kind]
            self._things[kind, owner, state] = make(owner, state)
        return self._things[kind, owner, state]

    def _which(self, cell: Cell) -> tuple[str, str, str]:
        """The kind of thing, its owner (somebody, a team, or N for nobody), and its state.

        Uploads are of one person, whosever what they are for: there is one for each cell.
        """
        if cell.row.kind.endswith("upload"):
            return (
                f"{cell.subject}'s {cell.row.kind}",
                f"{cell.row.route} {cell.row.act}",
                f"{cell.relation} {cell.state}",
            )
        return cell.row.kind, _owner_of(cell), cell.state

    def _owners(self, owner: str) -> tuple[str | None, tuple[str, ...]]:
        """Who made it, and its teams."""
        if owner in {"A", "B"}:
            return self.people["founder"].id, (self.teams[owner],)
        return (None if owner == "N" else self.people[owner].id), ()

    def _series(self, owner: str, state: str) -> Thing:
        maker, teams = self._owners(owner)
        first = "published" if state in {"published", "hidden", "deleted"} else "draft"
        series = self.admin.makes_series(teamIds=teams, state=first)
        self.site.write("UPDATE series SET created_by = :id WHERE id = :series", id=maker, series=series["id"])
        if state in {"hidden", "withheld"}:
            told(self.admin.patch(f"series/{series['id']}", {"state": "hidden"}))
        elif state in {"deleted", "dropped"}:
            told(self.admin.delete(f"series/{series['id']}"), 204)
        elif state == "scheduled":
            self._schedule(series["id"])
        return Thing({"series_": series["id"]}, teams)

    def _chapter(self, owner: str, state: str) -> Thing:
        maker, teams = self._owners(owner)
        shelved = state == "shelved"
        series = self._series(owner, "published") if shelved else self.kept_series(owner, "published")
        chapter = self.admin.makes_chapter({"id": series.path["series_"]}, next(_numbers), teamIds=teams)
        path = f"chapters/{chapter['id']}"
        self.site.write("UPDATE chapters SET created_by = :id WHERE id = :chapter", id=maker, chapter=chapter["id"])
        page = self.admin.adds_pages(chapter)["pages"][0]
        if state not in {"draft", "scheduled", "withheld", "dropped"}:
            told(self.admin.post(f"{path}/publish"))
        if state == "scheduled":
            told(self.admin.post(f"{path}/publish", {"at": "2027-01-01T00:00:00Z"}))
        elif state == "shelved":
            told(self.admin.patch(f"series/{series.path['series_']}", {"state": "hidden"}))
        elif state in {"hidden", "withheld"}:
            told(self.admin.post(f"{path}/hide"))
        elif state in {"deleted", "dropped"}:
            told(self.admin.delete(path), 204)
        names = {"chapter": chapter["id"], "key": page["url"].removeprefix("/uploads/"), "page": page["id"]}
        return Thing(names, teams, (page["id"],))

    def kept_series(self, owner: str, state: str) -> Thing:
        """Such a series that nobody turns into something else."""
        key = "kept series", owner, state
        if key not in self._things:
            self._things[key] = self._series(owner, state)
        return self._things[key]

    def _cover(self, owner: str, state: str) -> Thing:
        maker, _ = self._owners(owner)
        series = self._series(owner, "published" if state in {"deleted", "dropped"} else state)
        file_id, key = self.sending.file(maker, "cover")
        series_id = series.path["series_"]
        self.site.write("UPDATE series SET cover_file_id = :file WHERE id = :id", file=file_id, id=series_id)
        if state in {"deleted", "dropped"}:
            told(self.admin.delete(f"series/{series_id}"), 204)
        return Thing({"key": key})

    def _comment(self, owner: str, state: str) -> Thing:
        """Of the owner of a chapter, or of who founded their team, under it."""
        chapter = self._chapter(owner, "published" if state == "deleted" else state).path["chapter"]
        author = self._owners(owner)[0] or self.people["spare"].id
        comment_id = new_id(self.site.clock.now)
        row = {"id": comment_id, "chapter_id": chapter, "user_id": author, "body": "A"}
        times = {"created_at": self.site.clock.now, "updated_at": self.site.clock.now}
        self.site.db.run(lambda tx: tx.insert_many("comments", [{**row, **times}]))
        if state == "deleted":
            told(self.admin.delete(f"comments/{comment_id}"), 204)
        return Thing({"comment": comment_id})

    def _file(self, state: str) -> Thing:
        key = "file", "", state
        if key not in self._things:
            of_state = "ready" if state == "published" else state
            self._things[key] = Thing({"key": self.sending.file(self.people["spare"].id, "file", state=of_state)[1]})
        return self._things[key]

    def _upload(self, cell: Cell) -> Thing:
        """For what is somebody's or another's, in a session that is theirs, unless the act says another's."""
        key = self._which(cell)
        if key not in self._things:
            purpose = cell.row.kind.removesuffix("_upload")
            kind = {"page": "chapter", "cover": "series"}.get(purpose, "")
            target = self.made(kind, _owner_of(cell), cell.state).path if kind else {}
            owner = "spare" if cell.row.act.startswith("another's") or cell.subject == "stranger" else cell.subject
            state = {"commit": "complete", "complete": "sent"}.get(cell.row.route.rpartition("/")[2], "announced")
            target_id = target.get("chapter") or target.get("series_")
            self._things[key] = Thing(self.sending.upload(self.people[owner].id, purpose, target_id, state=state))
        return self._things[key]

    def _schedule(self, series_id: str) -> None:
        """No route schedules a series yet."""
        sql = "UPDATE series SET state = 'scheduled', publish_at = :at WHERE id = :id"
        self.site.write(sql, at=self.site.clock.now.replace(year=2027), id=series_id)


def _owner_of(cell: Cell) -> str:
    theirs = TEAM_OF.get(cell.subject)
    other = "B" if theirs == "A" else "A"
    return {"own": cell.subject, "team": theirs or "", "other": other, "nobody": "N"}[cell.relation]


def _filled(value: Any, known: dict[str, Any]) -> Any:
    if isinstance(value, dict):
        return {name: _filled(one, known) for name, one in value.items()}
    return known.get(value, value) if isinstance(value, str) else value
