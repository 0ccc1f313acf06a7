"""Paths that a platform puts something before."""


def mounted(path: str, prefix: str) -> tuple[str, str]:
    """`path` as SCRIPT_NAME and PATH_INFO, where `prefix` ("" or "/name") is cut off at the end of a segment only."""
    if prefix and (path == prefix or path.startswith(prefix + "/")):
        return prefix, path[len(prefix) :] or "/"
    return "", path
