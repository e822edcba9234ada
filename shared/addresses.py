"""What an address in a setting may look like. Pure."""

from __future__ import annotations

from urllib.parse import urlsplit


def is_address(value: str) -> bool:
    """Has it a scheme and a host?"""
    parts = urlsplit(value)
    return parts.scheme in ("https", "http") and bool(parts.hostname)


def is_topic(value: str, suffix: str) -> bool:
    """Is it the endpoint of an Event Grid topic below `suffix`, and nothing more?"""
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError:
        return False
    plain = (parts.netloc, parts.query, parts.fragment) == (parts.hostname, "", "") and port is None
    host = (parts.hostname or "").removesuffix(f".{suffix}")
    return parts.scheme == "https" and plain and host not in ("", parts.hostname) and bool(parts.path)
