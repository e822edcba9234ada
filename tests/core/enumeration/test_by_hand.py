"""Where an operator moves a slot no invariant is broken in any world; and the walk notices who breaks one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from orchestrator import closing, decide, obeying, orphans, promoting, retiring, returning
from orchestrator.world import Change
from tests.core.enumeration.about_hand import broken
from tests.core.enumeration.axes import Place
from tests.core.enumeration.axes_by_hand import Rows, rows
from tests.core.enumeration.figures import NOW
from tests.core.enumeration.walk_by_hand import Seen, walk


def told(s: Seen) -> str:
    return f"{broken(s)}\n  rows: {s.rows}\n  seen: {s.facts}\n  decided: {s.decided}"


def test_no_decision_by_hand_breaks_an_invariant_in_any_world(capsys: pytest.CaptureFixture[str]) -> None:
    worlds = decisions = 0
    for row in rows():
        worlds += 1
        for seen in walk(row):
            decisions += 1
            assert not broken(seen), told(seen)
    with capsys.disabled():
        print(f"\nby hand: {worlds:,} combinations of rows, {decisions:,} decisions", end="")


# ---- with one thing wrong


def _nothing(*_: Any) -> None:
    return None


def _changed(real: Callable[..., Any], **slot: Any) -> Callable[..., Any]:
    """The same decision, with something else in the slot."""

    def wrong(*args: Any) -> Any:
        decided = real(*args)
        return (
            replace(decided, slot=replace(decided.slot, **slot)) if isinstance(decided, Change) else decided
        )

    return wrong


_OF_OTHERS = {"left_over": lambda state, endpoint: dict(endpoint.deployments) if endpoint else {}}

MUTANTS: dict[str, tuple[object, str, Any]] = {
    "nobody vouches": (returning, "unvouched", lambda *_: ""),
    "a hand is overwritten": (returning, "_astray", lambda *_: ""),
    "a stale read counts": (returning, "_just_switched", lambda *_: False),
    "nothing is ever read back": (returning, "_recent", lambda *_: True),
    "recorded as soon as it is written": (
        returning,
        "_write",
        lambda state, said, endpoint, world, setting: returning._returned(state.slot, said, setting),
    ),
    "it may be rolled back": (returning, "_returned", _changed(returning._returned, previous=returning)),
    "no way back is deployed": (returning, "_anew", lambda slot, *_: Change(slot=slot)),
    "a rollback that is never pursued": (decide, "pursue_rollback", _nothing),
    "a retirement that is never pursued": (decide, "pursue_retirement", _nothing),
    "retired, whoever's it is": (retiring, "guard", lambda *_: ""),
    "retired, whatever moves": (retiring, "moving", lambda *_: ""),
    "gone before it is": (retiring, "guard", lambda endpoint, slot, action: "no"),
    "removed at once": (orphans, "removed_at", lambda *_: NOW - timedelta(seconds=1)),
    "never removed": (orphans, "removed_at", lambda *_: NOW + timedelta(days=1)),
    "strangers are left over, too": (orphans, "left_over", _OF_OTHERS["left_over"]),
    "removed, whoever has traffic": (orphans, "before", lambda _: None),
    "orphans are forgotten": (closing, "watch", _nothing),
}
"""What is put in the place of what."""


def test_the_walk_notices_each_thing_that_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    unnoticed = [name for name, mutant in MUTANTS.items() if not noticed(mutant, monkeypatch)]

    assert unnoticed == [], unnoticed


ORDERS = {
    "a rollback that holds nothing": ("ROLLBACK", {"hold": ""}),
    "a rollback that leaves the command": ("ROLLBACK", {"told": ""}),
    "a retirement that holds nothing": ("RETIRE", {"hold": ""}),
    "a retirement beside a mover": ("RETIRE", {"mover": 3}),
    "a promotion that takes the slot": ("PROMOTE", {"told": ""}),
}


@pytest.mark.parametrize("name", ORDERS)
def test_the_walk_notices_what_a_command_leaves_wrong(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    command, slot = ORDERS[name]
    key = next(c for c in (*obeying._AT_ONCE, *obeying._LOOKING) if c.name == command)
    table = obeying._AT_ONCE if key in obeying._AT_ONCE else obeying._LOOKING
    monkeypatch.setitem(table, key, _changed(table[key], **slot))  # type: ignore[arg-type]

    assert any(broken(seen) for seen in _seen())


def test_the_walk_notices_a_promotion_of_what_is_archived(monkeypatch: pytest.MonkeyPatch) -> None:
    def blind(given: Any, world: Any) -> Change:
        class Blind:
            def origin(self, version: str) -> Any:
                return replace(world.origin(version), archived=False)

        return promoting.promote(given, Blind())  # type: ignore[arg-type]

    key = next(c for c in obeying._LOOKING if c.name == "PROMOTE")
    monkeypatch.setitem(obeying._LOOKING, key, blind)

    assert any(broken(seen) for seen in _seen())


def noticed(mutant: tuple[object, str, Any], monkeypatch: pytest.MonkeyPatch) -> bool:
    place, name, wrong = mutant
    with monkeypatch.context() as patch:
        patch.setattr(place, name, wrong)
        try:
            return any(broken(seen) for seen in _seen())
        except Exception:  # noqa: BLE001 -- whoever falls over it has noticed
            return True


def _seen() -> Iterator[Seen]:
    """One place is enough to notice: the one with a rule and a copy."""
    found: list[Rows] = [row for row in rows() if row.place is Place.LATER_RULED]
    for row in found:
        yield from walk(row)
