"""The only place where the parts meet: settings, database, storage, clock and routes become one WSGI app (PEP 3333)."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from roliascan import errors
from roliascan.database import Database, open_database
from roliascan.database.schema import Gate
from roliascan.settings import BadSettings, Settings
from roliascan.storage import AddressOf, Storage, open_storage
from roliascan.web import reads
from roliascan.web.calls import Parts
from roliascan.web.routes import UPLOADTHING_CALLS

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

    from roliascan.tracing import Traces
    from roliascan.web.lean import falcon


def _now() -> datetime:
    return datetime.now(UTC)


def create_app(
    settings: Settings,
    *,
    database: Database | None = None,
    storage: Storage | None = None,
    clock: Callable[[], datetime] = _now,
    traces: "Traces | None" = None,
) -> "WSGIApplication":
    """The app of these settings. Nothing is connected before the first request that needs it.

    Reads for everybody are answered without the framework, which is loaded for the first request that needs it.
    """
    parts = put_together(settings, database=database, storage=storage, clock=clock, traces=traces)
    app = reads.first(parts, cache(lambda: framed(parts)))
    return traces.answering(app) if traces else app


def traces_of(settings: Settings) -> "Traces | None":
    """What makes traces in this process, where that is asked for. Raises BadSettings."""
    if not settings.traces:
        return None
    from roliascan import tracing  # half a cold start

    try:
        return tracing.begin(settings)
    except ValueError as error:  # of a variable that only the SDK reads
        raise BadSettings([f"OTEL_*: one of OpenTelemetry's own settings cannot be used: {error}"]) from None


@contextmanager
def spanning(traces: "Traces | None", name: str) -> Iterator[None]:
    """Around the one thing that a process does, where there are traces; exports them."""
    if traces is None:
        yield
        return
    try:
        with traces.spanning(name):
            yield
    finally:
        traces.close()


def opened(settings: Settings, traces: "Traces | None" = None) -> Database:
    """The database of these settings; nothing is connected yet. Raises BadAddress."""
    return open_database(
        settings.database_url,
        pool_size=settings.database_pool,
        again=settings.database_url_again,
        around=traces.connecting if traces else None,
    )


def storage_of(settings: Settings, traces: "Traces | None" = None) -> Storage:
    """The storage of these settings; nothing is asked yet. Raises UnknownStorage."""
    storage = open_storage(
        settings.storage_url,
        azure_key=settings.azure_storage_key,
        uploadthing_token=settings.uploadthing_token,
        calls_at=f"{settings.public_url}{UPLOADTHING_CALLS}" if settings.public_url_given else "",
    )
    return traces.storing(storage) if traces else storage


def put_together(
    settings: Settings,
    *,
    database: Database | None = None,
    storage: Storage | None = None,
    clock: Callable[[], datetime] = _now,
    traces: "Traces | None" = None,
) -> Parts:
    """What every request is answered with. A `database` and a `storage` that are given make spans if they are to."""
    db = database or opened(settings, traces)
    return Parts(
        settings=settings,
        db=db,
        storage=storage or storage_of(settings, traces),
        clock=clock,
        gate=Gate(db),
        address_of=_address_of(settings),
    )


def _address_of(settings: Settings) -> AddressOf:
    """An object storage is read past us, where IMAGE_URL or UploadThing say; all else is our `/uploads/`."""
    if settings.upload_method == "cdn":
        from roliascan.storage import uploadthing

        return uploadthing.addresses(settings.storage_url, settings.uploadthing_token, images_at=settings.image_url)
    if settings.in_object_storage and settings.image_url:
        return f"{settings.image_url}/".__add__
    site = settings.image_url or (settings.public_url if settings.public_url_given else "")
    return f"{site}/uploads/".__add__


def framed(parts: Parts) -> "falcon.App[Any, Any]":
    """All routes, in the framework."""
    from roliascan.web import answers
    from roliascan.web.bodies import MOST_FILES
    from roliascan.web.lean import falcon
    from roliascan.web.responders import Envelope, add_routes

    app: falcon.App[Any, Any] = falcon.App(middleware=[Envelope(parts)])
    app.req_options.strip_url_path_trailing_slash = True
    forms = falcon.media.MultipartFormHandler()
    forms.parse_options.max_body_part_count = MOST_FILES + 1  # the handler refuses one too many by name
    app.req_options.media_handlers[falcon.MEDIA_MULTIPART] = forms
    app.add_error_handler(Exception, answers.raised)
    app.add_error_handler(falcon.HTTPError, answers.falcon_refused)
    app.add_error_handler(errors.Refusal, answers.raised)
    add_routes(app, parts)
    return app
