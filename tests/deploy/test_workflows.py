"""The steps of a release, run as GitHub runs them: our own command, a database, and clouds that are played."""

import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.deploy import workflows
from tests.servers import program
from tests.servers.parts import TEST_ALL

SOME = workflows.CLOUDS if TEST_ALL else list(workflows.CLOUDS)[:1]
DEPLOY = program.PROJECT / "deploy"
PROGRAM = Path(sys.executable).with_name("roliascan")
PLAYED = {
    "aws": 'case "$*" in *ssm*) echo "$DATABASE";; *Credentials*) echo \'{"AccessKeyId":1}\';; esac',
    "gcloud": 'case "$*" in *secrets*) echo "$DATABASE";; esac',
    "az": 'case "$*" in *keyvault*) echo "$DATABASE";; esac',
    "curl": 'case "$*" in *audience*) echo \'{"value":"word"}\';; *login*) echo \'{"token":"a"}\';; esac',
}
"""What each prints; each also writes down how it was called."""
PUTS = {
    "aws": ["roliascan-prod-web", "roliascan-prod-sweep"],
    "google": ["roliascan-prod-web", "roliascan-prod-sweep"],
    "azure": ["app-site"],
}
DEPLOYS = ("update-function-code", "run services update", "config-zip")


class Runner:
    """A machine of GitHub's, with a clone, packages, and what a job is told."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.calls = folder, folder / "calls"
        self.database = folder / "comics.db"
        self.calls.touch()
        shutil.copytree(DEPLOY, folder / "deploy")
        for which in ("new", "old", "migrations"):
            (folder / "dist" / which).mkdir(parents=True)
            self._zip(folder / "dist" / which)
        for name, code in PLAYED.items():
            self._script(folder / "bin" / name, f'echo "{name} $*" >>"{self.calls}"\n{code}')
        smoke = f'[ "$1" = smoke ] && {{ echo "smoke $2" >>"{self.calls}"; exit "$SMOKE"; }}'
        self._script(folder / ".venv" / "bin" / "roliascan", f'{smoke}\nexec {PROGRAM} "$@"')

    def _zip(self, folder: Path) -> None:
        (folder / "name").write_text(folder.name)
        shutil.make_archive(str(folder / "roliascan-0.1.0-any"), "zip", folder, "name")
        (folder / "name").unlink()
        (folder / "commit").write_text(folder.name)

    def _script(self, file: Path, code: str) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"#!/bin/sh\n{code}\n")
        file.chmod(0o755)

    def releases(self, cloud: str, *, database: str = "", smoke: int = 0) -> dict[str, str]:
        """Each step's name, and how it ended. What a step says of when it runs, we know by its name."""
        job = workflows.read(DEPLOY)[cloud]["jobs"]["release"]
        ended: dict[str, str] = {}
        for step in job["steps"]:
            name = step.get("name", "")
            if not name or "function" in name:
                continue
            has_failed, has_deployed = "failure" in ended.values(), ended.get("Deploy", "skipped") != "skipped"
            if has_deployed and has_failed if name == "Roll back" else not has_failed:
                ended[name] = "failure" if self._fails(job, step, cloud, database, smoke) else "success"
            else:
                ended[name] = "skipped"
        return ended

    def _fails(self, job: Any, step: Any, cloud: str, database: str, smoke: int) -> int:
        names = {name: "app" if name == "AZURE_APP" else "told" for name in job["env"]}
        played = {"DATABASE": database or f"sqlite:///{self.database}", "SMOKE": str(smoke), "HOME": str(self.folder)}
        github = {"GITHUB_RUN_ID": "1", "RUNNER_TEMP": str(self.folder)}
        word = {"ACTIONS_ID_TOKEN_REQUEST_TOKEN": "a", "ACTIONS_ID_TOKEN_REQUEST_URL": "https://github.example/?a=b"}
        path = {"PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}"}
        environ = {**names, "STAGE": "prod", **dict.fromkeys(step.get("env", {}), "told")}
        environ |= {**played, **github, **word, **path}
        command = ["bash", "-e", "-c", step["run"]]
        return subprocess.run(command, cwd=self.folder, env=environ, capture_output=True, check=False).returncode

    def put(self, which: str) -> list[str]:
        """The calls that put a package somewhere: for Google, an image that is called as its commit."""
        calls = [line for line in self.calls.read_text().splitlines() if any(one in line for one in DEPLOYS)]
        return [line for line in calls if f"roliascan:{which} " in line or f"dist/{which}/" in line]


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    if not program.find("jq") or not program.find("unzip"):
        pytest.skip("needs jq and unzip, which GitHub's machines have")
    return Runner(tmp_path)


