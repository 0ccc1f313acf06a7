"""The OpenAPI document and the readable documentation made from it."""

from importlib import resources

from roliascan.web.calls import Call

FROZEN = "openapi.json"
"""The document in a function's package, beside this module: `roliascan package` makes it, so that no start has to."""


def openapi(call: Call) -> None:
    """The API as OpenAPI 3.1, the published truth."""
    call.resp.content_type = "application/json"
    call.resp.data = document_bytes()


def docs(call: Call) -> None:
    """This documentation, in one page that loads nothing from elsewhere."""
    from roliascan.web import reference

    call.resp.content_type = "text/html; charset=utf-8"
    call.resp.set_header("Content-Security-Policy", reference.policy())
    call.resp.data = reference.page()


def document_bytes() -> bytes:
    """The document as JSON: the frozen one, or where there is none, as in a clone, one that is made now."""
    try:
        return resources.files("roliascan.web").joinpath(FROZEN).read_bytes()
    except FileNotFoundError:
        from roliascan.web import openapi

        return openapi.document_bytes()
