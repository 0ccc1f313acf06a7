"""Spoiled images: each is taken, or refused by name, in little time and memory (UP-08, UP-09)."""

import io
import random
import resource
import time
from pathlib import Path

from roliascan.errors import Refusal
from roliascan.library import images
from roliascan.library.decoding import decoded
from roliascan.library.image_headers import read_header, sniff
from roliascan.worker import Worker
from tests.drawings import WHOLE, spoil
from tests.fuzz.told import Tally

MOST_S, MOST_BYTES = 2.0, 256 << 20
EXPECTED = {"taken", "image_damaged", "not_an_image", "image_too_large", "unsupported_image"}


def look_at(wanted: int, seed: int) -> Tally:
    """So many of them: what became of each, and what is wrong with that."""
    chance, tally = random.Random(seed), Tally("spoiled images")
    for place in range(wanted):
        name = WHOLE[place % len(WHOLE)]
        content = spoil(name, chance)
        began = _used()
        outcome = _outcome(content)
        took, peak = _used() - began, max(map(_peak, images._idle), default=0)
        tally.count(outcome, took, peak)
        if outcome not in EXPECTED or took > MOST_S or peak > MOST_BYTES:
            tally.wrong.append(f"image {place} ({name}): {outcome}, {took:.1f} s of a processor, {peak >> 20} MB")
    images.end_decoders()
    return tally


def _used() -> float:
    """Seconds of a processor, by this process and the decoders that have ended or wait."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    waiting = sum(time.clock_gettime(~decoder.pid << 3 | 2) for decoder in images._idle if decoder.pid)
    return time.process_time() + ended.ru_utime + ended.ru_stime + waiting


def _outcome(content: bytes) -> str:
    try:
        found, kept, _ = images.prepare(io.BytesIO(content), max_bytes=1 << 20, max_pixels=1_000_000)
    except Refusal as refusal:
        crashed = isinstance(refusal.__cause__, ChildProcessError)
        return "crashed the decoder" if crashed else refusal.code
    again = kept.read()
    (width, height, _), _ = decoded(sniff(again), again, read_header(sniff(again), again))
    return "taken" if {width, height} == {found.width, found.height} else "taken as what it is not"


def _peak(decoder: Worker) -> int:
    """In bytes."""
    status = Path(f"/proc/{decoder.pid}/status").read_text().splitlines()
    [line] = [line for line in status if line.startswith("VmHWM")]
    return int(line.split()[1]) << 10
