"""The probe: a candidate at 0 % is asked by name, until enough answers in a row are good or one is not.

Every call is bounded: what does not fit into one action goes on in the next, from the answers so far. Silence
says nothing at first, and no later. Whatever breaks the row begins it anew.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from orchestrator.bound import checks_of
from orchestrator.golden import GoldenCase, golden_of, judge_answer
from orchestrator.model import Probe, Reason, SlotState
from orchestrator.outside import Outside
from orchestrator.probing import judge, p95, too_slow
from orchestrator.world import Action, Outcome, Probed, Trouble
from shared.clock import Clock
from shared.errors import Retryable
from shared.ports import Answer

if TYPE_CHECKING:
    from orchestrator.gate_policy import Checks
    from orchestrator.policy import SlotPolicy

PATIENCE = 8
"""Troubled probes after which "not reachable yet" counts as an answer: some twenty minutes."""
SHARE = 0.5
"""Of the call's time, how much may be over when one more request is sent."""


@dataclass(frozen=True)
class Question:
    """A request and, for a golden one, what is expected."""

    body: bytes
    golden: GoldenCase | None = None


def ask_by_name(
    outside: Outside, clock: Clock, deadline: timedelta, state: SlotState, policy: SlotPolicy, action: Action
) -> Outcome:
    """As many requests as fit into this call."""
    p, began = state.promotions[action.n], clock.now()
    patient, checks = p.troubles < PATIENCE, checks_of(state, p.n, policy)
    workspace = outside.workspace(policy.env.workspace)
    endpoint = workspace.endpoint(policy.endpoint)
    if endpoint is None:
        return Trouble(retry=True, why=f"endpoint {policy.endpoint} is not there")
    name, key = action.deployment, workspace.scoring_key(policy.endpoint)
    questions = questions_of(outside, policy, checks)
    times = list[int]() if p.troubles else list(p.probing)
    enough = max(checks.requests, len(questions))
    while len(times) < enough:
        used = clock.now() - began
        if used > deadline * SHARE:
            return Probed(None, tuple(times))
        question = questions[len(times) % len(questions)]
        try:
            answer = outside.scoring.score(
                endpoint.scoring_uri,
                key,
                question.body,
                deployment=name,
                timeout=min(policy.probe.timeout, deadline - used).total_seconds(),
                request_id=f"probe-{p.n}-{len(times) + 1}",
            )
        except Retryable as error:
            if patient:
                raise
            return _failed(clock, Reason.PROBE, f"{name} does not answer: {error}", times)
        judged = judge(answer.status, answer.body, answer.headers)
        if judged.retry and patient:
            return Trouble(retry=True, why=f"{name} {_after(times)}{judged.sentence}")
        if not judged.ok:
            return _failed(clock, Reason.PROBE, f"{name} {_after(times)}{judged.sentence}", times, answer)
        wrong = judge_answer(question.golden, answer.body) if question.golden else ""
        if wrong and question.golden:
            sentence = f"{name} answers {question.golden.name!r} otherwise than expected: {wrong}"
            return _failed(clock, Reason.GOLDEN, sentence, times, answer)
        times.append(max(1, round(answer.seconds * 1000)))
    slow = too_slow(times, checks.p95_ms)
    if slow:
        return _failed(clock, Reason.LATENCY, f"{name} {slow}", times)
    return Probed(_passed(clock, name, times, sum(q.golden is not None for q in questions)))


def questions_of(outside: Outside, policy: SlotPolicy, checks: Checks) -> tuple[Question, ...]:
    """The sample request, and where they are a gate the golden ones."""
    sample = Question((outside.root / policy.probe.request).read_bytes())
    golden = golden_of(outside.root, policy) if checks.golden else ()
    return (sample, *(Question(case.body, case) for case in golden))


def _after(times: list[int]) -> str:
    """A deployment that was there already has died, or starts anew; one that was not may be on its way."""
    return f"answered {len(times)} requests, then " if times else ""


def _passed(clock: Clock, name: str, times: list[int], golden: int) -> Probe:
    middle = p95(times)
    said = f", the {golden} golden ones as expected" if golden else ""
    sentence = f"{name} answered {len(times)} of {len(times)} requests by name{said}, 95 % within {middle} ms"
    return Probe(
        ok=True,
        sentence=sentence,
        status=200,
        seconds=max(times) / 1000,
        at=clock.now(),
        asked=len(times),
        p95_ms=middle,
    )


def _failed(
    clock: Clock, reason: Reason, sentence: str, times: list[int], answer: Answer | None = None
) -> Probed:
    slowest = max([*times, round(answer.seconds * 1000) if answer else 0], default=0) / 1000
    probe = Probe(
        ok=False,
        sentence=sentence,
        status=answer.status if answer else 0,
        seconds=slowest,
        at=clock.now(),
        reason=reason,
        asked=len(times) + (answer is not None),
        p95_ms=p95(times) if times else None,
    )
    return Probed(probe)
