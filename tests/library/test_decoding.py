"""Images that crash their decoder, or keep it busy for ever: they are refused, and nobody else notices (UP-10)."""

import io
import resource
from collections.abc import Iterator
from pathlib import Path

import pytest
from falcon.testing import Result

from roliascan.errors import Busy
from roliascan.library import decoding, images
from roliascan.library.image_terms import ImageDamaged
from tests.drawings import page
from tests.front import PAGE, File, Site, at_once, refused, told
from tests.library.decoders import begun_with
from tests.servers.parts import LONG

HOSTILE = page("png", 66, 6)
SPOILED = """
import os, signal
from PIL import PngImagePlugin

class Spoiled(PngImagePlugin.PngImageFile):
    def load(self):
        if self.size == (66, 6):
            {does}
        return super().load()

PngImagePlugin.PngImageFile = Spoiled
"""


@pytest.fixture
def spoiled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[None]:
    """A decoder with a fault, which one image of 66 x 6 pixels meets."""
    with begun_with(SPOILED.format(does=request.param), tmp_path, monkeypatch):
        yield


def look(content: bytes) -> images.Image:
    found, *_ = images.inspect(io.BytesIO(content), max_bytes=1 << 20)
    return found


CRASHES = ["os.abort()", "os.kill(os.getpid(), signal.SIGSEGV)", "os._exit(0)", "raise SystemExit", "os.close(1)"]


@pytest.mark.parametrize("spoiled", CRASHES, indirect=True)
def test_a_crash_refuses_the_image_and_the_next_one_is_taken(spoiled: None) -> None:  # UP-10
    assert look(PAGE).width == 20
    with pytest.raises(ImageDamaged):
        look(HOSTILE)
    assert look(PAGE).width == 20


@pytest.mark.parametrize("spoiled", ["signal.pause()"], indirect=True)
def test_a_decoder_that_is_stuck_is_ended(spoiled: None, monkeypatch: pytest.MonkeyPatch) -> None:  # UP-10
    look(PAGE)
    monkeypatch.setattr(images, "_ANSWER_S", 0.1)
    with pytest.raises(ImageDamaged):
        look(HOSTILE)
    monkeypatch.setattr(images, "_ANSWER_S", 60)
    assert look(PAGE).width == 20


def test_the_time_on_a_processor_is_limited_from_one_image_to_the_next() -> None:  # UP-09
    before = resource.getrlimit(resource.RLIMIT_CPU)
    used = resource.getrusage(resource.RUSAGE_SELF).ru_utime
    try:
        decoding._limit_time()
        most, _ = resource.getrlimit(resource.RLIMIT_CPU)
    finally:
        resource.setrlimit(resource.RLIMIT_CPU, before)
    assert used + decoding.MOST_CPU_S - 1 < most


@pytest.mark.parametrize("spoiled", ["raise MemoryError"], indirect=True)
def test_too_little_memory_is_no_fault_of_the_image(spoiled: None) -> None:
    with pytest.raises(Busy):
        look(HOSTILE)


def test_where_no_process_is_to_be_had_the_image_may_come_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "_idle", [])
    monkeypatch.setattr("sys.executable", "/nowhere/python")
    with pytest.raises(Busy) as refusal:
        look(PAGE)
    assert refusal.value.retry_after == 5


@pytest.mark.parametrize("spoiled", ["os.abort()"], indirect=True)
def test_the_service_stays_alive_for_everybody_else(site: Site, spoiled: None) -> None:  # UP-10
    uploader = site.sign_up("uploader")
    chapter = uploader.makes_chapter(uploader.makes_series())

    def send(turn: int) -> Result:
        return uploader.send(f"chapters/{chapter['id']}/pages", File("a", HOSTILE if turn % 2 else PAGE))

    answers = at_once(6, send)
    for turn, answer in enumerate(answers):
        if turn % 2:
            refused(answer, 400, "image_damaged")
        else:
            told(answer, 201)
    assert told(uploader.get(f"chapters/{chapter['id']}"))["pageCount"] == 3
    assert len(site.stored) == 3


def test_a_decoder_takes_no_more_than_there_is(tmp_path: Path) -> None:
    """UP-04: what a function or a container has, less what the service needs; never more than two GiB."""
    group, none = tmp_path / "memory.max", str(tmp_path / "nothing")
    group.write_text("1073741824\n")
    mb = 1 << 20
    on_lambda = {"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512"}
    assert decoding.most_memory(on_lambda, [str(group)]) == 384 * mb
    assert decoding.most_memory({"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "10240"}, [none]) == 2048 * mb
    assert decoding.most_memory({"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128"}, [none]) == 64 * mb
    assert decoding.most_memory({}, [none, str(group)]) == 448 * mb
    assert decoding.most_memory({}, [none]) == decoding.MOST_MEMORY
    group.write_text("max\n")
    assert decoding.most_memory({}, [str(group), none]) == decoding.MOST_MEMORY


@LONG
def test_a_small_function_takes_pages_and_puts_off_what_does_not_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    """The decoder of a function of 192 MB has 64: a page fits, be it as it was sent; 30 megapixels do not."""
    monkeypatch.setattr(images, "_idle", [])
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "192")
    found, *_ = images.prepare(io.BytesIO(page("png", 1000, 1500)), max_bytes=10_000_000)
    assert (found.width, found.height) == (1000, 1500)
    with pytest.raises(Busy):
        images.prepare(io.BytesIO(page("png", 5000, 6000)), max_bytes=100_000_000)
    images.end_decoders()


def test_the_folder_it_was_started_in_may_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pillow asks for it whenever it saves."""
    monkeypatch.setattr(images, "_idle", [])
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    look(PAGE)
    gone.rmdir()
    assert images.as_jpeg(io.BytesIO(PAGE), max_bytes=1 << 20).type == "image/jpeg"
    images.end_decoders()
