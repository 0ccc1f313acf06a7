"""Small images for tests, drawn with Pillow, and the means to spoil them."""

import base64
import io
import random
import struct
import zlib
from functools import cache

from PIL import Image, ImageDraw

RED = (200, 30, 30)

# AVIF, 742 bytes, really 8,192 x 8,192 pixels of one grey: what a decoder would need 200 MB for.
_HUGE_AVIF = (
    "c-muNV30{GsVqn=%S>Yc0uY^>nP!-qnF!*)%uOvxWPkw0jFg-rD4U@mGr5ET4e%9YmgIt2j6f`xnUkLk;<$kLj1W;qULd{+WNTz*"
    "=B2^aN&z{kOi*58nSr5meoj8vu8horq5>f8nOTsW52QshiwjaA)+s<S$li)fux1V*!IM~K=-enT0}>EU&d({zOU|hPn#;?;)&LX|"
    "&n(D=`3UGN7DlFK79i_kZc1W_5Ca#N{Ac_B|G&-P$S^fJ!7Rb!diS!AP7Z_F`BPSl-nCiCuAeTo_?9r=gN13A+^aV$os3y%z2qFz"
    "g+GQf>c8}Tuxvl@tMcn~(T%<V8CvdIlYB<?QCA<C+5pOK8Xy"
)


