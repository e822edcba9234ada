"""What a channel is given, for tests of cards and messages."""

from __future__ import annotations

from dataclasses import replace

from orchestrator.delivering import Telling
from orchestrator.model import SlotKey
from orchestrator.outbox import Delivery, Notice, NoticeKind
from tests.edges.world import World


def asking(world: World, kind: NoticeKind = NoticeKind.ASKED, sentence: str = "") -> Telling:
    """Something that asks for a decision on the usual request."""
    p, request = world.asked()
    notice = _notice(world, kind, sentence)
    notice = replace(notice, n=p.n, version=p.registration.version)
    return Telling(slot=SlotKey(p.model, p.env), notice=notice, repeat=False, promotion=p, request=request)


def ending(world: World, kind: NoticeKind = NoticeKind.LIVE, sentence: str = "because") -> Telling:
    """Something about a promotion that is over: its rows are not at hand any more."""
    return Telling(
        slot=SlotKey("titanic", "qa"),
        notice=_notice(world, kind, sentence),
        repeat=False,
        promotion=None,
        request=None,
    )


def _notice(world: World, kind: NoticeKind, sentence: str) -> Notice:
    return Notice(
        n=2, k=1, mark=kind.value, kind=kind, version="2", sentence=sentence, actor="greenlight",
        at=world.now, to={"queue": Delivery(begun=1)},
    )  # fmt: skip
