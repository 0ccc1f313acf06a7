"""What RoliaScan needs of deploy/terraform/google, and what it may not have; each finding is a sentence."""

import re
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from typing import Any

from tests.deploy import rules
from tests.deploy.facts import Facts, Function
from tests.deploy.hcl import Module

Findings = Iterator[str]

ROLES = {
    "roles/run.invoker": "calls one service",
    "roles/storage.objectUser": "the site and its files",
    "roles/storage.objectViewer": "who builds reads the source",
    "roles/storage.legacyObjectReader": "readers of files, who may not list them",
    "roles/iam.serviceAccountTokenCreator": "the site signs as itself",
    "roles/secretmanager.secretAccessor": "a service and its secrets",
    "roles/artifactregistry.writer": "who builds keeps the image",
    "roles/logging.logWriter": "who builds tells how it went",
    "roles/cloudsql.${each.value[1]}": "client and instanceUser, of one instance",
}
NEEDED = {"objectUser", "serviceAccountTokenCreator", "secretAccessor", "run.invoker"}
ANYBODY = {"allUsers", "allAuthenticatedUsers"}
OPEN = {
    ("google_cloud_run_v2_service_iam_member", "roles/run.invoker", "google_cloud_run_v2_service.web.name"),
    ("google_storage_bucket_iam_member", "roles/storage.legacyObjectReader", "google_storage_bucket.files.name"),
}
"""What anybody may, and on what."""

HEADERS = {"content-type", "x-goog-content-length-range", "x-goog-if-generation-match"}
MODULES = {"migrations": "roliascan.platforms.google_migrations"}
TARGET = re.compile(r"FUNCTION_TARGET\W+(\w+)")


def functions(module: Module) -> Findings:
    for name, one in _services(module):
        found = TARGET.search(str(one))
        there = import_module(MODULES.get(name, "roliascan.platforms.google_functions"))
        if not found or not callable(getattr(there, found[1], None)):
            yield f"{name}: there is no function {found and found[1]}"
        template = one["template"][0]
        if template["scaling"][0].get("min_instance_count") != 0:
            yield f"{name}: it costs at rest"
        if "service_account" not in template:
            yield f"{name}: it runs as whom everything runs as"


def _services(module: Module) -> Iterator[tuple[str, Mapping[str, Any]]]:
    yield from module.resource["google_cloud_run_v2_service"].items()


def settings(module: Module) -> Findings:
    site = Function("web", "", "", "", "", 0, {name: str(value) for name, value in module.names["local.site"].items()})
    yield from rules.settings(Facts(functions=(site,)))
    for name, one in _services(module):
        if name != "migrations" and "local.site" not in str(one):
            yield f"{name}: it has no settings"


def secrets(module: Module) -> Findings:
    """Where they are, and never what they are: Terraform's state would have it."""
    if "google_secret_manager_secret." not in module.names["local.site"].get("JWT_SECRET", ""):
        yield "JWT_SECRET is no reference"
    for name in ("local.database_url", "local.database_direct_url"):
        if not re.search(
            r"local\.sql \? local\.addresses\.\w+ : google_secret_manager_secret\.\w+", module.names[name]
        ):
            yield f"{name} is no reference"
    if "auth=google-iam" not in module.names["local.addresses"] or re.search(r"://[^/@]*:[^/@]*@", str(module.names)):
        yield "an address has a password"
    if module.resource["google_secret_manager_secret_version"]:
        yield "Terraform keeps a secret in its state"
    for name, default in module.names.items():
        if name.startswith("var.") and re.search("secret|password|token|_key$", name) and default:
            yield f"{name} is a secret that everybody reads"


def roles(module: Module) -> Findings:
    """Few, added one by one, and none of a whole project's but of an instance and for a log."""
    given = set()
    for type_, named in module.resource.items():
        if type_.endswith(("_iam_policy", "_iam_binding", "_custom_role")):
            yield f"{type_} takes roles from others"
        for name, one in named.items() if type_.endswith("_iam_member") else ():
            given.add(one["role"])
            if one["role"] not in ROLES:
                yield f"{type_}.{name}: {one['role']} is more than is needed"
            if type_.startswith("google_project_") and not (
                one.get("condition") or one["role"] == "roles/logging.logWriter"
            ):
                yield f"{type_}.{name}: {one['role']} is of the whole project"
    for role in sorted(NEEDED - {one.rpartition("/")[2] for one in given} - {one.rpartition(".")[2] for one in given}):
        yield f"nobody has {role}"
    signs = module.resource["google_service_account_iam_member"].get("signs", {})
    if not ("account.site." in signs.get("service_account_id", "") and "account.site." in signs.get("member", "")):
        yield "the site signs as another"


def anybody(module: Module) -> Findings:
    for type_, named in module.resource.items():
        for name, one in named.items():
            if one.get("member") in ANYBODY:
                on = str(one.get("name", one.get("bucket"))).strip("${}")
                if (type_, one["role"], on) not in OPEN:
                    yield f"{type_}.{name}: anybody may {one['role']} on {on}"
    if "oidc_token" not in str(module.resource["google_cloud_scheduler_job"]):
        yield "the schedule does not say who it is"


def buckets(module: Module) -> Findings:
    for name, one in module.resource["google_storage_bucket"].items():
        if one.get("uniform_bucket_level_access") is not True:
            yield f"{name}: files have rights of their own"
        if name != "files" and one.get("public_access_prevention") != "enforced":
            yield f"{name}: it can be made public"
    files = module.resource["google_storage_bucket"]["files"]
    if not any(
        r["method"] == ["PUT"] and {h.lower() for h in r["response_header"]} >= HEADERS for r in files.get("cors", [])
    ):
        yield "the bucket has no CORS rule by which browsers upload"
    conditions = [r["condition"][0] for r in files.get("lifecycle_rule", []) if r["action"][0]["type"] == "Delete"]
    if conditions != [{"age": 1, "matches_prefix": ["incoming/"]}]:
        yield "the bucket has no lifecycle rule for incoming/ alone, of one day"


def https(module: Module) -> Findings:
    if module.resource["google_compute_target_http_proxy"]:
        yield "the load balancer speaks http"
    for one in module.resource["google_compute_ssl_policy"].values():
        if one.get("min_tls_version") != "TLS_1_2":
            yield "the load balancer speaks old TLS"
    for one in module.resource["google_sql_database_instance"].values():
        network = one["settings"][0]["ip_configuration"][0]
        if network.get("ssl_mode") != "TRUSTED_CLIENT_CERTIFICATE_REQUIRED" or "authorized_networks" in network:
            yield "the database lets networks in"


RULES: dict[str, Callable[[Module], Findings]] = {
    "functions": functions,
    "settings": settings,
    "secrets": secrets,
    "roles": roles,
    "anybody": anybody,
    "buckets": buckets,
    "https": https,
}
