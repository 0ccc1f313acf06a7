"""Every command runs in a place of its own."""

from tests.cli.backups import kept, other
from tests.cli.places import bare_place, new_place, place, simple_place
from tests.cli.sending import sender, uploading

__all__ = ["bare_place", "kept", "new_place", "other", "place", "sender", "simple_place", "uploading"]
