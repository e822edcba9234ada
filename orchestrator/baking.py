"""What follows when a step's weights are observed: they are watched for its bake, then the next. Pure."""

from __future__ import annotations

from dataclasses import replace

from orchestrator.case import Case, Step
from orchestrator.world import Verb, Wait

POLL_MOST, POLL_LEAST, POLL_SHARE = 60.0, 5.0, 0.05
"""How often a bake is looked at: this share of it, within these seconds."""


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
        return case.record(
            replace(seen, step=p.step + 1, wrote_at=None), "traffic.observed", f"{name_of(case)} is observed"
        )
    if p.step_at is None:
        sentence = f"{name_of(case)} is observed; it is watched for {step.bake}"
        return case.record(replace(seen, step_at=now), "traffic.observed", sentence)
    until = p.step_at + step.bake / case.setting.pace
    if now < until:
        pause = min(POLL_MOST, max(POLL_LEAST, step.bake.total_seconds() * POLL_SHARE))
        return Wait(min(until, case.setting.after(pause)), f"{name_of(case)} is watched until {until:%H:%M}")
    over = replace(p, step=p.step + 1, step_at=None, wrote_at=None, health=None)
    return case.record(over, "step.baked", f"{name_of(case)} was watched for {step.bake}")
