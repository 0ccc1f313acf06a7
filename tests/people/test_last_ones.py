"""The last administrator and the last leader, when two people take each other away at once."""

from collections import Counter
from collections.abc import Callable

import pytest
from falcon.testing import Result

from tests.front import Asker, Site, at_once, refused, told

ROUNDS = 24
Sites = tuple[Site, Site]
Act = Callable[[Asker, Asker], Result]


def two_of(sites: Sites, role: str) -> tuple[Asker, Asker]:
    """Two people, each at a place of their own."""
    first, second = (sites[0].sign_up(role) for _ in range(2))
    return first, Asker(sites[1], second.id, second.username, second.token)


def judged(answers: list[Result], loser: set[tuple[int, str]]) -> str:
    """Exactly one of two won; why the other lost."""
    won = [answer for answer in answers if answer.status_code < 300]
    assert len(won) == 1, [answer.text for answer in answers]
    (lost,) = (answer for answer in answers if answer.status_code >= 300)
    problem = refused(lost, lost.status_code)
    assert (lost.status_code, problem["code"]) in loser, problem
    return str(problem["code"])


def demote(asker: Asker, who: Asker) -> Result:
    return asker.patch(f"admin/users/{who.id}", {"role": "user"})


def ban(asker: Asker, who: Asker) -> Result:
    return asker.patch(f"admin/users/{who.id}", {"isBanned": True})


@pytest.mark.parametrize("act", [demote, ban])
def test_two_administrators_cannot_end_each_other(two_sites: Sites, act: Act) -> None:  # AZ-13
    """Who was faster wins; the other may no longer do this, is a stranger, or would be the last to go."""
    for _ in range(ROUNDS):
        pair = two_of(two_sites, "admin")
        answers = at_once(2, lambda turn: act(pair[turn], pair[1 - turn]))  # noqa: B023
        judged(answers, {(403, "not_allowed"), (401, "not_signed_in"), (409, "last_admin")})
        assert admins_left(two_sites[0]) == 1
        clear(two_sites[0])


@pytest.mark.parametrize("act", [demote, ban])
def test_two_administrators_cannot_both_go(two_sites: Sites, act: Act) -> None:  # AZ-13
    for _ in range(ROUNDS):
        pair = two_of(two_sites, "admin")
        judged(at_once(2, lambda turn: act(pair[turn], pair[turn])), {(409, "last_admin")})  # noqa: B023
        assert admins_left(two_sites[0]) == 1
        clear(two_sites[0])


def admins_left(site: Site) -> int:
    return site.count("users WHERE role = 'admin' AND NOT is_banned")


def clear(site: Site) -> None:
    site.write("UPDATE users SET role = 'user'")


@pytest.mark.parametrize("ways", ["leave leave", "ban ban", "ban leave", "ban demote", "demote leave"])
def test_a_team_keeps_a_leader_whatever_comes_together(two_sites: Sites, ways: str) -> None:  # AZ-13
    admins = two_of(two_sites, "admin")
    lost = Counter[str]()
    for _ in range(ROUNDS // 2):
        leaders = two_of(two_sites, "uploader")
        team = leaders[0].makes_team()
        told(leaders[0].put(f"teams/{team['id']}/members/{leaders[1].id}", {"role": "leader"}))

        def act(turn: int) -> Result:
            who = leaders[turn]  # noqa: B023
            path = f"teams/{team['id']}/members/{who.id}"  # noqa: B023
            if ways.split()[turn] == "ban":
                return ban(admins[turn], who)
            return who.delete(path) if ways.split()[turn] == "leave" else who.put(path, {"role": "member"})

        lost[judged(at_once(2, act), {(409, "last_leader")})] += 1
        members = told(two_sites[0].stranger.get(f"teams/{team['id']}"))["members"]
        leading = [one["id"] for one in members if one["role"] == "leader"]
        assert two_sites[0].count("users WHERE id IN (:ids) AND NOT is_banned", ids=leading) == 1
    assert lost == {"last_leader": ROUNDS // 2}
