"""Every test here asks a site."""

from tests.front import any_site, site, two_sites

__all__ = ["any_site", "site", "two_sites"]
