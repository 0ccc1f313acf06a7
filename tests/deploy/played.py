"""`terraform validate` and `terraform test` where no provider is: before one that is played from names/."""

import json
import os
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from tests.deploy import names, terraform, tree

python = partial(tree.installed, "played/bin/python")
"""Of an environment with grpcio."""

NAMESPACES = {"azapi": "azure"}


def validates(cloud: str, deploy: Path) -> list[str]:
    return _asked(cloud, deploy, "validate", "-no-color")


def tests(cloud: str, deploy: Path) -> list[str]:
    """Plans of each variant; what they would do is mocked by Terraform itself."""
    return _asked(cloud, deploy, "test", "-no-color")


def _asked(cloud: str, deploy: Path, *words: str) -> list[str]:
    folder, command = deploy / "terraform" / cloud, terraform.found()
    assert command
    with ExitStack() as stack, tempfile.TemporaryDirectory(prefix="roliascan-") as place:
        played = {}
        for provider in names.PROVIDERS[cloud]:
            played[f"registry.terraform.io/{NAMESPACES.get(provider, 'hashicorp')}/{provider}"] = stack.enter_context(
                _playing(provider, Path(place, provider))
            )
        extra = {"TF_REATTACH_PROVIDERS": json.dumps(played), "TF_DATA_DIR": f"{place}/data"}
        begun = tree.findings([*command, "init", "-backend=false", "-input=false", "-no-color"], folder, extra)
        return begun or tree.findings([*command, *words], folder, extra)


@contextmanager
def _playing(provider: str, socket: Path) -> Iterator[Mapping[str, Any]]:
    """A provider at work, as Terraform wants to be told of it; it ends with its input."""
    program = [python() or "", Path(__file__).with_name("playing.py"), socket, names.FOLDER / f"{provider}.json"]
    with subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as playing:
        assert playing.stdin
        assert playing.stdout
        assert playing.stdout.readline() == b"plays\n"
        address = {"Network": "unix", "String": str(socket)}
        yield {"Protocol": "grpc", "ProtocolVersion": 5, "Pid": os.getpid(), "Test": True, "Addr": address}
        playing.stdin.close()
        playing.wait()
