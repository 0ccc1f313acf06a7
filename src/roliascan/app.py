"""The only place where the parts meet: settings, database, storage, clock and routes become one WSGI app (PEP 3333)."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from roliascan import errors
from roliascan.database import Database, open_database
from roliascan.database.schema import Gate
from roliascan.settings import Settings
from roliascan.storage import Storage, open_storage
from roliascan.web import answers
from roliascan.web.bodies import MOST_FILES
from roliascan.web.calls import Parts
from roliascan.web.lean import falcon
from roliascan.web.responders import Envelope, add_routes


def _now() -> datetime:
    return datetime.now(UTC)


def create_app(
    settings: Settings,
    *,
    database: Database | None = None,
    storage: Storage | None = None,
    clock: Callable[[], datetime] = _now,
) -> "falcon.App[Any, Any]":
    """The app of these settings. Nothing is connected before the first request that needs it."""
    db = database or open_database(settings.database_url, pool_size=settings.database_pool)
    parts = Parts(
        settings=settings,
        db=db,
        storage=storage or open_storage(settings.storage_url),
        clock=clock,
        gate=Gate(db),
        files_at=f"{settings.image_url or (settings.public_url if settings.public_url_given else '')}/uploads/",
    )
    app: falcon.App[Any, Any] = falcon.App(middleware=[Envelope(parts)])
    app.req_options.strip_url_path_trailing_slash = True
    app.req_options.media_handlers[falcon.MEDIA_MULTIPART] = _forms()
    app.add_error_handler(Exception, answers.crashed)
    app.add_error_handler(falcon.HTTPError, answers.falcon_refused)
    app.add_error_handler(errors.Refusal, answers.refused)
    add_routes(app, parts)
    return app


def _forms() -> falcon.media.MultipartFormHandler:
    """Falcon would end a form at 64 parts; the handler refuses one too many by name."""
    handler = falcon.media.MultipartFormHandler()
    handler.parse_options.max_body_part_count = MOST_FILES + 1
    return handler
