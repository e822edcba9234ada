"""Steady requests while something happens in the target, and what came of them."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from local.demo.load import MARK
from local.demo.story import MOVE_SECONDS
from local.demo.waiting import equal, wait

if TYPE_CHECKING:
    from collections.abc import Iterator

    from local.demo.load import Counts, Load
    from local.demo.story import Story

FLOWING = 25  # answers before anything is decided: the load is there first


@contextmanager
def under_load(story: Story) -> Iterator[Load]:
    """Requests before, during and after; what came of them stays in `story.load`."""
    with story.world.load(story.serving.endpoint) as load:
        wait(
            lambda: load.counts.sent,
            lambda sent: sent >= FLOWING,
            within=MOVE_SECONDS,
            expected=f"{FLOWING} requests of the load generator answered",
            read=load.log,
        )
        yield load
        story.load = load.stop()


def some_more(load: Load, expected: str = "some more requests") -> None:
    after = load.counts.sent
    wait(
        lambda: load.counts.sent,
        lambda sent: sent >= after + FLOWING,
        within=MOVE_SECONDS,
        expected=expected,
        read=load.log,
    )


def no_failure(story: Story) -> Counts:
    """By the generator's count and by the router's log."""
    counts = story.load
    equal("failed requests", (0, []), (counts.failed, counts.failures), load_log(story))
    entries = loaded(story)
    refused = [e for e in entries if e["status"] != 200]
    equal(
        "answers other than 200 in the router's log", [], refused[:3], story.world.logs / "router-access.log"
    )
    return counts


def load_log(story: Story) -> str:
    return str(story.world.logs / "load.log")


def loaded(story: Story) -> list[dict[str, Any]]:
    entries = story.world.answered(story.serving.endpoint)
    return [e for e in entries if str(e.get("client_request_id")).startswith(MARK)]
