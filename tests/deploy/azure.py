"""What RoliaScan needs of deploy/terraform/azure, and what it may not have; each finding is a sentence."""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from roliascan.cli.packaging.targets import TARGETS
from tests.deploy import rules
from tests.deploy.facts import Facts, Function
from tests.deploy.hcl import Module

Findings = Iterator[str]

ROLES = {
    ("files", "Storage Blob Data Contributor", "azurerm_storage_container.files.id"),
    ("tickets", "Storage Blob Delegator", "azurerm_storage_account.files.id"),
    ("host", "Storage Blob Data Owner", "azurerm_storage_account.host[each.key].id"),
    ("vault", "Key Vault Secrets User", "azurerm_key_vault.app[each.key].id"),
    ("log", "Monitoring Metrics Publisher", "azurerm_application_insights.site.id"),
}
"""All that an app may, and on what: no more and no less."""

HEADERS = {"content-type", "x-ms-blob-type"}
READABLE = ["/pages/*", "/covers/*", "/files/*"]
READERS = '${var.private_files ? "private" : "blob"}'
SECRET = re.compile(r"secret|password|token|_key$")


def functions(module: Module) -> Findings:
    app = module.resource["azapi_resource"]["app"]
    made = app["body"]["properties"]
    if made["functionAppConfig"]["runtime"] != {"name": "python", "version": "3.13"}:
        yield "the packages are not for this runtime"
    if made.get("httpsOnly") is not True or made["siteConfig"].get("minTlsVersion") != "1.2":
        yield "the apps speak http, or old TLS"
    if "alwaysReady" in str(made) or module.resource["azurerm_service_plan"]["app"]["sku_name"] != "FC1":
        yield "an app costs at rest"
    if "azurerm_user_assigned_identity.app" not in str(made.get("keyVaultReferenceIdentity")):
        yield "nobody reads the vault"
    if made["functionAppConfig"]["deployment"]["storage"]["authentication"]["type"] != "UserAssignedIdentity":
        yield "packages are kept by a key"
    if json.loads(TARGETS["azure"].files["host.json"])["extensions"]["http"]["routePrefix"]:
        yield "the package has a route prefix"


def settings(module: Module) -> Findings:
    given = {name: str(value) for name, value in module.names["local.site"].items()}
    yield from rules.settings(Facts(functions=(Function("web", "", "", "", "", 0, given),)))
    if any(
        f"{name} " not in module.names["local.platform"]
        for name in ("AZURE_CLIENT_ID", "AzureWebJobsStorage__clientId")
    ):
        yield "an app does not know who it is"


def secrets(module: Module) -> Findings:
    """Where they are, and never what they are: Terraform's state would have it."""
    given = {**module.names["local.site"], **module.names["local.settings"]["migrations"]}
    for name in rules.SECRETS:
        if not given.get(name, "").startswith("@Microsoft.KeyVault(SecretUri="):
            yield f"{name} is no reference"
    for type_ in ("azurerm_key_vault_secret", "azurerm_function_app_flex_consumption"):
        if module.resource[type_]:
            yield f"{type_} keeps a secret in Terraform's state"
    for type_, named in module.resource.items():
        for name, one in named.items():
            if {"administrator_password", "primary_access_key", "storage_access_key"} & set(one):
                yield f"{type_}.{name} keeps a secret in Terraform's state"
    for name, variable in module.variables.items():
        if SECRET.search(name) and not (variable.get("sensitive") is variable.get("ephemeral") is True):
            yield f"var.{name} is kept in Terraform's state"
        if SECRET.search(name) and variable.get("default") not in (None, "null", "${null}"):
            yield f"var.{name} is a secret that everybody reads"


def roles(module: Module) -> Findings:
    given = {
        (name, one.get("role_definition_name", "a role by its number"), one["scope"].strip("${}"))
        for name, one in module.resource["azurerm_role_assignment"].items()
    }
    for name, role, scope in sorted(given - ROLES):
        yield f"{name}: {role} on {scope} is more than is needed"
    for name, role, scope in sorted(ROLES - given):
        yield f"{name}: nobody has {role} on {scope}"


def accounts(module: Module) -> Findings:
    for name, one in module.resource["azurerm_storage_account"].items():
        if one.get("https_traffic_only_enabled") is not True or one.get("min_tls_version") != "TLS1_2":
            yield f"{name}: it speaks http, or old TLS"
        if one.get("shared_access_key_enabled") is not False:
            yield f"{name}: who has its key may do everything"
        if name != "files" and one.get("allow_nested_items_to_be_public") is not False:
            yield f"{name}: it can be made public"
    for name, one in module.resource["azurerm_storage_container"].items():
        if one.get("container_access_type") != (READERS if name == "files" else "private"):
            yield f"{name}: strangers may {one.get('container_access_type')}"
    for name, one in module.resource["azurerm_key_vault"].items():
        if one.get("rbac_authorization_enabled") is not True or one.get("purge_protection_enabled") is not True:
            yield f"{name}: the vault asks nobody, or loses what it has"


def uploads(module: Module) -> Findings:
    properties = module.resource["azurerm_storage_account"]["files"].get("blob_properties", [{}])[0]
    if not any(
        r["allowed_methods"] == ["PUT"] and {*r["allowed_headers"]} >= HEADERS for r in properties.get("cors_rule", [])
    ):
        yield "the account has no CORS rule by which browsers upload"
    found = [
        _lifecycle(rule)
        for one in module.resource["azurerm_storage_management_policy"].values()
        for rule in one["rule"]
    ]
    if found != [(True, ["${azurerm_storage_container.files.name}/incoming/"], 1)]:
        yield "the account has no lifecycle rule for incoming/ alone, of one day"


def _lifecycle(rule: Any) -> tuple[Any, Any, Any]:
    days = rule["actions"][0]["base_blob"][0].get("delete_after_days_since_modification_greater_than")
    return rule["enabled"], rule["filters"][0].get("prefix_match"), days


def fronts(module: Module) -> Findings:
    """Nobody goes past Front Door, which asks by https, leads to what is shown, and wakes nothing."""
    site = module.resource["azapi_resource"]["app"]["body"]["properties"]["siteConfig"]
    if 'var.cdn ? "Deny"' not in str(site.get("ipSecurityRestrictionsDefaultAction")) or "x-azure-fdid" not in str(
        module.names
    ):
        yield "the site can be reached past Front Door"
    for name, one in module.resource["azurerm_cdn_frontdoor_route"].items():
        if one.get("forwarding_protocol") != "HttpsOnly" or one.get("https_redirect_enabled") is not True:
            yield f"{name}: Front Door speaks http"
        if name != "site" and one["patterns_to_match"] != READABLE:
            yield f"{name}: Front Door leads to {', '.join(one['patterns_to_match'])}"
    if any("health_probe" in one for one in module.resource["azurerm_cdn_frontdoor_origin_group"].values()):
        yield "Front Door's probes cost at rest"


def database(module: Module) -> Findings:
    for one in module.resource["azurerm_postgresql_flexible_server"].values():
        if one.get("public_network_access_enabled") is not False or "delegated_subnet_id" not in one:
            yield "the database can be reached from anywhere"
    if module.resource["azurerm_postgresql_flexible_server_firewall_rule"]:
        yield "the database lets networks in"


RULES: dict[str, Callable[[Module], Findings]] = {
    "functions": functions,
    "settings": settings,
    "secrets": secrets,
    "roles": roles,
    "accounts": accounts,
    "uploads": uploads,
    "fronts": fronts,
    "database": database,
}
