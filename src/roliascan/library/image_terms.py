"""What is said of image files: the refusals of those that cannot be taken, and what a header tells."""

from typing import Literal, NamedTuple

from roliascan.errors import Invalid, TooLarge, UnsupportedType

Wish = Literal["nothing", "page", "jpeg"]
"""What to make of an image: nothing; what is kept of a page and beside it; a JPEG."""

ImageType = Literal["image/jpeg", "image/png", "image/webp", "image/gif", "image/avif"]


class NotAnImage(UnsupportedType):
    code = "not_an_image"
    detail = "This file is not an image; send a JPEG, PNG, WebP, GIF or AVIF file."


class UnsupportedImage(UnsupportedType):
    code = "unsupported_image"
    detail = "This kind of image is not supported; save it as JPEG, PNG, WebP, GIF or AVIF."


class ImageDamaged(Invalid):
    code = "image_damaged"
    detail = "This image is damaged or incomplete; save it again and send the new file."


class ImageTooLarge(TooLarge):
    code = "image_too_large"
    detail = "This image is larger than the limit."


class Header(NamedTuple):
    """Width and height are pixels as stored; `pixels` is how many a decoder makes of all frames together."""

    width: int
    height: int
    frames: int
    pixels: int
    turned: bool  # shown a quarter turned


KEPT = "kept"
"""Name of the variant that replaces the file."""


class Variant(NamedTuple):
    """Another size or encoding of an image: its name, what it is, and its bytes."""

    name: str
    type: ImageType
    extension: str
    width: int
    height: int
    content: bytes
