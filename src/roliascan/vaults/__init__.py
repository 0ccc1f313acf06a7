"""Secrets that a setting only refers to: where the reference leads is read here, once, when the app is built.

arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME-SUFFIX[:KEY[:STAGE[:VERSION]]]    as in task definitions of ECS
arn:aws:ssm:REGION:ACCOUNT:parameter/NAME[:VERSION]
projects/PROJECT/secrets/NAME[/versions/VERSION]
"""

import re
from collections.abc import Mapping
from importlib import import_module

TIMEOUT_S = 2
"""For connecting to a store, and again for its answer."""

_REFERENCES: Mapping[str, tuple[str, str]] = {
    r"arn:[\w-]+:secretsmanager:([\w-]+):\d+:secret:[\w/+=.@!-]+(:[^:]*){0,3}": ("aws", "secret"),
    r"arn:[\w-]+:ssm:([\w-]+):\d+:parameter/[\w/.-]+(:[\w.-]+)?": ("aws", "parameter"),
    r"projects/[\w:.-]+/secrets/[\w-]+(/versions/[\w-]+)?": ("google", "secret"),
}
"""The forms, and the module here and its function that read them. Each is imported when it is needed."""

_LOOKS_LIKE_ONE = ("arn:", "projects/", "@Microsoft.KeyVault(")


class Unresolved(ValueError):
    """The secret cannot be had. The message says why, and nothing that is secret."""


def resolved(text: str) -> str:
    """The secret to which `text` refers, or `text` where it is none. Raises Unresolved."""
    if not text.startswith(_LOOKS_LIKE_ONE):
        return text
    if text.startswith("@"):
        raise Unresolved("Azure did not resolve this reference; let the function's identity read that secret")
    for form, (module, name) in _REFERENCES.items():
        if re.fullmatch(form, text):
            found: str = getattr(import_module(f"roliascan.vaults.{module}"), name)(text)
            return found.strip()
    raise Unresolved("it refers to a secret in a form that is not known; see docs/configuration.md")


def resolved_address(text: str) -> str:
    """The same for a database's address, in which `?secret=REFERENCE` stands for user and password.

    That secret is JSON with `username` and `password`, as RDS writes it, or the password alone.
    """
    address = resolved(text)
    if address.startswith("{"):
        raise Unresolved("the secret is JSON; write postgresql://HOST/NAME?secret=REFERENCE, and it gives the password")
    head, _, query = address.partition("?")
    parts = query.split("&")
    references = [part.partition("=")[2] for part in parts if part.startswith("secret=")]
    if not references:
        return address
    rest = "&".join(part for part in parts if not part.startswith("secret="))
    return _signed(head, resolved(references[0])) + (f"?{rest}" if rest else "")


def _signed(address: str, secret: str) -> str:
    from urllib.parse import quote

    scheme, _, place = address.partition("://")
    user, _, host = place.rpartition("@")
    known = _members(secret) if secret.startswith("{") else {"password": secret}
    user = quote(known["username"], safe="") if "username" in known else user.partition(":")[0]
    return f"{scheme}://{user}:{quote(known['password'], safe='')}@{host}"


def _members(secret: str) -> dict[str, str]:
    import json

    try:
        told = json.loads(secret)
        return {name: str(told[name]) for name in ("username", "password") if name in ("password", *told)}
    except (ValueError, KeyError):
        raise Unresolved("the secret has to be JSON with username and password, or the password alone") from None


def member(secret: str, key: str) -> str:
    """One member of a secret that is JSON; all of it where `key` is empty. Raises Unresolved."""
    if not key:
        return secret
    import json

    try:
        return str(json.loads(secret)[key])
    except (ValueError, KeyError, TypeError):
        raise Unresolved(f"the secret is not JSON with {key} in it") from None
