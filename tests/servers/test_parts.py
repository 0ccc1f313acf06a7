"""What a machine lacks is skipped by name, and refused by CI."""

import pytest

from tests.servers import parts


def test_a_hidden_part_is_skipped_with_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_WITHOUT", "lambda, mariadb")
    with pytest.raises(pytest.skip.Exception, match=r"mariadb \(hidden by TEST_WITHOUT\)"):
        parts.require("mariadb")


def test_a_part_that_is_not_installed_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TEST_WITHOUT", raising=False)
    monkeypatch.setitem(parts.PARTS, "mariadb", parts.Part(lambda: None, "apt-get install mariadb-server"))
    assert parts.missing("mariadb") == "mariadb (not here: apt-get install mariadb-server)"


def test_a_misspelt_part_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_WITHOUT", "mariadb,postgres")
    with pytest.raises(pytest.UsageError, match="no part is called postgres;"):
        parts.hidden()


@pytest.mark.parametrize("ci", ["true", ""])
def test_ci_refuses_what_others_skip(monkeypatch: pytest.MonkeyPatch, ci: str) -> None:
    monkeypatch.setenv("TEST_WITHOUT", "postgresql,mariadb")
    monkeypatch.setenv("CI", ci)
    if ci:
        with pytest.raises(pytest.UsageError, match=r"CI=true and missing: mariadb"):
            parts.refuse_gaps({"mariadb"})
    else:
        parts.refuse_gaps({"mariadb"})
