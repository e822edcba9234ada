"""API answers as lines for a terminal. Pure; every text passes `visible`, so nothing in it can steer one."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from shared.figures import number, size
from shared.untrusted import visible

View = Mapping[str, Any]
_WIDEST = 200
"""Ids are for copying: nothing real is cut, only what is absurd."""
_SIGNS = {"pass": "✓", "fail": "✗"}


def status_lines(slots: Sequence[View]) -> list[str]:
    rows = [row for slot in slots for row in _slot_rows(slot)]
    if not rows:
        return ["No model has been registered yet."]
    return table(("MODEL", "ENV", "SERVING", "SINCE", "PROMOTION", "STATE", "WHY"), rows)


def paused_lines(paused: View | None) -> list[str]:
    if not paused:
        return []
    who, why = visible(paused["name"] or paused["by"], 60), visible(paused["reason"], 300)
    return [f"Everything is paused since {paused['at']} by {who}: {why}", ""]


def _slot_rows(slot: View) -> list[tuple[str, ...]]:
    """One line per open promotion; one for the slot if there is none."""
    serving: View = slot["serving"] or {}
    foreign = slot["foreign"]["sentence"] if slot["foreign"] else ""
    unread: str = slot.get("unreadable") or ""
    held = unread or slot["hold"] or foreign
    first = (slot["model"], slot["environment"], serving.get("version") or "–", serving.get("since") or "–")
    shown = [*slot["open"], *([slot["last"]] if slot["last"] else [])]
    if not shown:
        return [(*first, "–", _standing(slot), held)]
    rows = [
        (p["id"], _state(p), held or (p["explain"]["headline"] if p["open"] else p["sentence"]))
        for p in shown
    ]
    return [(*(first if i == 0 else ("", "", "", "")), *row) for i, row in enumerate(rows)]


def _standing(slot: View) -> str:
    """Of a slot with nothing open."""
    if slot.get("unreadable"):
        return "unreadable"
    return "held" if slot["hold"] else "changed by hand" if slot["foreign"] else "at rest"


def _state(p: View) -> str:
    return str(p["verdict"] or p["phase"])


def promotion_lines(p: View) -> list[str]:
    registration = p["registration"]
    lines = [f"{visible(p['model'])} v{visible(p['version'])} → {p['environment']}   {_state(p)}", ""]
    lines += explanation(p)[1:]
    lines += _section(
        "Checks", [f"{_SIGNS.get(g['verdict'], '?')} {visible(g['sentence'])}" for g in p["gates"]]
    )
    lines += _section("Metrics", _columns([(visible(n, 40), number(v)) for n, v in p["metrics"].items()]))
    for request in p["requests"]:
        lines += _request(request)
    if p["candidate"]:
        lines += _section("Rollout", _facts(_rollout(p)))
    about = [
        ("registered", registration["created_at"]),
        ("author", registration["author"]),
        ("run", registration["run_id"]),
        ("commit", registration["commit"]),
        ("data", registration["data_version"]),
        ("digest", p["digest"]),
        ("size", size(p["size"]) if p["size"] else ""),
        ("id", p["id"]),
    ]
    return lines + _section("Lineage", _facts(about)) + _section("Trail", history_lines(p["journal"]))


def _request(request: View) -> list[str]:
    said = f"{request['approvals']} of {request['required']} approvals, open until {request['expires_at']}"
    closed = [visible(request["closed"], 200)] if request["closed"] else []
    return _section(
        f"Request {request['k']}: {request['state']}", [said, *closed, *map(_vote, request["votes"])]
    )


def _vote(v: View) -> str:
    who, comment = visible(v["name"] or v["approver"], 60), visible(v["comment"], 200)
    return f"{who}: {v['decision']} {v['at']} {comment}".rstrip()


def _rollout(p: View) -> list[tuple[str, str]]:
    traffic = p["traffic"]
    return [
        ("candidate", p["candidate"]),
        ("probe", p["probe"]["sentence"] if p["probe"] else ""),
        ("wanted", _weights(traffic["wanted"])),
        ("seen", _weights(traffic["seen"])),
    ]


def _weights(weights: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {weight} %" for name, weight in weights.items())


def explanation(p: View) -> list[str]:
    said = p["explain"]
    because = [f"  · {visible(b, 400)}" for b in said["because"]]
    return [
        f"{visible(p['id'], 200)}   {_state(p)}",
        visible(said["headline"], 300),
        *because,
        f"→ {visible(said['next'], 300)}",
    ]


def history_lines(rows: Iterable[View]) -> list[str]:
    return [
        f"{r['seq']:>6}  {r['at']}  {visible(r['what'], 40):<24}  {visible(r['why'], 300)}"
        + (f"  (by {visible(r['by'], 90)})" if r["by"] not in ("greenlight", "intake") else "")
        for r in rows
    ]


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> list[str]:
    """Columns as wide as they must be; the last one is not padded."""
    return _columns([[visible(cell, _WIDEST) for cell in row] for row in (head, *rows)])


def _columns(cells: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(map(_width, column)) for column in zip(*cells, strict=True)]
    return ["  ".join(_padded(c, w) for c, w in zip(row, widths, strict=True)).rstrip() for row in cells]


def _padded(text: str, width: int) -> str:
    return text + " " * (width - _width(text))


def _width(text: str) -> int:
    """Cells that a terminal uses: wide characters take two, combining marks none."""
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text
    )


def _section(title: str, lines: Sequence[str]) -> list[str]:
    return ["", title, *(f"  {line}" for line in lines)] if lines else []


def _facts(pairs: Iterable[tuple[str, object]]) -> list[str]:
    return [f"{name:<11} {visible(value, 200)}" for name, value in pairs if value]
