"""What can be asked of the templates without the tools of their platforms; `make deploy-check` asks the rest."""

import json
from pathlib import Path

import pytest

from tests.deploy import tree
from tests.deploy.__main__ import main
from tests.deploy.checks import CHECKS, QUICK
from tests.deploy.examples import EXAMPLES, spoil
from tests.deploy.rules import WILDCARDS
from tests.servers import program, serverless_offline
from tests.servers.parts import TEST_ALL


@pytest.fixture(scope="module")
def deploy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tree.lay(tmp_path_factory.mktemp("deploy"))


@pytest.mark.parametrize("name", QUICK)
def test_nothing_is_wrong(name: str, deploy: Path) -> None:
    assert CHECKS[name].ask(deploy) == []


SEEN = [name for name, example in EXAMPLES.items() if example.check in QUICK]


@pytest.mark.parametrize("name", SEEN if TEST_ALL else SEEN[::3])  # `make deploy-check` looks at each too
def test_what_is_wrong_is_seen(name: str, deploy: Path, tmp_path: Path) -> None:
    example = EXAMPLES[name]
    found = CHECKS[example.check].ask(spoil(deploy, example, tmp_path / "wrong"))
    assert any(example.says in told for told in found), found


def test_every_example_names_a_check_and_every_check_has_one() -> None:
    assert {example.check for example in EXAMPLES.values()} == set(CHECKS)


def test_people_deploy_with_the_versions_that_were_tried() -> None:
    ours = json.loads((program.PROJECT / "deploy" / "serverless" / "package.json").read_text())
    assert ours["dependencies"] == json.loads((serverless_offline.SERVICE / "package.json").read_text())["dependencies"]


def test_each_exception_has_its_reason() -> None:
    assert all(WILDCARDS.values())


def test_a_check_that_there_is_not_is_no_check_that_found_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["deploy", "terrafrom"])
    with pytest.raises(SystemExit, match="no check terrafrom"):
        main()