def draw(width: int = 60, height: int = 90, *, mode: str = "RGB", seed: int = 0) -> Image.Image:
    """A page: white, with panels of grain, different for each seed and always the same for one."""
    grain = Image.frombytes("RGB", (8, 8), random.Random(seed).randbytes(192)).resize((width, height))
    page = Image.new("RGB", (width, height), "white")
    page.paste(grain, (width // 8, height // 8))
    ImageDraw.Draw(page).rectangle((width // 8, height // 8, width // 2, height // 2), outline="black")
    return page.convert(mode)


def save(image: Image.Image, kind: str, **options: object) -> bytes:
    """The image as a file; `kind` is one of Pillow's formats."""
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def page(kind: str = "png", width: int = 60, height: int = 90, *, seed: int = 0) -> bytes:
    """A page as a file, `kind` being jpeg, png, webp, gif or avif."""
    return save(draw(width, height, seed=seed), kind)


def flat(
    kind: str, width: int, height: int, colour: tuple[int, ...] = RED, *, mode: str = "RGB", **options: object
) -> bytes:
    """One colour, as a file."""
    return save(Image.new(mode, (width, height), colour), kind, **options)


def animation(kind: str, frames: int = 3, width: int = 30, height: int = 40) -> bytes:
    """A file of `kind` png, gif or webp with that many different frames."""
    first, *others = (draw(width, height, seed=seed) for seed in range(frames))
    return save(first, kind, save_all=True, append_images=others, duration=100)


def exif(orientation: int, order: str = "<") -> bytes:
    """EXIF that holds an orientation, 1 to 8, after another entry; `order` is < (Intel) or > (Motorola)."""
    mark = b"II*\0" if order == "<" else b"MM\0*"
    entries = struct.pack(order + "HHIHH", 0x0100, 3, 1, 9, 0) + struct.pack(
        order + "HHIHH", 0x0112, 3, 1, orientation, 0
    )
    return mark + struct.pack(order + "IH", 8, 2) + entries + bytes(4)


def chunk(name: bytes, body: bytes) -> bytes:
    """A chunk of a PNG file."""
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def with_chunks(png: bytes, chunks: bytes, *, before: bytes = b"IDAT") -> bytes:
    at = png.index(before) - 4
    return png[:at] + chunks + png[at:]


def segment(code: int, body: bytes) -> bytes:
    """A segment of a JPEG file."""
    return struct.pack(">BBH", 0xFF, code, len(body) + 2) + body


def with_segments(jpeg: bytes, segments: bytes) -> bytes:
    return jpeg[:2] + segments + jpeg[2:]


def riff(*chunks: tuple[bytes, bytes]) -> bytes:
    """A WebP file of these chunks."""
    body = b"".join(name + struct.pack("<I", len(data)) + data + bytes(len(data) & 1) for name, data in chunks)
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body


def png_header(width: int, height: int) -> bytes:
    """A PNG that says its size and has next to no pixels."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(9))) + chunk(b"IEND", b"")


def jpeg_header(width: int, height: int) -> bytes:
    """The same as a JPEG."""
    jpeg = flat("jpeg", 8, 8)
    at = jpeg.index(b"\xff\xc0") + 5
    return jpeg[:at] + struct.pack(">HH", height, width) + jpeg[at + 4 :]


def gif_header(width: int, height: int, frames: int = 1) -> bytes:
    """The same as a GIF, with frames of one pixel."""
    frame = struct.pack("<B4HB", 0x2C, 0, 0, 1, 1, 0) + b"\x02\x02\x44\x01\x00"
    colours = b"\0\0\0\xff\xff\xff"
    return b"GIF89a" + struct.pack("<HHBBB", width, height, 0x80, 0, 0) + colours + frame * frames + b";"


def webp_header(width: int, height: int, frames: int = 1) -> bytes:
    """The same as a WebP, animated when it has more than one frame."""
    canvas = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    pixel = flat("webp", 1, 1, lossless=True)[12:]
    frame = bytes(12) + b"\x64\0\0\0" + pixel
    chunks = [(b"VP8X", b"\x02\0\0\0" + canvas), (b"ANIM", bytes(6)), *[(b"ANMF", frame)] * frames]
    return riff(*chunks) if frames > 1 else riff((b"VP8X", bytes(4) + canvas), (pixel[:4], pixel[8:]))


def huge_avif(*, says: tuple[int, int] = (8192, 8192)) -> bytes:
    """8,192 x 8,192 pixels in 742 bytes, in boxes that say what they should."""
    avif = zlib.decompress(base64.b85decode(_HUGE_AVIF))
    return avif.replace(struct.pack(">II", 8192, 8192), struct.pack(">II", *says))


def box(name: bytes, *parts: bytes) -> bytes:
    """A box of an AVIF file."""
    body = b"".join(parts)
    return struct.pack(">I4s", len(body) + 8, name) + body


def avif_of(items: list[tuple[bytes, bytes]], width: int, height: int) -> bytes:
    """An AVIF of these items, kind and bytes; whole in its boxes, though no decoder shows it."""
    kinds = [
        box(b"infe", struct.pack(">IHH4sB", 2 << 24, number, 0, kind, 0)) for number, (kind, _) in enumerate(items)
    ]
    information = box(b"iinf", struct.pack(">IH", 0, len(items)), *kinds)
    properties = box(b"iprp", box(b"ipco", box(b"ispe", struct.pack(">III", 0, width, height))))

    def start(at: int) -> bytes:
        places = []
        for number, (_, body) in enumerate(items):
            places.append(struct.pack(">HHHII", number, 0, 1, at, len(body)))
            at += len(body)
        locations = box(b"iloc", struct.pack(">IHH", 0, 0x4400, len(items)), *places)
        return box(b"ftyp", b"avif\0\0\0\0avif") + box(b"meta", bytes(4), locations, information, properties)

    return start(len(start(0)) + 8) + box(b"mdat", *(body for _, body in items))


def avif_payload(avif: bytes) -> bytes:
    """The coded picture of an AVIF that Pillow wrote of an image without transparency."""
    return avif[avif.index(b"mdat") + 4 :]


def with_avif_payload(avif: bytes, payload: bytes) -> bytes:
    """The same file around another coded picture."""
    at = avif.index(b"mdat")
    extent = avif.index(b"iinf") - 8  # the box before ends with the length of the one item's one extent
    head = avif[:extent] + struct.pack(">I", len(payload)) + avif[extent + 4 : at - 4]
    return head + struct.pack(">I4s", len(payload) + 8, b"mdat") + payload


def mutate(content: bytes, chance: random.Random) -> bytes:
    """The same with up to 20 places spoiled."""
    spoiled = bytearray(content)
    for _ in range(chance.choice((1, 2, 5, 20))):
        at = chance.randrange(chance.choice((min(200, len(spoiled)), len(spoiled))))
        action = chance.randrange(4)
        if action == 0:
            spoiled[at] = chance.choice((0, 1, 127, 128, 255, chance.randrange(256)))
        elif action == 1:
            spoiled[at] ^= 1 << chance.randrange(8)
        elif action == 2 and len(spoiled) > 300:
            del spoiled[at : at + chance.randrange(1, 20)]
        else:
            spoiled[at:at] = chance.randbytes(chance.randrange(1, 20))
    return bytes(spoiled)


def with_right_checksums(png: bytes) -> bytes:
    """So that a spoiled PNG reaches the decoder."""
    parts, at = [png[:8]], 8
    while at + 12 <= len(png):
        length = int.from_bytes(png[at : at + 4], "big")
        parts.append(chunk(png[at + 4 : at + 8], png[at + 8 : at + 8 + length]))
        at += 12 + length
    return b"".join(parts)


@cache
def whole(name: str) -> bytes:
    """An image of each way to code one."""
    rotated = draw().transpose(Image.Transpose.ROTATE_90)
    return {
        "jpeg": lambda: save(draw(), "jpeg"),
        "jpeg, progressive": lambda: save(draw(), "jpeg", progressive=True),
        "jpeg with exif": lambda: save(rotated, "jpeg", exif=b"Exif\0\0" + exif(6)),
        "png": lambda: save(draw(), "png"),
        "png, palette": lambda: save(draw(mode="P"), "png"),
        "png, animated": lambda: animation("png"),
        "gif": lambda: save(draw(), "gif"),
        "gif, interlaced": lambda: save(draw(), "gif", interlace=True, comment=b"x" * 300),
        "gif, animated": lambda: animation("gif"),
        "webp": lambda: save(draw(), "webp"),
        "webp, lossless": lambda: save(draw(), "webp", lossless=True),
        "webp, animated": lambda: animation("webp"),
        "webp with metadata": lambda: save(draw(), "webp", exif=exif(1)),
        "avif": lambda: save(draw(), "avif"),
        "avif, transparent": lambda: save(draw(mode="RGBA"), "avif"),
    }[name]()


WHOLE = [
    *("jpeg", "jpeg, progressive", "jpeg with exif", "png", "png, palette", "png, animated"),
    *("gif", "gif, interlaced", "gif, animated", "webp", "webp, lossless", "webp, animated", "webp with metadata"),
    *("avif", "avif, transparent"),
]


def spoil(name: str, chance: random.Random) -> bytes:
    """One of these images, spoiled so that it may still reach a decoder."""
    spoiled = mutate(whole(name), chance)
    return with_right_checksums(spoiled) if name.startswith("png") else spoiled
