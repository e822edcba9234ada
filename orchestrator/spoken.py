"""What operators write beside a command, checked at the door."""

from __future__ import annotations

from shared.errors import Invalid
from shared.untrusted import visible, visible_lines

LONGEST_REASON = 500
LONGEST_VERSION = 100


def reason_of(text: str, *, needed: bool) -> str:
    said = visible_lines(text, LONGEST_REASON).replace("\n", " ")
    if needed and not said:
        raise Invalid("reason: say why, it is kept in the journal")
    return said


def version_of(text: str, *, needed: bool) -> str:
    """A version as it may be registered. Raises Invalid."""
    if not needed and not text:
        return ""
    if not needed:
        raise Invalid("version: only promote takes one")
    if not text or visible(text, LONGEST_VERSION) != text or text != text.strip() or "/" in text:
        raise Invalid(f"version: a registered version, at most {LONGEST_VERSION} characters")
    return text