def _names(calls: list[str]) -> list[str]:
    return [word for call in calls for word in call.split() if word.startswith("roliascan-prod-") or word == "app-site"]


@pytest.mark.parametrize("cloud", SOME)
def test_a_release_expands_then_deploys_then_looks(runner: Runner, cloud: str) -> None:
    ended = runner.releases(cloud)
    assert list(ended.values()) == ["success", "success", "success", "success", "skipped"]
    assert _names(runner.put("new")) == PUTS[cloud]
    assert "smoke told" in runner.calls.read_text().splitlines()
    with sqlite3.connect(runner.database) as there:
        assert there.execute("SELECT count(*) FROM schema_state").fetchone() == (1,)
    there.close()


@pytest.mark.parametrize("cloud", SOME)
def test_what_does_not_work_is_taken_back(runner: Runner, cloud: str) -> None:
    ended = runner.releases(cloud, smoke=1)
    assert list(ended.values()) == ["success", "success", "success", "failure", "success"]
    assert _names(runner.put("old")) == PUTS[cloud]


def test_google_builds_the_image_of_a_commit_that_it_lacks(runner: Runner) -> None:
    script = runner.folder / "bin" / "gcloud"
    script.write_text(script.read_text().replace("*secrets*)", "*describe*) exit 1;; *secrets*)"))
    assert runner.releases("google")["Deploy"] == "success"
    built = [line for line in runner.calls.read_text().splitlines() if "gcloud builds submit" in line]
    assert [line.rpartition("_IMAGE=")[2] for line in built] == [
        "told-docker.pkg.dev/told/roliascan-prod/roliascan:new"
    ]
    assert runner.put("new")


@pytest.mark.parametrize("cloud", SOME)
def test_nothing_is_deployed_over_a_database_that_was_not_expanded(runner: Runner, cloud: str) -> None:
    ended = runner.releases(cloud, database="postgresql://nobody@127.0.0.1:1/comics")
    assert list(ended.values()) == ["success", "failure", "skipped", "skipped", "skipped"]
    assert not runner.put("new")


@pytest.fixture
def clone(tmp_path: Path) -> tuple[Path, dict[str, str]]:
    """A repository of four commits with the scripts in it; the commits by what they are to the release."""
    who = ["-c", "user.name=a", "-c", "user.email=a@comics.example"]

    def git(*words: str) -> str:
        told = subprocess.run(["git", *who, *words], cwd=tmp_path, capture_output=True, text=True, check=True)
        return told.stdout.strip()

    def commit() -> str:
        git("commit", "--allow-empty", "-m", "a")
        return git("rev-parse", "HEAD")

    git("init")
    commits = {which: commit() for which in ("older", "before", "newer")}
    (tmp_path / "previous-release").write_text(f"# At each release\ncommit {commits['before']}\nrevision 1\n")
    shutil.copytree(DEPLOY / "github-actions", tmp_path / "deploy" / "github-actions")
    return tmp_path, {"": "", "elsewhere": "0" * 40, **commits}


@pytest.mark.parametrize(
    ("which", "fails"), [("", False), ("older", True), ("before", False), ("newer", False), ("elsewhere", True)]
)
def test_a_release_is_not_skipped(clone: tuple[Path, dict[str, str]], which: str, fails: bool) -> None:
    """What serves may be the release before, or what came after it; and nothing, at first."""
    folder, commits = clone
    played = {
        "gh": f"echo {commits[which]}",
        "make": 'mkdir -p before/.venv/bin && cp "$(command -v roliascan)" before/.venv/bin/',
        "roliascan": "echo packed >>packed",
    }
    (folder / "bin").mkdir()
    for name, code in played.items():
        (folder / "bin" / name).write_text(f"#!/bin/sh\n{code}\n")
        (folder / "bin" / name).chmod(0o755)
    environ = {**os.environ, "PATH": f"{folder / 'bin'}:{os.environ['PATH']}", "GITHUB_REPOSITORY": "a/b"}
    steps = workflows.read(DEPLOY)["package"]["jobs"]["package"]["steps"]
    refuse, before = (
        next(step["run"] for step in steps if step.get("name") == name)
        for name in ("Refuse to skip a release", "The commit that serves")
    )
    done = subprocess.run(["bash", "-e", "-c", refuse], cwd=folder, env=environ, capture_output=True, check=False)
    assert bool(done.returncode) == fails
    if not fails:
        subprocess.run(["bash", "-e", "-c", before], cwd=folder, env=environ, capture_output=True, check=True)
        assert (folder / "packed").exists() == bool(commits[which])
