"""The registry's search language, as far as clients use it: comparisons of text joined by AND, and paging."""

from __future__ import annotations

import fnmatch
import re
from dataclasses import dataclass
from typing import Any

JSON = dict[str, Any]

MOST = 1000
_COMPARISON = re.compile(
    r"\s*(?:attributes?\.)?(?P<key>tags?\.(?:`[^`]+`|\"[^\"]+\"|[\w.-]+)|\w+)\s*"
    r"(?P<operator>=|!=|I?LIKE)\s*(?:'(?P<single>[^']*)'|\"(?P<double>[^\"]*)\"|(?P<number>\d+))\s*",
    re.IGNORECASE,
)
_AND = re.compile(r"and\b", re.IGNORECASE)
KEYS = {"name": "name", "run_id": "run_id", "source_path": "source", "version_number": "version"}


class SearchError(ValueError):
    """The filter is not understood."""


@dataclass(frozen=True)
class Page:
    items: list[JSON]
    token: str = ""


def page(items: list[JSON], values: JSON) -> Page:
    """`max_results` items from where `page_token` says."""
    start = int(values.get("page_token") or 0)
    end = start + min(int(values.get("max_results") or 100), MOST)
    return Page(items[start:end], str(end) if end < len(items) else "")


def search(items: list[JSON], text: str | None) -> list[JSON]:
    """The items that satisfy every comparison."""
    comparisons = _comparisons(text or "")
    return [i for i in items if all(_holds(i, *c) for c in comparisons)]


def _comparisons(text: str) -> list[tuple[str, str, str]]:
    found: list[tuple[str, str, str]] = []
    position = 0
    while text[position:].strip():
        if found:
            joint = _AND.match(text, position)
            position = joint.end() if joint else position
        match = _COMPARISON.match(text, position)
        if match is None:
            raise SearchError(f"Invalid filter at '{text[position:]}'.")
        value = next(v for v in match.group("single", "double", "number") if v is not None)
        found.append((_key(match["key"]), match["operator"].upper(), value))
        position = match.end()
    return found


def _key(text: str) -> str:
    head, _, tail = text.partition(".")
    if tail and head.lower() in ("tag", "tags"):
        return "tag." + tail.strip('`"')
    if text not in KEYS:
        raise SearchError(f"Invalid attribute key '{text}'.")
    return KEYS[text]


def _holds(item: JSON, key: str, operator: str, wanted: str) -> bool:
    if key.startswith("tag."):
        actual = next((t["value"] for t in item["tags"] if t["key"] == key[4:]), None)
        if actual is None:
            return operator == "!="  # the client hides prompts with such a comparison
    else:
        actual = str(item.get(key) or "")
    if operator in ("LIKE", "ILIKE"):
        pattern = wanted.replace("*", "[*]").replace("?", "[?]").replace("%", "*").replace("_", "?")
        if operator == "ILIKE":
            actual, pattern = actual.lower(), pattern.lower()
        return fnmatch.fnmatchcase(actual, pattern)
    return (actual == wanted) == (operator == "=")
