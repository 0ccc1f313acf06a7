"""The audit log: one entry for each privileged act, none for owners, and a chain that shows what was changed in it."""

import json
import re
from collections import Counter
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from falcon.testing import Result

from roliascan.people import accounts, audit
from tests.front import FORM, NOW, PAGE, Asker, File, Site, at_once, fields, form, told

SOURCE = Path(audit.__file__).parents[1]
FIRST = "0" * 64


def log(site: Site) -> list[Any]:
    """All entries, oldest first."""
    return list(reversed(told(site.sign_up("user", grants=("read:audit",)).get("admin/audit?limit=100"))["data"]))


def verified(site: Site) -> int:
    """How many entries hold, which are all."""
    verdict = audit.verify(site.db)
    assert verdict.broken == ""
    assert verdict.entries == site.count("audit")
    return verdict.entries


class Library:
    """Things of an uploader and a team, with which moderators and administrators deal."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.owner = site.sign_up("uploader")
        self.team = self.owner.makes_team()
        self.member = site.sign_up("uploader")
        told(self.owner.put(f"teams/{self.team['id']}/members/{self.member.id}", {"role": "member"}))
        self.series = self.owner.makes_series("A Series", teamIds=[self.team["id"]])
        self.chapter = self.owner.publishes(self.series, pages=2)

    @property
    def pages(self) -> list[str]:
        return [page["id"] for page in told(self.owner.get(f"chapters/{self.chapter['id']}"))["pages"]]


Act = Callable[[Library, Asker], Result]
ACTS: dict[str, tuple[Act, str, dict[str, Any]]] = {
    "series edit": (lambda it, who: who.patch(_series(it), {"author": "B"}), "moderator", {"fields": ["author"]}),
    "series hide": (lambda it, who: who.patch(_series(it), {"state": "hidden"}), "moderator", {"fields": ["state"]}),
    "series show": (lambda it, who: who.patch(_series(it), {"state": "published"}), "moderator", {"fields": ["state"]}),
    "series delete": (
        lambda it, who: who.delete(f"{_series(it)}?reason=Licensed"),
        "admin",
        {"title": "A Series", "reason": "Licensed"},
    ),
    "chapter edit": (lambda it, who: who.patch(_chapter(it), {"title": "B"}), "moderator", {"fields": ["title"]}),
    "chapter hide": (
        lambda it, who: who.post(f"{_chapter(it)}/hide", {"reason": "Why"}),
        "moderator",
        {"reason": "Why"},
    ),
    "chapter publish": (lambda it, who: who.post(f"{_chapter(it)}/publish"), "admin", {"at": None}),
    "chapter add_pages": (lambda it, who: _adds(it, who), "admin", {"pages": 1}),
    "chapter arrange_pages": (
        lambda it, who: who.put(f"{_chapter(it)}/pages", {"ids": it.pages[::-1]}),
        "admin",
        {"pages": 2},
    ),
    "chapter delete": (lambda it, who: who.delete(f"{_chapter(it)}?reason=Twice"), "admin", {"reason": "Twice"}),
    "team edit": (lambda it, who: who.patch(_team(it), {"description": "D"}), "admin", {"fields": ["description"]}),
    "team set_member": (
        lambda it, who: who.put(f"{_team(it)}/members/{it.member.id}", {"role": "leader"}),
        "admin",
        {"role": "leader"},
    ),
    "team name": (lambda it, who: who.post("series", _of(it)), "moderator", {}),
    "team remove_member": (lambda it, who: who.delete(f"{_team(it)}/members/{it.member.id}"), "admin", {}),
}


def _of(it: Library) -> dict[str, Any]:
    return {"title": "Another", "author": "Somebody", "teamIds": [it.team["id"]]}


def _series(it: Library) -> str:
    return f"series/{it.series['id']}"


def _chapter(it: Library) -> str:
    return f"chapters/{it.chapter['id']}"


def _team(it: Library) -> str:
    return f"teams/{it.team['id']}"


def _adds(it: Library, who: Asker) -> Result:
    return who.post(f"{_chapter(it)}/pages", body=form(File("f", PAGE)), headers={"Content-Type": FORM})


@pytest.mark.parametrize("what", ACTS)
def test_an_act_on_things_of_others_is_one_entry(site: Site, what: str) -> None:  # PR-06
    library = Library(site)
    act, role, details = ACTS[what]
    keeper = site.sign_up(role)
    answer = act(library, keeper)
    assert answer.status_code in {200, 201, 204}, answer.text
    (entry,) = log(site)
    kind, action = what.split()
    target = getattr(library, kind)["id"]
    assert (entry["action"], entry["targetKind"], entry["targetId"]) == (action, kind, target)
    assert (entry["actorId"], entry["actorName"], entry["sequence"]) == (keeper.id, keeper.username, 1)
    assert entry["at"] == "2026-11-23T12:00:00.000000Z"
    assert entry["details"].items() >= details.items()
    assert verified(site) == 1


@pytest.mark.parametrize("what", ACTS)
def test_what_owners_do_to_their_own_is_none(site: Site, what: str) -> None:  # PR-06
    library = Library(site)
    act, _, _ = ACTS[what]
    assert act(library, library.owner).status_code in {200, 201, 204}
    assert log(site) == []


@pytest.mark.parametrize("what", ACTS)
def test_what_is_refused_is_none(site: Site, what: str) -> None:  # PR-06
    library = Library(site)
    act, _, _ = ACTS[what]
    assert act(library, site.sign_up("uploader")).status_code == 403
    assert act(library, site.stranger).status_code == 401
    assert (log(site), site.count("counters WHERE name = 'audit'")) == ([], 0)


def test_an_owner_who_uses_more_than_that_is_told_of(site: Site) -> None:  # PR-06
    library = Library(site)
    admin = site.sign_up("admin")
    told(library.owner.put(f"{_team(library)}/members/{admin.id}", {"role": "member"}))
    told(admin.patch(_series(library), {"author": "B"}))  # as a member
    assert log(site) == []
    told(admin.patch(_series(library), {"teamIds": []}))  # as an administrator: members do not give things away
    told(admin.post(f"{_series(library)}/chapters", {"number": 9}), 201)
    told(admin.delete(f"{_team(library)}/members/{admin.id}"), 204)  # everybody may leave
    assert [(one["action"], one["targetKind"]) for one in log(site)] == [
        ("edit", "series"),
        ("add_chapter", "series"),
    ]


def test_the_end_of_a_team_is_one_entry(site: Site) -> None:  # PR-06
    admin, team = site.sign_up("admin"), site.sign_up("uploader").makes_team()
    told(admin.delete(f"teams/{team['id']}"), 204)
    assert [(one["action"], one["targetId"], one["actorId"]) for one in log(site)] == [("delete", team["id"], admin.id)]


def test_a_comment_of_others_is_told_of_without_its_words(site: Site) -> None:  # PR-06
    library, reader, moderator = Library(site), site.sign_up(), site.sign_up("moderator")
    mine, other = (told(reader.post(f"{_chapter(library)}/comments", {"body": "Words"}), 201) for _ in range(2))
    told(reader.delete(f"comments/{mine['id']}"), 204)
    assert log(site) == []
    told(moderator.delete(f"comments/{other['id']}"), 204)
    (entry,) = log(site)
    assert (entry["action"], entry["targetKind"], entry["targetId"]) == ("delete", "comment", other["id"])
    assert (entry["actorId"], entry["details"]) == (moderator.id, {"author": reader.id})


def test_showing_again_is_told_from_publishing(site: Site) -> None:
    library, moderator = Library(site), site.sign_up("moderator")
    told(moderator.post(f"{_chapter(library)}/hide"))
    told(moderator.post(f"{_chapter(library)}/publish"))
    assert [one["action"] for one in log(site)] == ["hide", "show"]


def test_without_its_entry_there_is_no_act(site: Site) -> None:  # PR-06
    """One transaction for both: when the entry cannot be written, the act did not happen."""
    admin, user, library = site.sign_up("admin"), site.sign_up(), Library(site)
    told(admin.patch(f"admin/users/{user.id}", {"isMuted": True}))
    site.write("UPDATE counters SET value = 0 WHERE name = 'audit'")  # so that the next entry would be 1 again
    acts = [
        admin.patch(f"admin/users/{user.id}", {"role": "admin"}),
        admin.patch(f"admin/users/{user.id}", {"isMuted": False}),
        admin.put(f"admin/users/{user.id}/permissions/mute:user"),
        admin.post("admin/permissions", {"name": "a:b"}),
        admin.patch(_series(library), {"author": "B"}),
        admin.delete(_chapter(library)),
    ]
    assert {answer.status_code for answer in acts} == {409}
    assert told(user.get("auth/me"))["role"] == "user"
    assert told(user.get("auth/me"))["isMuted"]
    assert told(library.owner.get(_series(library)))["author"] == "Somebody"
    told(library.owner.get(_chapter(library)))
    assert (site.count("grants"), site.count("permissions"), site.count("audit")) == (0, 0, 1)


# The chain


def five(site: Site) -> Asker:
    """Five entries, each with other contents; and who made them."""
    admin, user = site.sign_up("admin"), site.sign_up()
    for change in (
        {"role": "uploader"},
        {"isBanned": True, "banReason": '\u6f2b\u753b \u201e\\"'},
        {"isBanned": False},
    ):
        site.clock.forward(seconds=1, microseconds=1)
        told(admin.patch(f"admin/users/{user.id}", change))
    told(admin.post("admin/permissions", {"name": "a:b"}), 201)
    told(admin.put(f"admin/users/{user.id}/permissions/a:b"))
    return admin


def test_the_chain_is_as_it_is_documented(site: Site) -> None:  # PR-06
    """Computed here by other means, from what the API shows."""
    five(site)
    before = FIRST
    for number, entry in enumerate(log(site), start=1):
        details = json.dumps(entry["details"], ensure_ascii=False, separators=(",", ":"), sort_keys=True)
        order = ("sequence", "at", "actorId", "action", "targetKind", "targetId")
        form = json.dumps(
            [*(entry[name] for name in order), details, before], ensure_ascii=False, separators=(",", ":")
        )
        assert entry["sequence"] == number
        assert entry["previousHash"] == before
        assert entry["hash"] == sha256(form.encode()).hexdigest()
        before = entry["hash"]
    assert verified(site) == 5
    assert audit.verify(site.db).last == before


CHANGED = "entry 3 was changed"
TAMPERS = {
    "SET action = 'mute'": CHANGED,
    "SET details = '{}'": "entry 2 was changed",
    "SET actor_id = NULL": CHANGED,
    "SET target_kind = 'team'": CHANGED,
    "SET target_id = 'somebody'": CHANGED,
    "SET at = :at": CHANGED,
    "SET hash = previous_hash": CHANGED,
    "SET previous_hash = hash": "entry 3 does not follow from the one before it",
}


@pytest.mark.parametrize("change", TAMPERS)
def test_a_changed_entry_is_named(site: Site, change: str) -> None:  # PR-06
    five(site)
    broken = int(TAMPERS[change].split()[1])
    at = {"at": NOW} if ":at" in change else {}
    assert site.write(f"UPDATE audit {change} WHERE sequence = :broken", broken=broken, **at) == 1
    verdict = audit.verify(site.db)
    assert (verdict.entries, verdict.broken) == (broken - 1, TAMPERS[change])


@pytest.mark.parametrize(
    ("tamper", "holds", "broken"),
    [
        ("DELETE FROM audit WHERE sequence = 1", 0, "entry 1 is missing"),
        ("DELETE FROM audit WHERE sequence = 3", 2, "entry 3 is missing"),
        ("DELETE FROM audit WHERE sequence >= 4", 3, "entry 4 is missing: 5 were written"),
        ("DELETE FROM audit", 0, "entry 1 is missing: 5 were written"),
        ("UPDATE audit SET sequence = 6 WHERE sequence = 5", 4, "entry 5 is missing"),
        ("UPDATE counters SET value = 4 WHERE name = 'audit'", 5, "entry 5 was added from outside: 4 were written"),
    ],
)
def test_a_missing_entry_is_named(site: Site, tamper: str, holds: int, broken: str) -> None:  # PR-06
    five(site)
    site.write(tamper)
    verdict = audit.verify(site.db)
    assert (verdict.entries, verdict.broken) == (holds, broken)


def test_one_who_computes_the_hash_anew_breaks_the_next(site: Site) -> None:  # PR-06
    five(site)
    entry = log(site)[1]
    forged = [2, entry["at"], None, "unban", "user", entry["targetId"], "{}", entry["previousHash"]]
    hashed = sha256(json.dumps(forged, separators=(",", ":")).encode()).hexdigest()
    site.write(
        "UPDATE audit SET actor_id = NULL, action = 'unban', details = '{}', hash = :hash WHERE sequence = 2",
        hash=hashed,
    )
    verdict = audit.verify(site.db)
    assert (verdict.entries, verdict.broken) == (2, "entry 3 does not follow from the one before it")


def test_what_was_cut_off_stays_visible(site: Site) -> None:  # PR-06
    admin = five(site)
    site.write("DELETE FROM audit WHERE sequence = 5")
    told(admin.patch(f"admin/users/{admin.id}", {"isMuted": True}))
    assert audit.verify(site.db).broken == "entry 5 is missing"


def test_a_log_without_entries_holds(site: Site) -> None:
    assert audit.verify(site.db) == (0, FIRST, "")


def test_a_long_log_is_read_in_steps(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "_WALK", audit._WALK.replace(f"LIMIT {audit.STEP}", "LIMIT 2"))
    five(site)
    assert verified(site) == 5
    site.write("UPDATE audit SET action = 'x' WHERE sequence = 5")
    assert audit.verify(site.db).broken == "entry 5 was changed"


def test_nothing_here_changes_an_entry() -> None:  # PR-06
    """Append-only: no text in the code but one insert."""
    written = re.compile(r"(UPDATE|DELETE\s+FROM|INTO|REPLACE)\s+audit\b|insert_many\(\s*\"audit\"", re.I)
    found = {str(file.relative_to(SOURCE)): written.findall(file.read_text()) for file in SOURCE.rglob("*.py")}
    assert {name for name, texts in found.items() if texts} == {"people/audit.py"}
    assert len(written.findall((SOURCE / "people/audit.py").read_text())) == 1


MANY = 40


def test_many_at_once_make_one_chain(two_sites: tuple[Site, Site]) -> None:  # PR-06, DB-06
    """Roles, mutes, grants, edits, hiding and deleting, by several people in two processes: none lost, none twice."""
    site = two_sites[0]
    admins = [site.sign_up("admin") for _ in range(4)]
    users = [site.sign_up() for _ in range(4)]
    library = Library(site)
    chapters = [library.owner.publishes(library.series, 10 + number) for number in range(MANY // 5)]

    def act(turn: int) -> Result:
        asker = Asker(two_sites[turn % 2], token=admins[turn % 4].token)
        who = users[turn // 5 % 4]
        if turn % 5 == 0:
            return asker.patch(f"admin/users/{who.id}", {"role": ["user", "uploader"][turn // 20 % 2]})
        if turn % 5 == 1:
            return asker.patch(f"admin/users/{who.id}", {"isMuted": turn % 4 < 2})
        if turn % 5 == 2:
            return asker.put(f"admin/users/{who.id}/permissions/mute:user")
        if turn % 5 == 3:
            return asker.patch(_series(library), {"author": f"Author {turn}"})
        path = f"chapters/{chapters[turn // 5]['id']}"
        return asker.delete(path) if turn % 2 else asker.post(f"{path}/hide")

    def insist(turn: int) -> Result:
        """So many want the one end of the chain that, on a busy machine, somebody may wait for too long."""
        answer = act(turn)
        while answer.status_code == 503:
            answer = act(turn)
        return answer

    answers = at_once(MANY, insist)
    assert Counter(answer.status_code for answer in answers).keys() <= {200, 204}, [one.text for one in answers]
    entries = log(site)
    made = Counter(one["action"] for one in entries)
    assert [one["sequence"] for one in entries] == list(range(1, len(entries) + 1))
    assert made["edit"] == MANY // 5
    assert made["hide"] + made["delete"] == MANY // 5
    assert made["grant"] == 4
    for who in users:  # the acts that are told of, and no other, made them what they are
        shown = told(admins[0].patch(f"admin/users/{who.id}", {}))
        assert shown["isMuted"] == (turns(entries, who, "mute") > turns(entries, who, "unmute"))
        roles = [one["details"] for one in entries if one["targetId"] == who.id and one["action"] == "set_role"]
        assert [change["from"] for change in roles] == ["user", *(change["to"] for change in roles)][: len(roles)]
        assert shown["role"] == (roles[-1]["to"] if roles else "user")
    assert verified(site) == len(entries)


def turns(entries: list[Any], who: Asker, action: str) -> int:
    return sum(one["targetId"] == who.id and one["action"] == action for one in entries)


def test_it_can_be_verified_while_others_write(two_sites: tuple[Site, Site]) -> None:
    admin, user = two_sites[0].sign_up("admin"), two_sites[0].sign_up()
    asker = Asker(two_sites[1], token=admin.token)

    def act(turn: int) -> Any:
        if turn % 2:
            return audit.verify(two_sites[0].db).broken
        return asker.patch(f"admin/users/{user.id}", {"isMuted": turn % 4 == 0}).status_code

    assert set(at_once(20, act)) == {"", 200}
    verified(two_sites[0])


# Reading it


def test_the_log_is_newest_first_and_paged(site: Site) -> None:
    admin = five(site)
    page = told(admin.get("admin/audit?limit=2"))
    assert [one["sequence"] for one in page["data"]] == [5, 4]
    assert (page["page"]["total"], page["page"]["number"]) == (5, 1)
    told(admin.patch(f"admin/users/{admin.id}", {"isMuted": True}))  # what comes meanwhile moves no page
    rest = told(admin.get(f"admin/audit?limit=3&cursor={page['page']['next']}"))
    assert [one["sequence"] for one in rest["data"]] == [3, 2, 1]
    assert (rest["page"]["next"], rest["page"]["number"]) == (None, None)
    assert [one["sequence"] for one in told(admin.get("admin/audit?limit=4&page=2"))["data"]] == [2, 1]


def test_the_log_is_narrowed(site: Site) -> None:
    admin, moderator = five(site), site.sign_up("moderator")
    user = site.sign_up()
    told(moderator.patch(f"admin/users/{user.id}", {"isMuted": True}))

    def found(**filters: str) -> list[int]:
        page = told(admin.get("admin/audit", params=filters))
        assert page["page"]["total"] is None
        return [one["sequence"] for one in page["data"]]

    assert found(actor=moderator.id) == [6]
    assert found(actor=admin.id) == [5, 4, 3, 2, 1]
    assert found(action="ban") == [2]
    assert found(targetKind="permission") == [4]
    assert found(targetKind="user", targetId=user.id) == [6]
    assert found(targetKind="team", targetId=user.id) == []
    assert found(actor=moderator.id, action="mute", targetKind="user", targetId=user.id) == [6]
    for odd in ("%", "_", "' OR 1=1 --", "\\", "b%", "\U0001f4a5"):  # IN-07
        assert found(action=odd) == []
        assert found(targetKind="user", targetId=odd) == []


@pytest.mark.parametrize(
    ("query", "wrong"),
    [
        ("limit=0", ["limit"]),
        ("actor=me", ["actor"]),
        ("action=", ["action"]),
        ("targetId=x", ["targetKind"]),
        ("target_kind=user", ["target_kind"]),
        ("cursor=WyJuZXdlc3QiLCJ4IiwieCJd", ["cursor"]),
        ("cursor=WyJuZXdlc3QiLDk5OTk5OTk5OTk5OTk5OTk5OSwieCJd", ["cursor"]),
    ],
)
def test_what_cannot_be_asked_is_named(site: Site, query: str, wrong: list[str]) -> None:  # IN-12
    assert fields(site.sign_up("admin").get(f"admin/audit?{query}")) == wrong


def test_an_administrator_by_command_is_an_entry_of_the_operator(site: Site) -> None:  # PR-06
    made = accounts.register(
        site.db,
        email="a@tests.example",
        username="amina",
        password="lantern keeper",
        role="admin",
        lasts_s=1,
        now=site.clock(),
    )
    (entry,) = log(site)
    assert (entry["action"], entry["actorId"], entry["targetId"]) == ("create_admin", None, made.account.id)
    assert entry["details"] == {"username": "amina"}
    new = {"email": "b@tests.example", "username": "berit", "password": "long enough"}
    told(site.stranger.post("auth/register", new), 201)
    assert len(log(site)) == 1
