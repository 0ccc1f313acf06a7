"""The least that can answer: a dict of routes, msgspec and the driver. Nothing is checked, cached or logged."""
