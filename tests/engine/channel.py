"""A Teams webhook that takes cards, or fails as it is told to; and what was told to whom."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from shared.errors import GreenlightError, Unavailable
from tests.engine.town import QA, Town


class Teams:
    """A webhook that takes cards, or fails as it is told to."""

    def __init__(self) -> None:
        self.cards: list[str] = []
        self.tried: list[datetime] = []
        self.fails: Callable[[], GreenlightError | None] = lambda: None
        self.hangs = timedelta()
        self.town: Town

    def __call__(self, url: str, card: Mapping[str, Any], timeout: float = 10.0) -> None:
        self.tried.append(self.town.clock.now())
        self.town.clock.advance(min(self.hangs.total_seconds(), timeout))
        error = self.fails()
        if error is not None:
            raise error
        self.cards.append(json.dumps(card, ensure_ascii=False))

    def heads(self) -> list[str]:
        return [json.loads(card)["body"][0]["items"][0]["text"] for card in self.cards]


def down() -> GreenlightError:
    return Unavailable("the webhook does not work")


def later(town: Town, length: timedelta, *, every: float = 600.0) -> None:
    end = town.clock.now() + length
    while town.clock.now() < end:
        town.sweep(every)


def kinds(town: Town) -> list[str]:
    return [str(m["notice"]) for m in town.notices()]


def why(town: Town, what: str) -> list[str]:
    return [r.entry.why for r in town.app.ledger.journal(QA, limit=10_000) if r.entry.what == what]
