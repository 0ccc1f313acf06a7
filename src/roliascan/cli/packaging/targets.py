"""What each platform wants in an archive, and where it unpacks it."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

MACHINES = {"arm64": "aarch64", "x86_64": "x86_64"}
"""Architectures, as the platforms call them and as wheels do."""


class Target(NamedTuple):
    """A platform."""

    arches: tuple[str, ...]
    """The architectures of its functions; the first when nobody asks for another."""
    root: str
    """Where it unpacks the archive. Byte code names it, so that a trace tells where a file is."""
    packages: str | None
    """The folder of the archive for what pip installs; None where the platform itself installs requirements.txt."""
    own: str
    """The folder of the archive for our code."""
    locks: tuple[str, ...] = ()
    """The lock files in requirements/ that it needs beside runtime.txt or migrations.txt."""
    files: Mapping[str, str] = MappingProxyType({})
    """Small files of the archive, by path."""
    migrating: Mapping[str, str] = MappingProxyType({})
    """The same, instead of `files`, for the function that migrates."""


_HOST = '{"version": "2.0", "extensions": {"http": {"routePrefix": ""}}}\n'
_SITE_PACKAGES = ".python_packages/lib/site-packages"

TARGETS = {
    "aws": Target(arches=("arm64", "x86_64"), root="/var/task", packages=".", own="."),
    # Google's build installs what requirements.txt names, checks the hashes, and compiles it.
    "google": Target(
        arches=("x86_64",),
        root="/workspace",
        packages=None,
        own=".",
        locks=("google",),
        files={
            "main.py": 'from roliascan.platforms.google_functions import sweep, web\n\n__all__ = ["sweep", "web"]\n'
        },
        migrating={"main.py": 'from roliascan.platforms.google_migrations import migrate\n\n__all__ = ["migrate"]\n'},
    ),
    "azure": Target(
        arches=("x86_64",),
        root="/home/site/wwwroot",
        packages=_SITE_PACKAGES,
        own=_SITE_PACKAGES,
        locks=("azure",),
        files={
            "host.json": _HOST,
            "function_app.py": 'from roliascan.platforms.azure_functions import app\n\n__all__ = ["app"]\n',
        },
        migrating={
            "host.json": _HOST,
            "function_app.py": 'from roliascan.platforms.azure_migrations import app\n\n__all__ = ["app"]\n',
        },
    ),
}


class Order(NamedTuple):
    """What to build: for a platform, an architecture and a Python such as `3.13`; the site, or what migrates."""

    platform: str
    arch: str
    python: str
    migrations: bool

    @property
    def target(self) -> Target:
        return TARGETS[self.platform]

    @property
    def machine(self) -> str:
        return MACHINES[self.arch]

    @property
    def locks(self) -> tuple[str, ...]:
        return ("migrations" if self.migrations else "runtime", *self.target.locks)

    @property
    def files(self) -> Mapping[str, str]:
        return self.target.migrating if self.migrations else self.target.files
