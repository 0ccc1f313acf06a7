"""JSON schemas (2020-12, as OpenAPI 3.1 uses them) of what people send and get, made from the structs."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, get_args

import msgspec

from roliascan.library.image_terms import ImageType
from roliascan.library.shapes import ContentRating, Direction, SeriesType, State, Status
from roliascan.people.permissions import ROLES
from roliascan.web.fields import Id

Schema = dict[str, Any]
AT = "#/components/schemas/"

_INTERNAL = {"sort_key", "total"}  # of paging.Listed, unset before a list is written
_ID_PATTERN = get_args(Id)[1].pattern
_ROLE = {"enum": list(ROLES)}
_IN_TEAM = {"enum": ["leader", "member"]}
_SERIES_TYPE = {"enum": list(get_args(SeriesType))}
_STATUS = {"enum": list(get_args(Status))}
_IMAGE_TYPE = {"enum": list(get_args(ImageType))}
_FILE_TYPE = {"enum": [*get_args(ImageType), "application/pdf"]}
_NUMBER = {"minimum": 0, "maximum": 999999.999, "description": "With at most 3 decimals; null where a label stands."}
_FILE = {"format": "uri-reference", "description": "Below this site or, when it starts with a scheme, elsewhere."}
_ID = {"format": "uuid"}
_EMAIL = {"format": "email", "description": "Unique without regard to case and look-alike letters."}
_PASSWORD = {"format": "password", "description": "8 to 1,024 bytes of UTF-8."}

_KNOWN: Mapping[str, Schema] = {
    "Account.role": _ROLE,
    "AccountChange.email": _EMAIL,
    "AccountChange.password": _PASSWORD,
    "AuditEntry.details": {"description": "What the name of the act leaves open."},
    "AuditEntry.hash": {"description": "Over this entry and `previousHash`: SHA-256, in hex."},
    "AuditEntry.sequence": {"description": "From 1, without gaps."},
    "Chapter.number": _NUMBER,
    "ChapterDraft.number": _NUMBER,
    "ChapterItem.number": _NUMBER,
    "ChapterPage.bytes": {"description": "The size of the file."},
    "ChapterPage.height": {"description": "In pixels, as shown."},
    "ChapterPage.number": {"description": "From 1; numbers may have gaps."},
    "ChapterPage.type": _IMAGE_TYPE,
    "ChapterPage.url": _FILE,
    "ChapterPage.width": {"description": "In pixels, as shown."},
    "Credentials.login": {"description": "An e-mail address or a username."},
    "Me.role": _ROLE,
    "Member.role": _IN_TEAM,
    "Membership.role": _IN_TEAM,
    "Neighbour.number": _NUMBER,
    "NewSeries.direction": {"description": "Where it is absent: rtl for manga, ttb for manhwa and webtoon, else ltr."},
    "PageInfo.limit": {"description": "As it was asked for."},
    "PageInfo.next": {"description": "Send it as `cursor` for the next page; null at the end."},
    "PageInfo.number": {"description": "Of this page, from 1; null after a cursor."},
    "PageInfo.total": {"description": "Of the whole list; null where it would have to be counted."},
    "PublicPerson.role": _ROLE,
    "Rating.average": {"description": "The mean of all ratings, with three decimals; null while there is none."},
    "Rating.count": {"description": "How many people have rated it."},
    "Rating.rating": {"description": "Yours; null while there is none."},
    "Registration.email": _EMAIL,
    "Registration.password": _PASSWORD,
    "Registration.username": {"description": "Letters, digits, `_`, `-` and `.`; unique as the address is."},
    "SentRating.rating": {"description": "1 is the least."},
    "Series.status": _STATUS,
    "Series.type": _SERIES_TYPE,
    "SeriesItem.status": _STATUS,
    "SeriesItem.type": _SERIES_TYPE,
    "StoredFile.bytes": {"description": "The size of the file."},
    "StoredFile.height": {"description": "In pixels, as shown; null for what is no image."},
    "StoredFile.name": {"description": "What its sender called it, made safe."},
    "StoredFile.type": _FILE_TYPE,
    "StoredFile.url": _FILE,
    "StoredFile.width": {"description": "In pixels, as shown; null for what is no image."},
    "AnnouncedFile.name": {"description": "What you call it; it is kept as a label only."},
    "AnnouncedFile.sha256": {"description": "The SHA-256 of its bytes, in lower-case hex."},
    "AnnouncedFile.size": {"description": "In bytes."},
    "Target.chapterId": _ID,
    "Target.seriesId": _ID,
    "Tickets.session": _ID,
    "Upload.fileId": {**_ID, "description": "The file that it became: of a page, its identifier; null before."},
    "Upload.page": {"description": "The page that it asks for; null to be appended."},
    "Upload.session": _ID,
    "Upload.sha256": {"description": "In lower-case hex."},
    "Upload.size": {"description": "In bytes."},
    "Upload.state": {"enum": ["waiting", "complete"]},
    "Upload.type": _FILE_TYPE,
    "Upload.url": {**_FILE, "description": "Where it is, once its session is committed."},
    "UploadSession.missing": {"items": {"type": "string", "format": "uuid"}},
    "UploadSession.state": {"enum": ["open", "committed", "abandoned"]},
    "UploadTicket.done": {"description": "True for what is complete already; then there is nothing to send."},
    "UploadTicket.fields": {
        "description": "Instead of `headers`: send a form (multipart/form-data) of these, then the file as `file`."
    },
    "UploadTicket.headers": {"description": "Send the file with these."},
    "UploadTicket.method": {"enum": ["PUT", "POST"]},
    "UploadTicket.page": {"description": "The page that it asks for; null to be appended."},
    "UploadTicket.url": {**_FILE, "description": "Where to send the file: below this site, or elsewhere."},
    "User.bannedUntil": {"description": "The end of a ban; null where it has none."},
    "User.granted": {"description": "Permissions on top of those of the role."},
    "User.isBanned": {"description": "Right now."},
    "User.permissions": {"description": "All that they may do now, by role and by what was granted."},
    "User.role": _ROLE,
    "UserChange.bannedUntil": {"description": "In the future, at most 100 years ahead; null is for ever."},
    "Variant.type": _IMAGE_TYPE,
    "Variant.url": _FILE,
    "contentRating": {"enum": list(get_args(ContentRating))},
    "cover": {"format": "uri-reference", "description": "The address of the cover image, as that of a page."},
    "coverId": {"description": "An image that you sent to `/files`."},
    "currentPassword": {"format": "password"},
    "direction": {"enum": list(get_args(Direction))},
    "language": {"description": "A language tag (BCP 47) such as `en` or `pt-BR`; `und` where it is not known."},
    "placeholder": {"description": "The mean colour, `#rrggbb`, to show until the image is there."},
    "rating": {"description": "The mean of all ratings, 1 to 10; null while there is none."},
    "state": {"enum": list(get_args(State))},
    "teamIds": {"description": "The teams that it belongs to; you must be in those that you add."},
    "version": {"description": "Goes up with every change; send it as `If-Match` with yours."},
    "wide": {"description": "A spread: wider than high."},
}
"""What types do not tell of a property, by its name or by `Schema.name`, the nearest of which counts.

