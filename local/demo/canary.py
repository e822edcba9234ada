"""The story of two canaries: one that is promoted step by step, one that sickens and goes back by itself."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from local import faults
from local.demo import beginning
from local.demo.story import TARGET, Promotion, Sightings, Step, Story
from local.demo.under_load import load_log, loaded, no_failure, some_more, under_load
from local.demo.waiting import check, equal

if TYPE_CHECKING:
    from collections.abc import Callable

STEPS_SEEN = (10, 50, 100)
HEALTHY_AT_FIRST = 3  # live requests; it answers every probe and every copy
ROLLED_BACK = "RolledBack"


def _first(story: Story) -> None:
    story.log_and_register("modest")
    story.asked()
    story.decide("approve", "The first version for qa.")
    story.live(TARGET)


def _serves(story: Story) -> str:
    serving = story.now_serves()
    return f"{serving.deployment} has 100 % in qa and answered a request"


# ---- the one that is promoted


def _promoted(story: Story) -> None:
    story.log_and_register("better")
    story.asked()
    with under_load(story) as load:
        story.decide("approve", "Step by step, please.")
        story.seen = _watch(story, lambda p: p["verdict"] == "Live", "live, step by step")
        some_more(load)


def _step_by_step(story: Story) -> str:
    old, new = story.serving.deployment, story.now_serves()
    log = story.world.log("functions")
    weights = [w for w, _ in story.seen]
    wanted = [{old: 100 - share, new.deployment: share} for share in STEPS_SEEN[:-1]]
    equal("weights, one after the other", [{old: 100}, *wanted, {new.deployment: 100}], weights, log)
    for at, said in story.seen[1:]:
        story.tell.note(f"{at.get(new.deployment, 0):3} %  {said}")
    counts = no_failure(story)
    shares = ", ".join(f"{n} by {d}" for d, n in counts.by_deployment.items())
    return f"{counts.sent} requests meanwhile, 0 failed: {shares}"


# ---- the one that goes back


def _sicken(story: Story) -> None:
    story.log_and_register("good")
    story.asked()
    rule = {
        "on": "score",
        "workspace": TARGET,
        "model": story.model,
        "version": story.newest.version,
        "status": 500,
        "live": True,
        "after": HEALTHY_AT_FIRST,
    }
    fault = faults.add(story.place.config, rule)
    try:
        with under_load(story) as load:
            story.decide("approve", "Good scores in training.")
            story.seen = _watch(story, lambda p: p["verdict"] == ROLLED_BACK, "rolled back by itself")
            some_more(load)
    finally:
        faults.remove(story.place.config, fault)


def _went_back(story: Story) -> str:
    promotion = story.ended(TARGET, ROLLED_BACK)
    log, candidate, stable = story.world.log("functions"), promotion["candidate"], story.serving.deployment
    equal("traffic at the end", {stable: 100}, story.seen[-1][0], log)
    highest = max(weights.get(candidate, 0) for weights, _ in story.seen)
    check("the candidate never had all of the traffic", highest, log, holds=0 < highest < STEPS_SEEN[-1])
    live = [e for e in loaded(story) if e.get("deployment") == candidate and not e["mirror"]]
    bad = [e for e in live if e["status"] != 200]
    router = story.world.logs / "router-access.log"
    check("live requests that it failed", len(bad), router, holds=bool(bad))
    equal("failed requests", len(bad), story.load.failed, load_log(story))
    seconds = (_time(live[-1]) - _time(bad[0])).total_seconds()
    story.serves(TARGET, story.serving.candidate)
    story.tell.note(promotion["sentence"])
    lost = f"{len(bad)} of {story.load.sent} requests failed"
    return f"{lost}, the last {seconds:.1f} s after the first; {stable} has 100 % again"


# ---- both


def _watch(
    story: Story, until: Callable[[Promotion], bool], expected: str
) -> list[tuple[dict[str, int], str]]:
    """Weights of the endpoint, each once when it changes, with what the product says about them then."""
    seen: Sightings = []

    def holds(p: Promotion) -> bool:
        weights = story.world.weights(TARGET)
        if not seen or seen[-1][0] != weights:
            seen.append((weights, p["explain"]["headline"]))
        return bool(until(p))

    story.follow(TARGET, expected, holds)
    return seen


def _time(entry: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(entry["time"])


STEPS = (
    beginning.STEPS[0],
    Step("v1 serves in qa", _first, _serves),
    Step("v2 gets copies, then 10, 50, 100 %", _promoted, _step_by_step),
    Step("v3 sickens, and goes back by itself", _sicken, _went_back),
)
