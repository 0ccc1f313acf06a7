"""The OpenAPI document and the readable documentation made from it."""

from roliascan.web.calls import Call


def openapi(call: Call) -> None:
    """The API as OpenAPI 3.1, the published truth."""
    from roliascan.web import openapi

    call.resp.content_type = "application/json"
    call.resp.data = openapi.document_bytes()


def docs(call: Call) -> None:
    """This documentation, in one page that loads nothing from elsewhere."""
    from roliascan.web import reference

    call.resp.content_type = "text/html; charset=utf-8"
    call.resp.set_header("Content-Security-Policy", reference.policy())
    call.resp.data = reference.page()
