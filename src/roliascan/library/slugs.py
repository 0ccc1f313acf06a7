"""Slugs: the words in a series' address. One that was given stays with its series for ever, as a redirect."""

from collections.abc import Iterator

import msgspec

from roliascan.database import Reader, Tx
from roliascan.text import slug


class _Slug(msgspec.Struct):
    slug: str


def claim(tx: Tx, *, series_id: str, title: str) -> str:
    """A slug of its own for a series: of its title, else with `-2`, `-3`... The unique key decides between rivals."""
    base = slug(title, "series")
    own = tx.one("SELECT slug FROM series_slugs WHERE slug = :slug AND series_id = :id", _Slug, slug=base, id=series_id)
    if own:
        return base
    for candidate in _candidates(tx, base):
        added = tx.write(
            "INSERT INTO series_slugs (slug, series_id) VALUES (:slug, :series_id) ON CONFLICT (slug) DO NOTHING",
            slug=candidate,
            series_id=series_id,
        )
        if added:
            return candidate
    raise AssertionError("numbers do not end")


def _candidates(db: Reader, base: str) -> Iterator[str]:
    # '.' follows '-' in ASCII: every slug that begins with "base-" lies between the two
    sql = "SELECT slug FROM series_slugs WHERE slug = :base OR (slug >= :low AND slug < :high)"
    taken = {row.slug for row in db.read(sql, _Slug, base=base, low=f"{base}-", high=f"{base}.")}
    if base not in taken:
        yield base
    number = 2
    while True:
        if f"{base}-{number}" not in taken:
            yield f"{base}-{number}"
        number += 1
