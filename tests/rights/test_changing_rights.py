"""Rights that change: after every change everybody may exactly what the rows say, and nothing lasts from before."""

import random
from collections.abc import Callable, Iterable, Iterator

import pytest

from tests.front import Asker, Site, everything, told
from tests.rights.model import Chapter, Model, Series, Somebody

STEPS = 16


class Troupe:
    """A few people in a few teams, with what they made, and an administrator who turns it all round and round."""

    def __init__(self, site: Site, seed: int) -> None:
        self.site = site
        self.chance = random.Random(seed)
        self.admin = site.sign_up("admin")
        self.people = [site.sign_up("uploader") for _ in range(3)]
        self.teams = [self.admin.makes_team()["id"] for _ in range(2)]
        for person, team in zip(self.people, [*self.teams, None], strict=True):
            if team:
                told(self.admin.put(f"teams/{team}/members/{person.id}", {"role": "leader"}))
        for person, state in zip(self.people, ("published", "draft", "published"), strict=True):
            series = person.makes_series(state=state)
            person.publishes(series, 1)
            person.makes_chapter(series, 2)

    def turns(self) -> list[Callable[[], None]]:
        """Every way in which rights change."""
        return [self.join, self.leave, self.role, self.ban, self.grant, self.give_series, self.give_chapter, self.hide]

    def join(self) -> None:
        team, person = self.chance.choice(self.teams), self.chance.choice(self.people)
        told(self.admin.put(f"teams/{team}/members/{person.id}", {"role": self.chance.choice(["leader", "member"])}))

    def leave(self) -> None:
        for team in self.teams:
            person = self.chance.choice(self.people)
            assert self.admin.delete(f"teams/{team}/members/{person.id}").status_code in {204, 404}

    def role(self) -> None:
        role, person = self.chance.choice(["user", "user", "uploader", "moderator"]), self.chance.choice(self.people)
        self.site.write("UPDATE users SET role = :role WHERE id = :id", role=role, id=person.id)

    def ban(self) -> None:
        person, banned = self.chance.choice(self.people), self.chance.random() < 0.5
        self.site.write("UPDATE users SET is_banned = :banned WHERE id = :id", banned=banned, id=person.id)

    def grant(self) -> None:
        person = self.chance.choice(self.people)
        if self.site.write("DELETE FROM grants WHERE user_id = :id", id=person.id):
            return
        name = self.chance.choice(["hide:any", "update:series", "update:chapter", "edit:any"])
        self.site.write("INSERT INTO permissions (name) VALUES (:name) ON CONFLICT (name) DO NOTHING", name=name)
        self.site.write(
            "INSERT INTO grants (user_id, permission, granted_at) VALUES (:id, :name, :now)",
            id=person.id,
            name=name,
            now=self.site.clock.now,
        )

    def give_series(self) -> None:
        series = self.chance.choice(list(Model(self.site).series.values()))
        told(self.admin.patch(f"series/{series.id}", {"teamIds": self._some_teams()}))

    def give_chapter(self) -> None:
        chapter = self.chance.choice(list(Model(self.site).chapters.values()))
        told(self.admin.patch(f"chapters/{chapter.id}", {"teamIds": self._some_teams()}))

    def hide(self) -> None:
        model = Model(self.site)
        series, chapter = self.chance.choice([*model.series.values()]), self.chance.choice([*model.chapters.values()])
        told(self.admin.patch(f"series/{series.id}", {"state": self.chance.choice(["hidden", "draft", "published"])}))
        told(self.admin.post(f"chapters/{chapter.id}/hide"))

    def _some_teams(self) -> list[str]:
        return self.chance.sample(self.teams, self.chance.randint(0, len(self.teams)))


def wrong(troupe: Troupe, asker: Asker) -> Iterator[str]:
    """Where an answer and the model differ."""
    model = Model(troupe.site)
    who = model.somebody(asker.id)
    things: list[Series | Chapter] = [*model.series.values(), *model.chapters.values()]
    for thing in things:
        noun = "series" if isinstance(thing, Series) else "chapters"
        edits = (200 if who.edits(thing) else 403) if who.sees(thing) else 404
        expected = (200 if who.sees(thing) else 404, edits if who.id else 401)
        path = f"{noun}/{thing.id}"
        found = (asker.get(path).status_code, asker.patch(path, {}).status_code)
        if found != expected:
            yield f"{path} {thing.state}: {found}, not {expected}"
    yield from _wrong_lists(asker, "series", model.series.values(), who)
    yield from _wrong_lists(asker, "chapters", model.chapters.values(), who)


def _wrong_lists(asker: Asker, noun: str, things: Iterable[Series | Chapter], who: Somebody) -> Iterator[str]:
    for state in ("published", "draft", "hidden"):
        of_state = [one for one in things if one.state == state]
        seen = [one for one in of_state if (one.is_public if state == "published" else who.sees(one))]
        listed = [one["id"] for one in everything(asker, noun, state=state)]
        if sorted(listed) != sorted(one.id for one in seen):
            yield f"the list of {state} {noun}"


@pytest.mark.parametrize("seed", [1, 2])
def test_after_each_change_everybody_may_what_the_rows_say(site: Site, seed: int) -> None:
    """AZ-03, AZ-10, AU-11"""
    troupe = Troupe(site, seed)
    done: list[str] = []
    for _ in range(STEPS):
        turn = troupe.chance.choice(troupe.turns())
        turn()
        done.append(turn.__name__)
        for asker in (*troupe.people, site.stranger):
            found = list(wrong(troupe, asker))
            assert not found, (done, asker.username, found)
    assert len(set(done)) >= 5
