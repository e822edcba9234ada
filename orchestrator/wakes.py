"""Wakes: hints to look at a slot. Losing one costs a minute, repeating one costs a look."""

from __future__ import annotations

import json
from dataclasses import dataclass

from orchestrator.model import SlotKey
from shared.errors import Invalid
from shared.names import parse_slot_id, slot_id
from shared.queues import WAKES, QueuePort

VERSION = 1
_ANCHORS = "anchors~"
"""No slot is called that: escaped names have no such character."""


@dataclass(frozen=True)
class Wake:
    """Look at this slot, or at this source workspace, or write the day's anchor.

    `low`: no promotion below that number is open.
    """

    slot: SlotKey | None = None
    source: str = ""
    low: int = 0
    anchors: bool = False

    @property
    def name(self) -> str:
        """As it was sent."""
        if self.anchors:
            return _ANCHORS
        return slot_id(*self.slot) if self.slot is not None else f"source~{self.source}"


class Wakes:
    """Sends wakes."""

    def __init__(self, queues: QueuePort) -> None:
        self._queues = queues

    def slot(self, key: SlotKey, *, delay: float = 0.0, low: int = 0) -> None:
        self.named(slot_id(*key), delay=delay, low=low)

    def source(self, env: str, *, delay: float = 0.0) -> None:
        self.named(f"source~{env}", delay=delay)

    def anchors(self) -> None:
        self.named(_ANCHORS)

    def named(self, name: str, *, delay: float = 0.0, low: int = 0) -> None:
        """`name` as in the open index: a slot id, or source~environment."""
        message = {"v": VERSION, "wake": name, **({"low": low} if low else {})}
        self._queues.send(WAKES, json.dumps(message), delay=delay)


def read_wake(text: str) -> Wake:
    """Raises Invalid with the reason."""
    try:
        data = json.loads(text)
        version, name, low = data["v"], data["wake"], data.get("low", 0)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Invalid('not a wake; it looks like {"v":1,"wake":"model@environment"}') from error
    if version != VERSION or not isinstance(name, str) or not isinstance(low, int):
        raise Invalid(f"wake of version {version!r}: this release reads version {VERSION}")
    if name == _ANCHORS:
        return Wake(anchors=True)
    if name.startswith("source~"):
        return Wake(source=name.removeprefix("source~"))
    return Wake(slot=SlotKey(*parse_slot_id(name)), low=max(0, low))
