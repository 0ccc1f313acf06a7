"""RoliaScan: the backend of a comic publishing site, on functions or on a server."""

__version__ = "0.1.0"
