"""Looking at pages as readers and browsers do, and at what votes left behind."""

from __future__ import annotations

import re
from html.parser import HTMLParser

from orchestrator.model import Promotion, SlotKey
from orchestrator.views import id_of
from orchestrator.web.http import WebResponse
from tests.edges.world import World


def text(answer: WebResponse) -> str:
    """What a reader sees: tags out, spaces collapsed."""
    return " ".join(re.sub(r"<[^>]*>", " ", answer.body.decode()).split())


class Shape(HTMLParser):
    """Tags and attributes of a page, as a browser would see them."""

    def __init__(self, html: bytes) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.feed(html.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]


def pages_of(world: World, p: Promotion) -> list[str]:
    return ["/", f"/promotions/{id_of(p)}", f"/review/{world.token(p)}"]


def votes(world: World, n: int, k: int = 1) -> list[tuple[str, str]]:
    """(object id, decision) of the votes on a request of titanic@qa."""
    found = world.ledger.votes(SlotKey("titanic", "qa"), n, k)
    return [(v.approver.rpartition("/")[2], v.decision.value) for v in found]


def stored(world: World) -> dict:
    """Everything stored, to be compared."""
    return {name: dict(table.rows) for name, table in world.store.tables.items()}