A row of the database is built without validation, so its struct says `str` where only some texts can be.
"""


def components(types: Sequence[Any]) -> tuple[list[Schema], dict[str, Schema]]:
    """A schema for each of `types`, and those that they refer to by name, in the order of their names."""
    raw, named = msgspec.json.schema_components(types, ref_template=AT + "{name}")
    return [_tidied(one) for one in raw], {_name(name): _of_struct(_name(name), named[name]) for name in sorted(named)}


def of_query(struct: type[msgspec.Struct]) -> Schema:
    """The schema of a query string's struct, where null cannot be sent."""
    name = struct.__name__
    schema = _of_struct(name, msgspec.json.schema(struct)["$defs"][name])
    return {**schema, "properties": {key: _sent(value) for key, value in schema["properties"].items()}}


def _name(name: str) -> str:
    """`Page_SeriesItem_`, as msgspec writes `Page[SeriesItem]`, as people would."""
    return re.sub(r"^(\w+?)_(\w+)_$", r"\1Of\2", name)


def _of_struct(name: str, raw: Schema) -> Schema:
    schema: Schema = {key: value for key, value in _tidied(raw).items() if key != "title" and value != []}
    if schema["properties"].keys() >= _INTERNAL:
        schema["properties"] = {key: value for key, value in schema["properties"].items() if key not in _INTERNAL}
        schema["required"] = [key for key in schema["required"] if key not in _INTERNAL]
    for key, value in schema["properties"].items():
        value |= _meaning(key) | _KNOWN.get(f"{name}.{key}", _KNOWN.get(key, {})) | _own(value)
    return schema


def _own(schema: Schema) -> Schema:
    """What a type did tell of itself goes before what its name tells."""
    return {key: schema[key] for key in ("enum", "description") if key in schema}


def _meaning(name: str) -> Schema:
    if name == "id":
        return {"format": "uuid"}
    return {"format": "date-time"} if name == "at" or name.endswith("At") else {}


def _tidied(raw: Any) -> Any:
    """With references by our names, `anyOf` of plain types as one list of types, and types where there is an enum."""
    if isinstance(raw, list):
        return [_tidied(one) for one in raw]
    if not isinstance(raw, dict):
        return raw
    schema = {key: _tidied(value) for key, value in raw.items()}
    if "$ref" in schema:
        return {"$ref": AT + _name(schema["$ref"].removeprefix(AT))}
    if "enum" in schema:
        return {"type": "string", **schema}
    if schema.get("pattern") == _ID_PATTERN:
        return {"type": "string", "format": "uuid"}
    return _merged(schema) if "anyOf" in schema else schema


def _merged(schema: Schema) -> Schema:
    """`anyOf` a type and null (or an integer and a number) as one schema with a list of types."""
    branches = [
        one for one in schema["anyOf"] if not (one == {"type": "integer"} and {"type": "number"} in schema["anyOf"])
    ]
    if any("$ref" in one for one in branches) or len(branches) != 2 or branches[1] != {"type": "null"}:
        return schema
    first = branches[0]
    rest = {key: value for key, value in schema.items() if key != "anyOf"}
    values = {"enum": [*first["enum"], None]} if "enum" in first else {}
    return {**first, "type": [first["type"], "null"], **values, **rest}


def _sent(schema: Schema) -> Schema:
    """As text in a query: absent rather than null."""
    sent = {key: value for key, value in schema.items() if not (key == "default" and value is None)}
    if isinstance(sent["type"], list):
        sent["type"] = sent["type"][0]
    if "enum" in sent:
        sent["enum"] = [value for value in sent["enum"] if value is not None]
    return sent
