"""Hostile forms: each ends, with a refusal, and in little memory."""

import resource

import pytest
from falcon.testing import StartResponseMock, create_environ

from tests.front import API, BOUNDARY, FORM, PAGE, Asker, File, Site, form, refused, told

HEAD = f"--{BOUNDARY}\r\n".encode()
END = f"\r\n--{BOUNDARY}--\r\n".encode()
PLACE = b'Content-Disposition: form-data; name="file"; filename="a.png"\r\n'
MEGABYTE = 1 << 20


@pytest.fixture
def uploader(site: Site) -> Asker:
    return site.sign_up("uploader")


def part(*headers: bytes, data: bytes = PAGE) -> bytes:
    return HEAD + b"".join(headers) + b"\r\n" + data + END


def nested() -> bytes:
    inner = b"--inner\r\n" + PLACE + b"\r\n" + PAGE + b"\r\n--inner--\r\n"
    return part(PLACE, b"Content-Type: multipart/mixed; boundary=inner\r\n", data=inner)


BODIES: dict[str, tuple[bytes, int]] = {
    "no final boundary": (part(PLACE)[: -len(END)], 400),
    "half of the final boundary": (part(PLACE)[:-8], 400),
    "nothing but the final boundary": (END, 400),
    "no headers": (HEAD + PAGE + END, 400),
    "no blank line": (HEAD + PLACE, 400),
    "no disposition": (part(b"Content-Type: image/png\r\n"), 400),
    "no field": (part(b'Content-Disposition: form-data; filename="a"\r\n'), 400),
    "another field": (part(PLACE.replace(b'"file"', b'"files"')), 400),
    "a text field": (form(File("file", b"text")).replace(b'; filename="a.png"', b""), 415),
    "a field in Latin-1": (part(PLACE.replace(b'"file"', b'"fil\xe9"')), 400),
    "a file name in Latin-1": (part(PLACE.replace(b'"a.png"', b'"\xe9.png"')), 400),
    "a name of an unknown charset": (part(PLACE.replace(b"filename=", b"filename*=nonsense''a%ff;x=")), 400),
    "a name that is no UTF-8": (part(PLACE.replace(b"filename=", b"filename*=utf-8''%ff;x=")), 400),
    "base64": (part(PLACE, b"Content-Transfer-Encoding: base64\r\n"), 400),
    "quoted-printable": (part(PLACE, b"Content-Transfer-Encoding: quoted-printable\r\n"), 400),
    "nested": (nested(), 415),
    "a header without end": (HEAD + b"X: " + b"x" * MEGABYTE, 400),
    "many headers": (part(PLACE, b"X-Y: z\r\n" * 100_000), 400),
    "a huge header": (part(PLACE, b"X: " + b"x" * 20_000 + b"\r\n"), 400),
    "a huge name": (part(PLACE.replace(b"a.png", b"a" * 20_000)), 400),
    "100,000 parts": ((HEAD + PLACE + b"\r\n\r\n") * 100_000 + END, 415),
    "100,000 empty parts": (HEAD * 100_000 + END, 400),
    "line ends": (b"\r\n" * (MEGABYTE // 2), 400),
    "line ends in a file": (part(PLACE, data=b"\r\n" * (MEGABYTE // 2)), 415),
    "beginnings of the boundary": (part(PLACE, data=f"\r\n--{BOUNDARY[:-1]}".encode() * 30_000), 415),
    "dashes": (b"-" * MEGABYTE, 400),
    "bare line feeds": (part(PLACE).replace(b"\r\n", b"\n"), 400),
}


_PAGES = {"no field", "another field", "no disposition"}  # to add pages, any field will do


@pytest.mark.parametrize("name", BODIES)
@pytest.mark.parametrize("to", ["files", "pages"])
def test_a_hostile_form_is_refused(site: Site, uploader: Asker, name: str, to: str) -> None:  # IN-04, UP-16
    path = "files" if to == "files" else f"chapters/{uploader.makes_chapter(uploader.makes_series())['id']}/pages"
    body, status = BODIES[name]
    uploader.files()  # loads what looks at files
    before = (site.stored, site.count("files"))
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    answer = uploader.post(path, body=body, headers={"Content-Type": FORM})
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory < 16 * 1024  # KiB
    if to == "pages" and name in _PAGES:
        told(answer, 201)
        return
    refused(answer, status)
    assert (site.stored, site.count("files")) == before


@pytest.mark.parametrize(
    "kind",
    [
        "multipart/form-data",
        "multipart/form-data; boundary=",
        'multipart/form-data; boundary=""',
        f"multipart/form-data; boundary={'x' * 10_000}",
        "multipart/form-data; boundary=\x01",
        "multipart/form-data; charset=utf-7",
    ],
)
def test_a_form_needs_a_boundary(uploader: Asker, kind: str) -> None:  # IN-04
    refused(uploader.post("files", body=form(File("file", PAGE)), headers={"Content-Type": kind}), 400)


@pytest.mark.parametrize(
    "kind", ["application/json", "application/x-www-form-urlencoded", "multipart/mixed; boundary=b", "image/png", ""]
)
def test_a_file_comes_in_a_form(uploader: Asker, kind: str) -> None:  # IN-03
    body = b"&".join(b"a=1" for _ in range(1_000_000))
    refused(uploader.post("files", body=body, headers={"Content-Type": kind}), 415, "unsupported_type")


def test_a_length_that_is_missing_is_asked_for(uploader: Asker) -> None:  # IN-04
    chunked = {"Content-Type": FORM, "Transfer-Encoding": "chunked"}
    refused(uploader.post("files", headers=chunked), 411, "length_required")


@pytest.mark.parametrize("length", ["-1", "1e3", "x", "0x10"])
def test_a_length_that_is_none_is_refused(site: Site, uploader: Asker, length: str) -> None:  # IN-04
    headers = {"Authorization": f"Bearer {uploader.token}", "Content-Type": FORM}
    environ = create_environ(f"{API}/files", method="POST", body=form(File("file", PAGE)), headers=headers)
    environ["CONTENT_LENGTH"] = length
    started = StartResponseMock()
    list(site.app(environ, started))
    assert started.status == "400 Bad Request"
    assert site.stored == []


def test_a_length_that_is_too_short_ends_the_form(site: Site, uploader: Asker) -> None:  # IN-04
    body = form(File("file", PAGE))
    answer = uploader.post(
        "files", body=body, headers={"Content-Type": FORM}, extras={"CONTENT_LENGTH": str(len(body) - 20)}
    )
    refused(answer, 400)
    assert site.stored == []


def test_of_equal_parameters_the_last_one_counts(uploader: Asker) -> None:  # IN-04: one parser, so nobody differs
    body = part(b'Content-Disposition: form-data; name="other"; name="file"; filename="x"; filename="b.png"\r\n')
    assert told(uploader.post("files", body=body, headers={"Content-Type": FORM}), 201)["name"] == "b.png"


def test_what_comes_before_the_form_is_passed_over(uploader: Asker) -> None:  # RFC 2046, section 5.1.1
    body = b"x" * MEGABYTE + b"\r\n" + form(File("file", PAGE))
    told(uploader.post("files", body=body, headers={"Content-Type": FORM}), 201)


def test_a_name_may_be_encoded(uploader: Asker) -> None:
    body = part(PLACE.replace(b'filename="a.png"', b"filename*=UTF-8''%E8%A1%A8.png"))
    assert told(uploader.post("files", body=body, headers={"Content-Type": FORM}), 201)["name"] == "\u8868.png"
