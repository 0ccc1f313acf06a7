"""Azure Functions, a function app of its own: `POST /migrate` with one of its keys migrates."""

import azure.functions as func
import msgspec

from roliascan.platforms import migrating


def migrate(req: func.HttpRequest) -> func.HttpResponse:  # noqa: ARG001 (by this name Azure passes it)
    """200 with the revisions, 500 with a code and words."""
    try:
        return _json(200, migrating.run())
    except migrating.MigrationFailed as failed:
        return _json(500, {"code": failed.code, "detail": failed.detail})


def _json(status: int, told: dict[str, object]) -> func.HttpResponse:
    return func.HttpResponse(msgspec.json.encode(told), status_code=status, mimetype="application/json")


app = func.FunctionApp(http_auth_level=func.AuthLevel.FUNCTION)
app.route(route="migrate", methods=["POST"])(migrate)
