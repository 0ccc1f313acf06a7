"""The parts of a test run that a machine may lack: which there are, which are hidden, which are up and where."""

import os
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import NamedTuple

import pytest

from tests.servers import (
    aws_lambda,
    azurite,
    chromium,
    databases,
    gcs,
    mariadb,
    nginx,
    pgbouncer,
    postgresql,
    postgresql16,
    radosgw,
    serverless_offline,
    statements,
    uploadthing,
)


class Part(NamedTuple):
    """Something to test against: how to find it, and how it gets here."""

    found: Callable[[], object]
    install: str


TEST_ALL = os.environ.get("TEST_ALL") == "1"
LONG = pytest.mark.skipif(not TEST_ALL, reason="TEST_ALL=1")
"""For what takes long, of which others look at the parts."""
PARTS = {
    "postgresql": Part(postgresql.found, "apt-get install postgresql"),
    "mariadb": Part(mariadb.found, "apt-get install mariadb-server"),
    "pgbouncer": Part(pgbouncer.found, "apt-get install pgbouncer"),
    "nginx": Part(nginx.found, "apt-get install nginx-light libfaketime"),
    "radosgw": Part(radosgw.found, "apt-get install radosgw ceph-mon ceph-osd ceph-common"),
    "azurite": Part(azurite.found, "Node and make .tools/azurite"),
    "gcs": Part(gcs.found, "make setup"),
    "uploadthing": Part(uploadthing.found, "Node and make .tools/uploadthing"),
    "lambda": Part(aws_lambda.found, "make .tools/aws-lambda-rie"),
    "chromium": Part(chromium.found, "apt-get install chromium"),
}
OF_PARITY = {"serverless": Part(serverless_offline.found, "Node 20 and make .serverless")}
"""What `make parity` needs besides, and of the tests only those of `make test-all`."""
if TEST_ALL:
    PARTS |= {"postgresql16": Part(postgresql16.found, "make .postgresql16"), **OF_PARITY}
HIDEABLE = {*PARTS, *OF_PARITY, "postgresql16"}
STORAGE_SERVERS = {"azurite": azurite.running, "gcs": gcs.running}
DATABASE_SERVERS = {
    "postgresql": postgresql.running,
    "postgresql16": postgresql16.running,
    "mariadb": mariadb.running,
}


def hidden() -> set[str]:
    """The parts that TEST_WITHOUT hides. Raises pytest.UsageError for a name that is none."""
    names = {name.strip() for name in os.environ.get("TEST_WITHOUT", "").split(",")} - {""}
    if unknown := names - HIDEABLE:
        raise pytest.UsageError(f"TEST_WITHOUT: no part is called {', '.join(sorted(unknown))}; {_choice()}")
    return names


def _choice() -> str:
    return "there are " + ", ".join(sorted(HIDEABLE))


def missing(name: str) -> str | None:
    """Why this part cannot be tested here, in a few words, or None when it can."""
    if name in hidden():
        return f"{name} (hidden by TEST_WITHOUT)"
    part = {**PARTS, **OF_PARITY}[name]
    return None if part.found() else f"{name} (not here: {part.install})"


def refuse_gaps(needed: Collection[str]) -> None:
    """With CI=true raises pytest.UsageError when a needed part is missing, hidden or not: CI proves it all."""
    gaps = [reason for name in (*PARTS, *OF_PARITY) if name in needed and (reason := missing(name))]
    if gaps and os.environ.get("CI") == "true":
        raise pytest.UsageError(f"CI=true and missing: {'; '.join(gaps)}")


def require(name: str) -> str:
    """The address of a part that `up` started. Skips the test when the part is missing."""
    if reason := missing(name):
        pytest.skip(reason)
    return os.environ.get(_variable(name), "")


@contextmanager
def up(needed: Collection[str]) -> Iterator[None]:
    """Start the needed database servers, side by side, and tell their addresses to this process and its children."""
    with ExitStack() as stack:
        there = [name for name in PARTS if name in needed and not missing(name)]
        servers = {name: running() for name, running in DATABASE_SERVERS.items() if name in there}
        if "radosgw" in there:
            _enter(stack, {"radosgw": radosgw.starting()})
        servers |= {name: running() for name, running in STORAGE_SERVERS.items() if name in there}
        _enter(stack, servers)
        if "pgbouncer" in there and "postgresql" in there:
            _enter(stack, {"pgbouncer": pgbouncer.running(require("postgresql"))})
        yield


def minded() -> dict[str, set[str]]:
    """What the servers that are up were told on behalf of the service, and should not have been."""
    addresses = [address for name in DATABASE_SERVERS if (address := os.environ.get(_variable(name)))]
    return statements.minded(one for address in addresses for one in statements.heard(databases.directory(address)))


def _enter(stack: ExitStack, servers: Mapping[str, AbstractContextManager[str]]) -> None:
    with ThreadPoolExecutor() as pool:
        addresses = list(pool.map(stack.enter_context, servers.values()))
    os.environ.update(zip(map(_variable, servers), addresses, strict=True))


def _variable(name: str) -> str:
    return f"TEST_SERVER_{name.upper()}"
