"""Checks of deploy/sam, by Amazon's own command line, which needs no account for these."""

from pathlib import Path

from tests.deploy import cloudformation, tree
from tests.deploy.facts import Facts


def facts(deploy: Path) -> Facts:
    return cloudformation.facts(cloudformation.load(deploy / "sam" / "template.yaml"))


def found() -> Path | None:
    return tree.installed("deploy/bin/sam")


def validates(deploy: Path) -> list[str]:
    """`sam validate --lint`, as samconfig.toml says, which is cfn-lint with what it knows of SAM."""
    return _sam(deploy, "validate")


def builds(deploy: Path) -> list[str]:
    """`sam build`; and the archives to which what it writes leads, which it does not look for, are there."""
    if wrong := _sam(deploy, "build"):
        return wrong
    made = deploy / "sam" / ".aws-sam" / "build" / "template.yaml"
    code = {one["Properties"].get("CodeUri", "") for one in cloudformation.load(made)["Resources"].values()} - {""}
    return [f"{path} is not there" for path in sorted(code) if not (made.parent / path).is_file()]


def _sam(deploy: Path, *words: str) -> list[str]:
    sam = found()
    assert sam
    return tree.findings([sam, *words], deploy / "sam", {"HOME": str(deploy.parent)})
