"""Where files are kept in the long runs: a folder, RADOS Gateway and Azurite, as far as they are here."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path

from tests.faults.mortal import Place
from tests.servers import azurite, radosgw

Storage = Callable[[Path, str], Place]
"""An empty place over a database, with a folder for what needs one."""

_prefixes = count(1)


def local(folder: Path, database_url: str) -> Place:
    return Place(database_url, f"file:{folder}/uploads", {})


@contextmanager
def storages() -> Iterator[dict[str, Storage]]:
    """By name; what is not installed is said to be left out."""
    with ExitStack() as stack:
        found: dict[str, Storage] = {"local": local}
        if radosgw.found():
            found["radosgw"] = _radosgw(radosgw.awaited(stack.enter_context(radosgw.starting())).address)
        if azurite.found():
            found["azurite"] = _azurite(stack.enter_context(azurite.running()))
        for name in {"radosgw", "azurite"} - found.keys():
            print(f"Without {name}, which is not here")
        yield found


def _radosgw(address: str) -> Storage:
    radosgw.client(address).create_bucket(Bucket="faults")

    def place(_: Path, database_url: str) -> Place:
        where = f"s3://faults/p{next(_prefixes)}?region=us-east-1&endpoint={address}"
        return Place(database_url, where, radosgw.CREDENTIALS)

    return place


def _azurite(endpoint: str) -> Storage:
    azurite.client(endpoint).create_container("faults")

    def place(_: Path, database_url: str) -> Place:
        where = f"az://{azurite.ACCOUNT}/faults/p{next(_prefixes)}?endpoint={endpoint}"
        return Place(database_url, where, {"AZURE_STORAGE_KEY": azurite.KEY})

    return place
