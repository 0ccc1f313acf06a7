"""What generated requests meet: a site with things of every kind and state, some of them the asker's."""

from collections.abc import Mapping
from typing import Any

from roliascan.ids import is_id
from roliascan.people import sessions, tokens
from tests.drawings import flat
from tests.front import SECRET, Asker, Site, told

ROLES = ("", "user", "uploader", "moderator", "admin")
"""Who asks; nobody's is a stranger's."""

PIXEL = flat("png", 1, 1)
AT_ONCE = 20  # of a kind that are named

_KNOWN = {
    "series": "id FROM series",
    "chapter": "id FROM chapters",
    "team": "id FROM teams",
    "user": "id FROM users",
    "comment": "id FROM comments",
    "key": "storage_key FROM files",
}
"""What a parameter of a path may name."""
_IN_BODIES = {"teamIds": "team", "ids": "page", "coverId": "cover"}
_PAGES = "p.file_id FROM pages p JOIN chapters c ON c.id = p.chapter_id AND c.revision = p.revision"


class Ground:
    """A site on which somebody of a role asks. The asker comes back when they signed out or gave their role away."""

    def __init__(self, site: Site, role: str) -> None:
        self.site = site
        self.role = role
        self.others = {other: site.sign_up(other) for other in ("uploader", "admin")}
        self.asker = site.sign_up(role) if role else Asker(site)
        self.named: dict[str, list[str]] = {}
        self.tend()

    def tend(self) -> None:
        """Puts things back that are gone, and learns the names of those that are there."""
        for role, other in self.others.items():  # whom an administrator may have banned, or given another role
            self._revive(other, role)
        if self.role:
            self.revive()
        for maker in self._makers():
            if not self.site.count("chapters WHERE created_by = :id AND state = 'published'", id=maker.id):
                sow(maker)
        for name, what in {**_KNOWN, "page": _PAGES, "cover": "id FROM files WHERE purpose = 'cover'"}.items():
            column, rest = what.split(" FROM ")
            order = "p.file_id" if name == "page" else column
            found = f"{rest} ORDER BY {order} DESC LIMIT {AT_ONCE}"
            self.named[name] = self.site.values(column, found)

    def _makers(self) -> list[Asker]:
        others = list(self.others.values())
        return [*others, self.asker] if self.role in {"uploader", "moderator", "admin"} else others

    def revive(self) -> None:
        """Gives the asker a session and their role back."""
        self._revive(self.asker, self.role)

    def _revive(self, person: Asker, role: str) -> None:
        sql = "UPDATE users SET role = :role, is_banned = :no, is_muted = :no WHERE id = :id"
        self.site.write(sql, role=role, no=False, id=person.id)
        now = self.site.clock.now
        session, end = self.site.db.run(sessions.start, user_id=person.id, lasts_s=86400, now=now)
        person.token = tokens.issue(session, secret=SECRET, now=now, expires_at=end)

    def instead(self, name: str, value: str) -> str:
        """For most identifiers that were made up, one that exists; always the same for the same."""
        known = self.named.get(name)
        chance = sum(value.encode())
        if not known or not is_id(value) or chance % 5 == 0:
            return value
        return known[chance % len(known)]

    def path(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        return {
            name: self._key(value) if name == "key" else self.instead(name, value) if isinstance(value, str) else value
            for name, value in parameters.items()
        }

    def _key(self, value: Any) -> Any:
        known = self.named["key"]
        return known[len(str(value)) % len(known)] if known and len(str(value)) % 4 else value

    def body(self, body: Any) -> Any:
        """A JSON body that names what exists."""
        if not isinstance(body, dict):
            return body
        return {
            name: self._named(_IN_BODIES[name], value) if name in _IN_BODIES else value for name, value in body.items()
        }

    def _named(self, name: str, value: Any) -> Any:
        if isinstance(value, list):
            return [self._named(name, one) for one in value]
        return self.instead(name, value) if isinstance(value, str) else value


def sow(maker: Asker) -> None:
    """A team, and series and chapters in every state."""
    team = maker.makes_team(f"Team of {maker.username} {maker.site.count('teams')}")
    shown = maker.makes_series("Shown", teamIds=[team["id"]], titles=[{"language": "ja", "title": "題"}])
    for number, fields in ((1, {}), (2, {"teamIds": [team["id"]]}), (2.5, {"language": "en", "volume": "1"})):
        maker.publishes(shown, number, pages=2, **fields)
    maker.adds_pages(maker.makes_chapter(shown, None, label="Extra"))
    first = maker.publishes(shown, 3)
    told(maker.post(f"chapters/{first['id']}/comments", {"body": "First"}), 201)
    told(maker.put(f"chapters/{first['id']}/rating", {"rating": 7}))
    hidden = maker.publishes(shown, 4)
    told(maker.post(f"chapters/{hidden['id']}/hide", {"reason": "Wrong order"}))
    later = maker.publishes(shown, 5)
    told(maker.post(f"chapters/{later['id']}/publish", {"at": "2027-01-01T00:00:00Z"}))
    draft = maker.makes_series("Draft", state="draft")
    maker.publishes(draft, 1)
    told(maker.delete(f"series/{maker.makes_series('0')['id']}"), 204)  # at a slug that is made up often
