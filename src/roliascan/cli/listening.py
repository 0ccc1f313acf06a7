"""The server that `roliascan serve` becomes: apart from the commands, because its processes load this module too."""

import os

from roliascan.platforms import serving
from roliascan.settings import Settings


def main() -> None:
    """Serves until SIGTERM or SIGINT, and says where once it listens."""
    found = Settings.from_environ(os.environ)
    try:
        serving.serve(host=found.host, port=found.port, ready=lambda: _tell(found.public_url))
    except serving.CannotListen as error:
        raise SystemExit(f"roliascan: {error}") from None


def _tell(address: str) -> None:
    print(f"\nRoliaScan serves on {address}\nThe API is described on {address}/docs\nStop it with Ctrl-C.", flush=True)


if __name__ == "__main__":
    main()
