"""Print the API as OpenAPI 3.1."""

import argparse
import sys

from roliascan.web import openapi


def arguments(parser: argparse.ArgumentParser) -> None:
    del parser  # takes none


def run(_args: argparse.Namespace) -> int:
    sys.stdout.write(openapi.document_bytes().decode() + "\n")
    return 0
