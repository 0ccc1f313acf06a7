"""The names by which workflows call what is in a cloud, held against those that the templates give."""

import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from tests.deploy import workflows
from tests.deploy.hcl import Module

_CALLS = {
    "aws": ("aws lambda", "aws ssm"),
    "google": ("gcloud functions", "gcloud run services", "gcloud secrets", "docker.pkg.dev"),
    "azure": ("az functionapp", "azure.sh", "azurewebsites.net", "az keyvault secret"),
}
"""What stands in a line that names something of the cloud's."""
_USED = re.compile(
    r"/roliascan/\$STAGE/[\w-]+|roliascan-\$STAGE[\w$-]*|\$AZURE_APP[\w-]*|secret show --vault-name .*--name (\S+)"
)
_PUT = re.compile(r"\.sh dist/\w+ ((?:[\w-]+ ?)+)$", re.M)


def unknown(deploy: Path) -> list[str]:
    """Whether what workflows put code onto, or read, is what the templates of their cloud make."""
    told = []
    for cloud in workflows.CLOUDS:
        for template, made in _MADE[cloud](deploy).items():
            for call, name in sorted(_used(cloud, deploy)):
                if name not in made.get(call, set()):
                    told.append(f"{cloud}: {call}: {template} makes no {name}")
    return told


def _used(cloud: str, deploy: Path) -> set[tuple[str, str]]:
    """Each call, and the name in it, of the stage `prod`."""
    files = [deploy / "github-actions" / f"{cloud}{suffix}" for suffix in (".yml", ".sh")]
    text = "\n".join(file.read_text() for file in files).replace("\\\n", " ")
    put = {name for words in _PUT.findall(text) for name in words.split()}
    return {
        (call, name.replace("$function", function).replace("$STAGE", "prod"))
        for line in text.splitlines()
        for call in _CALLS[cloud]
        if call in line
        for found in _USED.finditer(line)
        for name in [found[1] or found[0]]
        for function in (put if "$function" in name else [""])
    }


def _of_aws(deploy: Path) -> dict[str, dict[str, set[str]]]:
    """Three templates that make the same, each in words of its own."""
    serverless = "".join(file.read_text() for file in sorted((deploy / "serverless").rglob("*.yml")))
    sam = (deploy / "sam" / "template.yaml").read_text()
    terraform = "".join(file.read_text() for file in sorted((deploy / "terraform" / "aws").glob("*.tf")))
    functions = yaml.load(serverless.partition("\nfunctions:\n")[2].partition("\n\n")[0], yaml.BaseLoader)
    return {
        "serverless": _aws(functions, re.findall(r"parameter/roliascan/\$\{sls:stage\}/([\w-]+)", serverless)),
        "sam": _aws(
            re.findall(r"FunctionName: !Sub roliascan-\$\{Stage\}-(\w+)", sam),
            re.findall(r"parameter/roliascan/\$\{Stage\}/([\w-]+)", sam),
        ),
        "terraform": _aws(
            re.findall(r'function_name += "\$\{local\.name\}-(\w+)"', terraform),
            re.findall(r"\$\{local\.parameters\}/([\w-]+)", terraform),
        ),
    }


def _aws(functions: Iterable[str], parameters: Iterable[str]) -> dict[str, set[str]]:
    return {
        "aws lambda": {f"roliascan-prod-{name}" for name in functions},
        "aws ssm": {f"/roliascan/prod/{name}" for name in parameters},
    }


def _of_google(deploy: Path) -> dict[str, dict[str, set[str]]]:
    module = Module(deploy / "terraform" / "google")

    def names(kind: str, key: str) -> set[str]:
        return {str(module.known(one[key])) for one in module.resource[kind].values()}

    secrets = re.findall(r'"([a-z]+-[a-z-]+)"', str([one["for_each"] for one in _secrets(module)]))
    return {
        "terraform": {
            "gcloud functions": names("google_cloudfunctions2_function", "name"),
            "gcloud run services": names("google_cloud_run_v2_service", "name"),
            "gcloud secrets": {f"{module.known('${local.name}')}-{name}" for name in secrets},
            "docker.pkg.dev": names("google_artifact_registry_repository", "repository_id"),
        }
    }


def _secrets(module: Module) -> Iterable[Mapping[str, Any]]:
    return module.resource["google_secret_manager_secret"].values()


def _of_azure(deploy: Path) -> dict[str, dict[str, set[str]]]:
    """An app is called as all of a stage, and as itself."""
    module = Module(deploy / "terraform" / "azure")
    apps = {f"$AZURE_APP-{app}" for app in re.findall(r'"(\w+)"', str(module.names["local.apps"]))}
    text = (deploy / "terraform" / "azure" / "function.tf").read_text()
    return {
        "terraform": {
            **dict.fromkeys(("az functionapp", "azure.sh", "azurewebsites.net"), apps),
            "az keyvault secret": set(re.findall(r"vault_uri\}secrets/([\w-]+)", text)),
        }
    }


_MADE: dict[str, Callable[[Path], dict[str, dict[str, set[str]]]]] = {
    "aws": _of_aws,
    "google": _of_google,
    "azure": _of_azure,
}
