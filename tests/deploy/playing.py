"""Plays a provider of Terraform that knows names and types and nothing else; runs in an environment with grpcio.

    python playing.py SOCKET NAMES.json

Terraform finds it by TF_REATTACH_PROVIDERS and asks by its protocol 5 (docs/plugin-protocol in hashicorp/terraform), of
which this speaks what `validate` needs, and `test` where providers are mocked: the schema, and no objection.
"""

import json
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc  # type: ignore[import-untyped, unused-ignore]

SINGLE, LIST = 1, 2
PROVIDER, RESOURCE, DATA = 1, 2, 3


def schema(about: Mapping[str, Any]) -> bytes:
    results = [_attribute(name, type_, computed=True) for name, type_ in about["results"].items()]
    return _bytes(2, _block(about["arguments"], b"".join(_bytes(2, one) for one in results), top=True))


def _block(arguments: Mapping[str, Any], more: bytes = b"", *, top: bool = False) -> bytes:
    told = [more]
    for name, (needed, about, *many) in arguments.items():
        if isinstance(about, dict):
            single = name == "timeouts"
            most = 0 if many or single else 1
            nesting = _number(3, SINGLE if single else LIST) + _number(4, needed) + _number(5, most)
            told.append(_bytes(3, _bytes(1, name.encode()) + _bytes(2, _block(about)) + nesting))
        else:
            made = top and not needed and not name.endswith("_wo")
            told.append(_bytes(2, _attribute(name, about, needed=needed, optional=not needed, computed=made)))
    return b"".join(told)


def _attribute(name: str, type_: Any, *, needed: bool = False, optional: bool = False, computed: bool = False) -> bytes:
    how = _number(4, needed) + _number(5, optional) + _number(6, computed) + _number(10, name.endswith("_wo"))
    return _bytes(1, name.encode()) + _bytes(2, json.dumps(type_).encode()) + how


def _number(field: int, value: int) -> bytes:
    """As protocol buffers write it: a field that is 0 is left out."""
    return _varint(field << 3) + _varint(value) if value else b""


def _bytes(field: int, value: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(value)) + value


def _varint(value: int) -> bytes:
    head, rest = value & 127, value >> 7
    return bytes([head | 128]) + _varint(rest) if rest else bytes([head])


class _Asked(grpc.GenericRpcHandler):  # type: ignore[misc]
    def __init__(self, schemas: bytes) -> None:
        self._schemas = schemas

    def service(self, details: Any) -> Any:
        """Every question but that for the schemas has the empty answer: nothing is wrong."""
        service, _, method = details.method.rpartition("/")
        if service != "/tfplugin5.Provider" or method == "GetMetadata":
            return None
        answer = self._schemas if method == "GetSchema" else b""
        return grpc.unary_unary_rpc_method_handler(lambda _request, _context: answer)


def _schemas(names: Mapping[str, Any]) -> bytes:
    told = [_bytes(PROVIDER, schema({**names["provider"], "results": {}}))]
    for type_, about in names.items():
        if type_ != "provider":
            entry = _bytes(1, type_.removeprefix("data.").encode()) + _bytes(2, schema(about))
            told.append(_bytes(DATA if type_.startswith("data.") else RESOURCE, entry))
    return b"".join(told)


if __name__ == "__main__":
    socket, file = sys.argv[1:]
    served = grpc.server(ThreadPoolExecutor(4), handlers=[_Asked(_schemas(json.loads(Path(file).read_text())))])
    served.add_insecure_port(f"unix:{socket}")
    served.start()
    print("plays", flush=True)
    sys.stdin.read()  # until who started it is gone
