"""Templates and static files. Autoescape is on, undefined names are errors, and every text that is put
into a page first loses what screens misread (see shared/untrusted.py): there is no way around either.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestrator.web.http import WebRequest, WebResponse
from shared import figures
from shared.untrusted import harmless, visible, visible_lines

if TYPE_CHECKING:
    from jinja2 import Environment

_HERE = Path(__file__).parent
_KINDS = {".css": "text/css; charset=utf-8", ".svg": "image/svg+xml"}
_YEAR = "public, max-age=31536000, immutable"


def render(template: str, now: datetime, **values: Any) -> str:
    return _environment().get_template(template).render(now=now, **values)


def static_file(name: str, request: WebRequest) -> WebResponse | None:
    """A file of the static folder. Its address carries its hash, so it may be kept for ever."""
    found = _files().get(name)
    if found is None:
        return None
    body, tag = found
    headers = {
        "Content-Type": _KINDS[Path(name).suffix],
        "ETag": f'"{tag}"',
        "Cache-Control": _YEAR if request.query.get("v") == tag else "no-cache",
    }
    if f'"{tag}"' in request.headers.get("if-none-match", ""):
        return WebResponse(status=304, headers=headers)
    return WebResponse(status=200, body=body, headers=headers)


@cache
def _files() -> dict[str, tuple[bytes, str]]:
    """Name -> content and hash: read once, so a name from outside never touches the disk."""
    found: dict[str, tuple[bytes, str]] = {}
    for file in (_HERE / "static").iterdir():
        if file.suffix in _KINDS:
            body = file.read_bytes()
            found[file.name] = (body, hashlib.sha256(body).hexdigest()[:16])
    return found


@cache
def _environment() -> Environment:
    """Made at the first page: neither ingest nor the engine pays for Jinja."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    made = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_finalize,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    filters: dict[str, Callable[..., Any]] = {
        "moment": _moment,
        "stamp": _stamp,
        "ago": _ago,
        "age": _age,
        "number": figures.number,
        "size": figures.size,
        "line": visible,
        "lines": visible_lines,
        "words": _words,
    }
    made.filters |= filters  # pyright: ignore[reportUnknownMemberType] -- Jinja leaves the values untyped
    made.globals |= {"static": _address, "change": figures.change}  # pyright: ignore[reportUnknownMemberType] -- likewise
    return made


def _finalize(value: object) -> object:
    """Plain text from anywhere; Markup (made by our own macros) passes."""
    return harmless(value) if type(value) is str else value


def _address(name: str) -> str:
    return f"/static/{name}?v={_files()[name][1]}"


def _parsed(text: str | datetime) -> datetime:
    return text if isinstance(text, datetime) else datetime.fromisoformat(text.replace("Z", "+00:00"))


def _moment(text: str | datetime) -> str:
    return figures.moment(_parsed(text))


def _stamp(text: str | datetime) -> str:
    """To the second and without the year: rows of a journal are read one after the other."""
    return _parsed(text).astimezone(UTC).strftime("%d %b %H:%M:%S")


def _ago(text: str | datetime, now: datetime) -> str:
    length = now.astimezone(UTC) - _parsed(text)
    return f"{figures.span(length)} ago" if length.total_seconds() >= 0 else f"in {figures.span(-length)}"


def _age(text: str | datetime, now: datetime) -> str:
    return figures.span(now - _parsed(text))


def _words(name: str) -> str:
    """`AwaitingApproval` -> `awaiting approval`."""
    return "".join(f" {c.lower()}" if c.isupper() else c for c in name).strip()
