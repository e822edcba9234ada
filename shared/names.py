"""Names: reversible escaping for keys and ids, and legal endpoint and deployment names.

Azure ML endpoint and deployment names: 3-32 characters, a letter first, then letters, digits and
single dashes, none at the end (azure.md §6.1); endpoint names are unique in a region, ignoring case.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
from collections.abc import Iterable, Iterator

from shared.errors import Invalid

_PLAIN = re.compile(r"[A-Za-z0-9_\-]")
_ESCAPED = re.compile(r"(?:[A-Za-z0-9_\-]|=[0-9A-F]{2})+")
_LEGAL = re.compile(r"[A-Za-z](?:[A-Za-z0-9]|-(?!-))*[A-Za-z0-9]")
MAX_NAME = 255
ENDPOINT_MAX = 32
_HASH = 6


def escape(text: str) -> str:
    """Letters, digits, `-` and `_` stay; every other UTF-8 byte becomes `=XX`. Reversible."""
    return "".join(c if _PLAIN.fullmatch(c) else "".join(f"={b:02X}" for b in c.encode()) for c in text)


def unescape(text: str) -> str:
    """Undo `escape`. Raises Invalid for text that `escape` cannot have made."""
    if not _ESCAPED.fullmatch(text):
        raise Invalid(f"{text[:80]!r} is not an escaped name")
    raw = re.sub(rb"=([0-9A-F]{2})", lambda m: bytes([int(m[1], 16)]), text.encode())
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise Invalid(f"{text[:80]!r} is not an escaped name: {error.reason}") from error


def check_model_name(name: str) -> str:
    """Any text of 1-255 characters without control characters may name a model. Raises Invalid."""
    if not name or len(name) > MAX_NAME or not name.isprintable():
        raise Invalid(f"model name {name[:80]!r}: must be 1 to {MAX_NAME} printable characters")
    return name


def check_version(version: str) -> str:
    """A version is text and may be `1.2.0`. Raises Invalid."""
    if not version or len(version) > MAX_NAME or not version.isprintable():
        raise Invalid(f"version {version[:80]!r}: must be 1 to {MAX_NAME} printable characters")
    return version


def slot_id(model: str, env: str) -> str:
    """`model@env`, escaped: a PartitionKey and a path segment."""
    return f"{escape(model)}@{env}"


def parse_slot_id(text: str) -> tuple[str, str]:
    """Undo `slot_id`. Raises Invalid."""
    model, at, env = text.rpartition("@")
    if not at or not env:
        raise Invalid(f"{text[:80]!r} is not a slot; write model@environment")
    return unescape(model), env


def slots_among(names: Iterable[str]) -> Iterator[tuple[str, str]]:
    """(model, environment) of those that name a slot; what else somebody put among them hides none."""
    for name in names:
        with contextlib.suppress(Invalid):
            yield parse_slot_id(name)


def promotion_id(model: str, env: str, version: str, n: int) -> str:
    """`{model}.{env}.{version}.{n}`: what people, links and the API call a promotion."""
    return f"{escape(model)}.{env}.{escape(version)}.{n}"


def parse_promotion_id(text: str) -> tuple[str, str, str, int]:
    """(model, env, version, n). Raises Invalid."""
    parts = text.split(".")
    if len(parts) != 4 or not parts[3].isdecimal() or len(parts[3]) > 10:
        raise Invalid(f"{text[:80]!r} is not a promotion id; it looks like model.environment.version.number")
    return unescape(parts[0]), parts[1], unescape(parts[2]), int(parts[3])


def legal_name(text: str, *, limit: int = ENDPOINT_MAX) -> str:
    """A legal endpoint or deployment name from any text: slugged, and hashed whenever that lost something.

    Two texts that differ only in what a slug drops still get different names.
    """
    slug = re.sub(r"-+", "-", re.sub(r"[^A-Za-z0-9]", "-", text)).strip("-")
    if not slug or not slug[0].isalpha():
        slug = f"m-{slug}".strip("-")
    if slug == text and 3 <= len(slug) <= limit:
        return slug
    tail = hashlib.sha256(text.encode()).hexdigest()[:_HASH]
    return f"{slug[: limit - _HASH - 1].rstrip('-')}-{tail}"


def is_legal_name(name: str) -> bool:
    return 3 <= len(name) <= ENDPOINT_MAX and bool(_LEGAL.fullmatch(name))


def check_legal_name(name: str) -> None:
    """Raises Invalid."""
    if not is_legal_name(name):
        raise Invalid(f"{name[:80]!r} cannot name an endpoint or a deployment")
