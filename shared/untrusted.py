"""Text from outside, made safe to look at: in a page, a card or a terminal.

Escaping for HTML is the template engine's work and for Markdown the cards'; this removes what every
screen misreads: control characters (terminal escapes), right-to-left overrides, invisible characters.
"""

from __future__ import annotations

import unicodedata

_BAD = {"Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp"}
_MARK = "\N{REPLACEMENT CHARACTER}"
_STACK = 2
"""Combining marks kept after one character: more of them paint over neighbouring lines."""


def visible(text: object, limit: int = 200) -> str:
    """One line of at most `limit` characters in which nothing hides and nothing reorders."""
    return _cap(" ".join(_replace(str(text)[: limit * 8], keep="").split()), limit)


def visible_lines(text: object, limit: int = 2000) -> str:
    """Like `visible`, keeping line breaks (at most one empty line in a row)."""
    lines = (" ".join(line.split()) for line in _replace(str(text)[: limit * 8], keep="\n").split("\n"))
    kept: list[str] = []
    for line in lines:
        if line or (kept and kept[-1]):
            kept.append(line)
    return _cap("\n".join(kept).strip(), limit)


def harmless(text: str) -> str:
    """`text` at full length with its line breaks, and nothing in it that hides or reorders."""
    return _replace(text, keep="\n")


def _replace(text: str, *, keep: str) -> str:
    out: list[str] = []
    marks = 0
    for char in text.replace("\r\n", "\n").replace("\r", "\n"):
        kind = unicodedata.category(char)
        marks = marks + 1 if kind in ("Mn", "Me") else 0
        if marks > _STACK:
            continue
        if char == keep or kind not in _BAD:
            out.append(char)
        elif char in "\t\n\v\f":
            out.append(" ")
        elif not out or out[-1] != _MARK:
            out.append(_MARK)
    return "".join(out)


def _cap(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"
