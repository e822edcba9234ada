"""Adaptive Cards 1.4 as Teams shows them. Pure: plain values in, one dict out, under 20 KB.

Almost every text here was written by someone else (names, tags, commit messages), and a TextBlock always
parses Markdown. So each goes through `quiet`, which leaves nothing to parse, and each has a length.
Addresses are made from our own base address only; nothing from outside becomes a link.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from shared import figures
from shared.errors import Invalid
from shared.notify.ask import Ask, GateRow, MetricRow, Notice
from shared.untrusted import visible

MAX_CARD = 20_000
_LEAST_NEEDED: tuple[dict[str, Any], ...] = (
    {"run_id": "", "commit": "", "data_version": "", "digest": ""},
    {"gates": ()},
    {"metrics": ()},
    {"description": "", "plan": "", "checks": "", "cost": "", "author": ""},
)
_SHORTENED = "Shortened: the page has all of it."
_METRICS, _GATES, _APPROVERS = 5, 6, 6
# Look-alikes that no Markdown parser knows. Escaping with a backslash is not an option: clients
# differ in which escapes they honour, and those that do not would show the link.
_ALIKE = str.maketrans(
    {"[": "(", "]": ")", "*": "∗", "`": "ʼ", "\\": "∖", "<": "‹", ">": "›", "~": "∼", "|": "∣"}
)
_ENTITY = re.compile(r"&(?=#?\w+;)")
_ADDRESS = re.compile(r"(?i)(?<=:)(?=//)|(?<=www)(?=\.)")
_UNDERSCORE = re.compile(r"(?<![^\W_])_|_(?![^\W_])")
_MARKER = re.compile(r"(?:[-+#=](?=[-+#=\s]|$)|\d{1,9}[.)](?=\s|$))")
_TONES = {"good": "good", "bad": "attention", "neutral": "accent"}
_SIGNS = {"pass": "✓", "fail": "✗", "inconclusive": "?"}

Element = dict[str, Any]


def quiet(text: object, limit: int = 120) -> str:
    """`text` as one line in which Teams finds no link, mention, emphasis, list or entity."""
    line = visible(text, limit).translate(_ALIKE)
    line = _ENTITY.sub("& ", line).replace("{{", "{ {")
    line = _ADDRESS.sub(" ", line)
    line = _UNDERSCORE.sub("ˍ", line)
    marker = _MARKER.match(line)
    return f"·{line}" if marker else line


def approval_card(ask: Ask, *, review_url: str, base_url: str, most: int = MAX_CARD) -> Element:
    """Asks for a decision: what, why, evidence in short, and one button to the page where it is made.

    Never more than `most` bytes: what is least needed to decide whether to look goes first.
    """
    card = _approval(ask, review_url, base_url)
    for left_out in _LEAST_NEEDED:
        if size_of(card) <= most:
            break
        ask = replace(ask, **left_out)
        card = _approval(ask, review_url, base_url)
        card["body"].insert(-1, _text(_SHORTENED, isSubtle=True, size="Small", wrap=True))
    return _within(card, most)


def size_of(card: Element) -> int:
    """Bytes, as it is posted."""
    return len(json.dumps(card, ensure_ascii=False, separators=(",", ":")).encode())


def _within(card: Element, most: int) -> Element:
    size = size_of(card)
    if size > most:  # nothing of it is as long as that: somebody made a field without a limit
        raise Invalid(f"a card of {size} bytes: the limit is {most}")
    return card


def _approval(ask: Ask, review_url: str, base_url: str) -> Element:
    body = [
        _banner(
            quiet(ask.head, 60),
            f"{quiet(ask.model, 80)} v{quiet(ask.version, 40)} → {quiet(ask.environment, 20)}",
        ),
        *_repeats(ask.repeat),
        *([_text(quiet(ask.note, 200), weight="Bolder", wrap=True)] if ask.note else []),
        _text(_why(ask), wrap=True),
        *_metrics(ask.metrics),
        *_gates(ask.gates),
        *_facts(_lineage(ask)),
        _text(_who(ask), isSubtle=True, size="Small", wrap=True),
    ]
    fallback = f"{quiet(ask.model, 80)} {quiet(ask.version, 40)} waits for approval in {ask.environment}"
    return _card(body, fallback, [("Review and decide", review_url)], base_url)


def notice_card(notice: Notice, *, url: str, base_url: str, newer_url: str = "") -> Element:
    """Says what became of it. `newer_url`: the page of what took its place."""
    title = f"{quiet(notice.model, 80)} v{quiet(notice.version, 40)} → {quiet(notice.environment, 20)}"
    by = f"{quiet(notice.actor, 80)} · " if notice.actor else ""
    body = [_banner(quiet(notice.title, 60).capitalize(), title, _TONES.get(notice.tone, "accent"))]
    body += _repeats(notice.repeat)
    if notice.sentence:
        body.append(_text(quiet(notice.sentence, 400), wrap=True))
    if notice.at:
        body.append(_text(f"{by}{figures.moment(notice.at)}", isSubtle=True, size="Small", wrap=True))
    fallback = f"{quiet(notice.model, 80)} {quiet(notice.version, 40)}: {quiet(notice.title, 60)}"
    buttons = [("Show the promotion", url)]
    buttons += [("Show what replaced it", newer_url)] if newer_url else []
    return _within(_card(body, fallback, buttons, base_url), MAX_CARD)


def _repeats(repeat: bool) -> list[Element]:
    said = "Repeated: an earlier try may have reached you already."
    return [_text(said, isSubtle=True, size="Small", wrap=True)] if repeat else []


def _why(ask: Ask) -> str:
    now = (
        f"v{quiet(ask.serving_version, 40)} serves there now."
        if ask.serving_version
        else "Nothing serves there yet."
    )
    about = quiet(ask.description, 280)
    return f"{now} {about}".strip()


def _who(ask: Ask) -> str:
    names = [quiet(a.name, 40) for a in ask.approvers[:_APPROVERS]]
    more = len(ask.approvers) - len(names)
    who = ", ".join(names) + (f" and {more} more" if more > 0 else "")
    approvals = "1 approval" if ask.required == 1 else f"{ask.required} approvals"
    return f"{approvals} needed from {who} · open until {figures.moment(ask.expires_at)}"


def _files(ask: Ask) -> str:
    if not ask.digest:
        return ""
    return f"{ask.digest[:12]} · {figures.size(ask.size) if ask.size else 'size unknown'}"


def _lineage(ask: Ask) -> list[tuple[str, str]]:
    rows = [
        ("Plan", quiet(ask.plan, 160)),
        ("Checks", quiet(ask.checks, 160)),
        ("Cost", quiet(ask.cost, 160)),
        ("Author", quiet(ask.author, 60)),
        ("Run", quiet(ask.run_id, 60)),
        ("Commit", quiet(ask.commit, 40)[:12]),
        ("Data", quiet(ask.data_version, 60)),
        ("Digest", _files(ask)),
    ]
    return [(name, value) for name, value in rows if value]


def _metrics(rows: tuple[MetricRow, ...]) -> list[Element]:
    if not rows:
        return []
    shown = rows[:_METRICS]
    columns = [
        ("stretch", "Metric", [quiet(r.name, 40) for r in shown], "Left"),
        ("auto", "Now", [figures.number(r.serving) for r in shown], "Right"),
        ("auto", "New", [figures.number(r.candidate) for r in shown], "Right"),
        ("auto", "Change", [figures.change(r.candidate, r.serving) for r in shown], "Right"),
    ]
    if all(r.serving is None for r in rows):
        columns = columns[::2]
    table = {
        "type": "ColumnSet",
        "separator": True,
        "columns": [
            {
                "type": "Column",
                "width": width,
                "items": [
                    _text(head, weight="Bolder", size="Small", horizontalAlignment=side),
                    *(_text(cell, spacing="Small", horizontalAlignment=side) for cell in cells),
                ],
            }
            for width, head, cells, side in columns
        ],
    }
    more = len(rows) - len(shown)
    return (
        [table] if more <= 0 else [table, _text(f"and {more} more on the page", isSubtle=True, size="Small")]
    )


def _gates(rows: tuple[GateRow, ...]) -> list[Element]:
    items = [
        _text(
            f"{_SIGNS.get(r.verdict, '?')} {quiet(r.sentence or r.name, 140)}",
            color={"pass": "Good", "fail": "Attention"}.get(r.verdict, "Warning"),
            wrap=True,
            spacing="Small",
        )
        for r in rows[:_GATES]
    ]
    more = len(rows) - len(items)
    if more > 0:
        items.append(_text(f"and {more} more checks on the page", isSubtle=True, size="Small"))
    return [{"type": "Container", "separator": True, "items": items}] if items else []


def _text(text: str, **more: Any) -> Element:
    return {"type": "TextBlock", "text": text, **more}


def _banner(kind: str, title: str, style: str = "emphasis") -> Element:
    return {
        "type": "Container",
        "style": style,
        "bleed": True,
        "items": [
            _text(kind, size="Small", weight="Bolder"),
            _text(title, size="Large", weight="Bolder", wrap=True, spacing="None"),
        ],
    }


def _facts(rows: list[tuple[str, str]]) -> list[Element]:
    facts = [{"title": name, "value": value} for name, value in rows]
    return [{"type": "FactSet", "separator": True, "facts": facts}] if facts else []


def _card(body: list[Element], fallback: str, buttons: list[tuple[str, str]], base_url: str) -> Element:
    actions = [{"type": "Action.OpenUrl", "title": t, "url": _ours(u, base_url)} for t, u in buttons]
    return {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "fallbackText": fallback,
        "msteams": {"width": "Full"},
        "body": [*body, {"type": "ActionSet", "actions": actions}],
    }


def _ours(url: str, base_url: str) -> str:
    """`url`, if it leads to our own host. Raises Invalid."""
    ours, theirs = urlsplit(base_url), urlsplit(url)
    if ours.scheme not in ("http", "https") or (ours.scheme, ours.netloc) != (theirs.scheme, theirs.netloc):
        raise Invalid("a card may link to Greenlight's own address only")
    return url
