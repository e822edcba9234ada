"""What follows when a step's weights are observed: it is watched for its bake, then comes the next. Pure.

healthy and over: the next step. sick: back. inconclusive: held at this weight, then a person is asked.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from orchestrator.case import POLL_STUCK, Case, Step
from orchestrator.health import HEALTHY, INCONCLUSIVE, SICK, HealthSeen, HealthVerdict, judge_health
from orchestrator.model import HealthNote, Promotion
from orchestrator.plan import RolloutStep
from orchestrator.world import Verb, Wait

if TYPE_CHECKING:
    from orchestrator.health_policy import HealthPolicy

POLL_MOST, POLL_LEAST, POLL_SHARE = 60.0, 5.0, 0.05
"""How often a bake is looked at: this share of it, within these seconds."""
SILENT = timedelta(minutes=1)
"""An endpoint that nobody has asked for so long has no traffic, and is asked by ourselves."""


def name_of(case: Case) -> str:
    """`step 2 of 3`."""
    steps = len(case.plan.steps)
    return f"step {min(case.p.step, steps - 1) + 1} of {steps}"


def baked(case: Case) -> Step:
    """The weights are as planned: since when, for how long, and what is made of them."""
    p, now = case.p, case.setting.now
    step = case.plan.steps[min(p.step, len(case.plan.steps) - 1)]
    asked = {verb: at for verb, at in p.asked.items() if verb != Verb.WRITE_TRAFFIC}
    seen = replace(p, seen=dict(p.wanted), seen_at=now, asked=asked)
    if not step.bake:
        following = replace(seen, step=p.step + 1, wrote_at=None)
        return case.record(following, "traffic.observed", f"{name_of(case)} is observed")
    if p.step_at is None:
        sentence = f"{name_of(case)} is observed; it is watched for {step.bake}"
        return case.record(replace(seen, step_at=now), "traffic.observed", sentence)
    return _watched(case, step, p.step_at)


def _watched(case: Case, step: RolloutStep, since: datetime) -> Step:
    p, rule = case.p, health_rule(case)
    seen = case.world.health(p.n)
    judged = judge_health(seen, p.replayed, rule)
    if judged.verdict == SICK:
        return case.sickened(f"{name_of(case)}: {judged.sentence}")
    vouched = p.health.vouched if p.health else ""
    if p.health is None or p.health.verdict != judged.verdict:
        note = HealthNote(
            verdict=judged.verdict, sentence=judged.sentence, at=case.setting.now, vouched=vouched
        )
        said = replace(p, health=note, trouble="")
        return case.record(said, f"health.{judged.verdict}", f"{name_of(case)}: {judged.sentence}")
    over = since + step.bake / case.setting.pace
    if case.setting.now < over:
        return _replay(case, judged, seen, since, rule, _pause(step)) or _until(case, step, over, judged)
    if judged.verdict == HEALTHY or vouched:
        return _next(case, step, judged, vouched)
    if case.setting.now < over + rule.patience / case.setting.pace:
        return _replay(case, judged, seen, since, rule, _pause(step)) or _until(case, step, None, judged)
    # patience may have run out while nobody looked: we ask before a person is asked, and now and then after
    late = _replay(case, judged, seen, since, rule, POLL_STUCK)
    return late or case.stuck(f"{name_of(case)} is held: its bake is over and {judged.sentence}")


def health_rule(case: Case) -> HealthPolicy:
    """As it was approved."""
    from orchestrator.health_policy import HealthPolicy

    return HealthPolicy.model_validate(dict(case.plan.health))


def _next(case: Case, step: RolloutStep, judged: HealthVerdict, vouched: str) -> Step:
    p = case.p
    over = replace(p, step=p.step + 1, step_at=None, wrote_at=None, health=None, replayed=None, trouble="")
    why = judged.sentence if judged.verdict == HEALTHY else f"{vouched} vouches for it; {judged.sentence}"
    return case.record(over, "step.baked", f"{name_of(case)} was watched for {step.bake}: {why}")


def _until(case: Case, step: RolloutStep, over: datetime | None, judged: HealthVerdict) -> Wait:
    again = case.setting.after(_pause(step))
    if over is None:
        return Wait(again, f"{name_of(case)} is held at this weight: {judged.sentence}")
    said = f"{name_of(case)} is watched until {over:%H:%M}: {judged.sentence}"
    return Wait(min(over, again), said)


def _pause(step: RolloutStep) -> float:
    return min(POLL_MOST, max(POLL_LEAST, step.bake.total_seconds() * POLL_SHARE))


def _replay(
    case: Case, judged: HealthVerdict, seen: HealthSeen, since: datetime, rule: HealthPolicy, pause: float
) -> Step | None:
    """Ask the endpoint ourselves, where nobody else does and more answers would help; None: not now."""
    p = case.p
    if judged.verdict != INCONCLUSIVE or not (rule.synthetic and seen.known):
        return None
    quiet = min(SILENT, case.plan.steps[min(p.step, len(case.plan.steps) - 1)].bake / 2)
    if case.setting.now < since + quiet / case.setting.pace or not _silent(p, seen):
        return None
    had = p.replayed
    if had is not None and (had.candidate.requests >= rule.min_requests or case.within(had.until, pause)):
        return None  # an endpoint that does not answer is not asked without end
    return case.act(Verb.REPLAY, deployment=p.candidate)


def _silent(p: Promotion, seen: HealthSeen) -> bool:
    """Are all requests that the endpoint had our own? Those are counted by the metrics, too."""
    own = p.replayed
    mine = own.candidate.requests + (own.stable.requests if own.stable else 0) if own else 0
    return seen.candidate.requests + (seen.stable.requests if seen.stable else 0) <= mine
