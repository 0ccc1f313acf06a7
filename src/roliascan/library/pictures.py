"""Pictures as they are seen: upright, in colours that encoders know. Runs within the process that decodes."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image

_ORIENTATION = 0x0112  # of EXIF, TIFF 6.0


def upright(image: "Image") -> "Image":
    """Turned as its file says: by EXIF in a JPEG or PNG, `irot` and `imir` in an AVIF, which Pillow tells as EXIF."""
    from PIL.Image import Transpose

    turns = {
        2: Transpose.FLIP_LEFT_RIGHT,
        3: Transpose.ROTATE_180,
        4: Transpose.FLIP_TOP_BOTTOM,
        5: Transpose.TRANSPOSE,
        6: Transpose.ROTATE_270,
        7: Transpose.TRANSVERSE,
        8: Transpose.ROTATE_90,
    }
    turn = turns.get(image.getexif().get(_ORIENTATION, 1))
    return image if turn is None else image.transpose(turn)


def plain(image: "Image") -> "Image":
    """In mode L, RGB, RGBA or CMYK, with the same colours; RGBA only where something is transparent."""
    if image.has_transparency_data and image.mode != "I;16":
        translucent = image if image.mode == "RGBA" else image.convert("RGBA")
        is_opaque = translucent.getchannel("A").getextrema() == (255, 255)
        return translucent.convert("RGB") if is_opaque else translucent
    if image.mode in ("L", "RGB", "CMYK"):
        return image
    if image.mode == "I;16":
        return high_bytes(image)
    return image.convert("L" if image.mode == "1" else "RGB")


def high_bytes(image: "Image") -> "Image":
    """Of mode I;16, as 8 bits; convert would clip."""
    from PIL.Image import frombytes

    return frombytes("L", image.size, image.tobytes()[1::2])


def in_srgb(picture: "Image", profile: bytes | None) -> "Image":
    """In mode L, RGB or RGBA. Where the profile cannot be applied, as if there were none."""
    if profile:
        try:
            return _converted(picture, profile)
        except MemoryError:
            raise
        except Exception:  # noqa: S110 - profiles are as hostile as images, and wrong more often
            pass
    return picture.convert("RGB") if picture.mode == "CMYK" else picture


def _converted(picture: "Image", profile: bytes) -> "Image":
    from io import BytesIO

    from PIL import ImageCms

    source = ImageCms.ImageCmsProfile(BytesIO(profile))
    if "sRGB" in ImageCms.getProfileDescription(source) and picture.mode != "CMYK":
        return picture
    mode = "RGBA" if picture.mode == "RGBA" else "RGB"
    intent = ImageCms.Intent.RELATIVE_COLORIMETRIC  # as browsers do
    flags = ImageCms.Flags.BLACKPOINTCOMPENSATION
    converted = ImageCms.profileToProfile(
        picture, source, ImageCms.createProfile("sRGB"), intent, outputMode=mode, flags=flags
    )
    return converted or picture


def on_white(picture: "Image") -> "Image":
    """Without transparency, in mode L or RGB."""
    from PIL.Image import new

    if picture.mode != "RGBA":
        return picture
    paper = new("RGB", picture.size, "white")
    paper.paste(picture, mask=picture.getchannel("A"))
    return paper
