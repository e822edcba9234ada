"""Steps 7 to 10: what becomes of a better version, a worse one, a broken one and an unwanted one."""

from __future__ import annotations

from local import faults
from local.demo.beginning import only_vote, same_bytes, trained
from local.demo.load import PER_SECOND
from local.demo.people import name_of
from local.demo.story import MOVE_SECONDS, SOURCE, TARGET, Step, Story
from local.demo.tickets import CHANNEL, TICKETS
from local.demo.under_load import load_log, no_failure, some_more, under_load
from local.demo.waiting import check, equal, wait

NO = "Not this week: the quarter's report needs stable scores."


# ---- 7


def _replace(story: Story) -> None:
    story.train("better")
    trained(story)
    story.asked()
    with under_load(story) as load:
        story.decide("approve", "Better on every count.")
        story.live(TARGET)
        wait(
            lambda: story.world.endpoint(TARGET),
            lambda seen: seen is not None and len(seen.deployments) == 1,
            within=MOVE_SECONDS,
            expected="the old deployment removed",
            read=story.world.log("functions"),
            show=lambda seen: seen.deployments if seen else None,
        )
        some_more(load, "requests after the old deployment is gone")


def _nothing_lost(story: Story) -> str:
    old, new = story.serving.deployment, story.now_serves()
    same_bytes(story)
    left = list(new.endpoint.deployments)
    equal("deployments left", [new.deployment], left, story.world.log("azureml"))
    counts = no_failure(story)
    equal("who answered", {old, new.deployment}, set(counts.by_deployment), load_log(story))
    shares = ", ".join(f"{n} by {d}" for d, n in counts.by_deployment.items())
    during = f"{counts.sent} requests at {PER_SECOND:.0f}/s during the switch"
    return f"{during}, 0 failed: {shares}; p95 {counts.p95_ms:.0f} ms"


# ---- 8


def _worsen(story: Story) -> None:
    story.log_and_register("forgetful")
    story.ended(SOURCE, "Failed")


def _stopped_by_a_gate(story: Story) -> str:
    log = story.world.log("functions")
    worse, serves = story.newest.version, story.serving.candidate
    promotion = story.ended(SOURCE, "Failed")
    equal("reason", "gate", promotion["reason"], log)
    failed = [gate["sentence"] for gate in promotion["gates"] if gate["verdict"] == "fail"]
    check("a gate that failed", promotion["gates"], log, holds=bool(failed))
    equal("promotion in qa", None, story.world.promotion(TARGET, worse), log)
    equal("card", None, story.world.card(worse, TARGET), log)
    story.serves(SOURCE, serves)
    story.unmoved()
    return f"v{worse} Failed in dev: {'; '.join(failed)}; nobody was bothered, v{serves.version} serves on"


# ---- 9


def _break(story: Story) -> None:
    story.log_and_register("good")
    story.asked()
    version = story.newest.version
    rule = {"on": "score", "workspace": TARGET, "model": story.model, "version": version, "status": 500}
    fault = faults.add(story.place.config, rule)
    try:
        with under_load(story):
            story.answered("Best scores so far.")
            story.ended(TARGET, "Failed")
    finally:
        faults.remove(story.place.config, fault)


def _traffic_never_moved(story: Story) -> str:
    promotion = story.ended(TARGET, "Failed")
    equal("reason", "probe", promotion["reason"], story.world.log("functions"))
    vote = only_vote(story, TICKETS)
    equal("how the vote came", CHANNEL, vote["channel"], story.world.log("functions"))
    story.tell.note(f"{name_of(TICKETS)} approved in a ticket; the channel {CHANNEL} signed the vote")
    candidate, router = promotion["candidate"], story.world.logs / "router-access.log"
    entries = story.world.answered(story.serving.endpoint)
    answers = [e for e in entries if e.get("deployment") == candidate]
    equal(f"what {candidate} answered when probed", {500}, {e["model_status"] for e in answers}, router)
    live = [e for e in answers if not e["by_name"]]
    equal(f"live requests that {candidate} got", [], live[:3], router)
    counts = no_failure(story)
    equal("who answered the load", [story.serving.deployment], list(counts.by_deployment), load_log(story))
    story.unmoved()
    failed = f"v{story.newest.version} Failed: {promotion['sentence']}"
    return f"{failed}; {counts.sent} live requests, none reached it"


# ---- 10


def _reject(story: Story) -> None:
    story.log_and_register("best")
    story.asked()
    story.decide("reject", NO)
    story.ended(TARGET, "Rejected")


def _nothing_changed(story: Story) -> str:
    vote, version = only_vote(story), story.newest.version
    equal("the vote", ("reject", NO), (vote["decision"], vote["comment"]), story.world.log("functions"))
    equal(f"v{version} in qa", None, story.world.registered(TARGET, version), story.world.log("azureml"))
    story.unmoved()
    return (
        f"v{version} Rejected by {vote['name']}; qa is as it was: v{story.serving.candidate.version} serves"
    )


STEPS = (
    Step("A better v2 replaces it, under load", _replace, _nothing_lost),
    Step("A worse v3 is stopped by a gate", _worsen, _stopped_by_a_gate),
    Step("A v4 that breaks in qa gets no traffic", _break, _traffic_never_moved),
    Step("A rejected v5 changes nothing", _reject, _nothing_changed),
)
