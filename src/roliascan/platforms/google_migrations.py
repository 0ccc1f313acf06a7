"""Google Cloud Functions and Cloud Run by functions-framework; the target is `migrate`.

Deployed without public access, as `sweep` is: Google's front end lets nobody call it but who has the role Cloud Run
Invoker.
"""

import msgspec
from flask import Request, Response

from roliascan.platforms import migrating


def migrate(request: Request) -> Response:
    """200 with the revisions, 500 with a code and words; a GET, as a check of life sends it, does nothing."""
    if request.method != "POST":
        return _json(405, {"code": "method_not_allowed", "detail": "POST migrates."})
    try:
        return _json(200, migrating.run())
    except migrating.MigrationFailed as failed:
        return _json(500, {"code": failed.code, "detail": failed.detail})


def _json(status: int, told: dict[str, object]) -> Response:
    return Response(msgspec.json.encode(told), status, mimetype="application/json")
