"""Single files over HTTP: covers, and what else is linked to."""

from roliascan.errors import Invalid, Problem
from roliascan.library import filing
from roliascan.library.filing import StoredFile
from roliascan.library.keeping import Upload
from roliascan.web import forms
from roliascan.web.calls import Call, Created

FIELD = "file"


def add(call: Call) -> Created[StoredFile]:
    """Takes in one file: an image, or a PDF. Everybody who has its address can read it; a PDF is only handed out.

    In a form (multipart/form-data), in the field `file`. An image can become the cover of a series, by its identifier
    as `coverId`: from then on it is seen by those who see the series.
    """
    added = filing.add(
        call.db,
        call.storage,
        person=call.person,
        uploads=(_upload(call, part, place) for place, part in enumerate(forms.parts(call.req))),
        max_bytes=call.settings.max_file_size,
        address_of=call.address_of,
        now=call.now,
    )
    return Created(added, added.url, below_api=False)


def _upload(call: Call, part: forms.Part, place: int) -> Upload:
    if part.field != FIELD:
        raise Invalid(Problem(part.field, f"is not known here; send one file, in the field {FIELD}"))
    if place:
        raise Invalid(Problem(FIELD, "is here twice; send one file at a time"))
    call.limit("upload", call.person.id)
    return Upload(part.field, None, part.source, part.name)
