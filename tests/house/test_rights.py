"""House rules on rights: no route without a row in the table, none that changes something for who may only read."""

from pathlib import Path

import pytest

from roliascan.people.permissions import ADMIN, DESCRIPTIONS, RULES
from roliascan.web.routes import ANYONE, ROUTES, SIGNED_IN, Route
from tests.rights.table import RELATIONS, ROWS, SIGHT, STATES, SUBJECTS

READING = {"see:any", "read:audit"}
CHANGING = [route for route in ROUTES if route.method not in {"GET", "HEAD"}]
OF_ONESELF = ("accounts.", "sessions.", "ratings.unrate_", "uploads.remove", "uploads.abandon")
"""Acts on one's own account, ratings and uploads; who is signed in may, and nobody else can be meant."""

TARGETS = ("uploads.to_chapter", "uploads.to_series", "uploads.generic")
BY_TARGET = dict.fromkeys(("uploads.create", "uploads.complete", "uploads.commit"), TARGETS)
"""What these ask for depends on what the files are for."""

BY_SIGNATURE = {"uploads.receive", "callbacks.uploadthing"}
"""Who has the ticket, or signs with the app's key, may, whoever they are."""


def _name(route: Route) -> str:
    return f"{route.method} {route.path}"


@pytest.mark.parametrize("route", ROUTES, ids=_name)
def test_a_route_has_a_row_in_the_table_of_rights(route: Route) -> None:  # AZ-01
    assert _name(route) in {row.route for row in ROWS}, "say who may in tests/rights/table.py"


def test_a_row_in_the_table_of_rights_has_a_route() -> None:
    assert {row.route for row in ROWS} <= {_name(route) for route in ROUTES}


def test_rows_name_only_what_there_is() -> None:
    for row in ROWS:
        assert row.kind in STATES
        assert {*row.but, *row.states} <= set(STATES[row.kind])
        for words in (row.door, *row.may, *(name for may in row.but.values() for name in may)):
            assert set(words.split()) <= set(SUBJECTS), row
    assert set(SIGHT) == set(RELATIONS)


@pytest.mark.parametrize("route", CHANGING, ids=_name)
def test_what_changes_something_asks_for_a_right_to_change(route: Route) -> None:
    """AZ-02"""
    if route.answers in BY_SIGNATURE:
        assert route.who == ANYONE
        return
    acts = BY_TARGET.get(route.answers, (route.answers,))
    for rule in [RULES[act] for act in acts if act in RULES]:
        assert not {rule.needs, rule.override} & READING
        assert rule.needs or rule.voice or rule.whose != "anybody", "everybody could"
        assert route.who in {SIGNED_IN, rule.needs}, "the route and RULES ask for different things"
    if not set(acts) & set(RULES):
        by_permission = route.who in set(DESCRIPTIONS) - READING  # which is all that it asks for
        assert by_permission or route.answers.startswith(OF_ONESELF), "say in RULES what this asks for"


def test_rules_ask_for_permissions_that_there_are() -> None:
    assert {one for rule in RULES.values() for one in (rule.needs, rule.override) if one} <= set(DESCRIPTIONS)
    assert set(DESCRIPTIONS) == ADMIN


def test_every_rule_is_asked_for() -> None:
    """By name, in the verb that it is about."""
    source = Path(__file__).parents[2] / "src" / "roliascan"
    written = "".join(file.read_text() for file in source.rglob("*.py") if file.name != "permissions.py")
    assert not [act for act in RULES if f'"{act}"' not in written]
